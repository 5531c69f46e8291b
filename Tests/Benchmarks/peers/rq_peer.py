"""RQ with SimpleWorker, which forks for no job."""
import os

import redis
from rq import Queue

import rq_peer
from stamps import argument, stamp

queue = Queue("default", connection=redis.Redis.from_url(os.environ["PEER_URL"]))


def note(_):
    stamp()


def push(jobs):
    for start in range(0, jobs, 500):
        queue.enqueue_many([
            # A job is found by the name of its module.
            Queue.prepare_data(rq_peer.note, (argument(number),), result_ttl=0) for number in range(start, min(start + 500, jobs))])
