"""Dramatiq: a job is acknowledged when it is done."""
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from stamps import argument, stamp

dramatiq.set_broker(RedisBroker(url=os.environ["PEER_URL"]))


@dramatiq.actor
def note(_):
    stamp()


def push(jobs):
    for number in range(jobs):
        note.send(argument(number))
