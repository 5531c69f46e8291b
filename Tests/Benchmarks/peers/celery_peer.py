"""Celery: early acknowledgement, as it comes (a job is gone from the queue when it is received)."""
import os

from celery import Celery

from stamps import argument, stamp

app = Celery("celery_peer", broker=os.environ["PEER_URL"])
app.conf.update(
    task_ignore_result=True, worker_prefetch_multiplier=64, worker_send_task_events=False, task_default_delivery_mode="transient",
    broker_connection_retry_on_startup=True)


@app.task(name="note")
def note(_):
    stamp()


def push(jobs):
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(jobs):
            note.apply_async((argument(number),), producer=producer)
