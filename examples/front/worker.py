#!/usr/bin/env python3
"""The Python worker of the page: held requests, a stream, an upload, the room, frames, and two steps of the route."""
import json
import logging
import os
import platform
import sys
import time

import redis

try:
    import tempest
except ImportError:  # not installed: this is a checkout
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.join(here, "..", "..", "clients", "python", "src"))
    import tempest
from tempest import http, sockets

ME = {"language": "Python", "version": platform.python_version(), "process": os.getpid()}
ROOM = "showcase:room"  # who is in it: what it takes to send to each

logging.basicConfig(level=logging.INFO, format="%(message)s")
worker = tempest.Worker(["python", "any", "echo", "room"], concurrency=4)
client = tempest.Client()
store = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"), decode_responses=True)


@worker.handler("url", context=True)
@http.endpoint
def answer(request):
    place = request.path.rpartition("/")[2]
    if place == "hello":
        return http.json(ME)
    if place == "visit":
        visits = request.session.get("seen", 0) + 1
        request.session.set("seen", visits)
        return http.json({**ME, "visits": visits})
    if place == "publish" and request.method == "POST":
        client.publish("news", {"text": request.fields.get("text", "")[:200], **ME}, event="note")
        return http.answer(204)
    if place == "upload" and request.method == "POST":
        if not request.uploads:
            return http.text("A file is missing.", status=400)
        upload = request.uploads[0]
        with upload.open() as file:  # the end of it is reached only if size and digest are right
            size = sum(len(chunk) for chunk in iter(lambda: file.read(1 << 16), b""))
        return http.json({**ME, "filename": upload.filename, "size": size, "sha256": upload.sha256})
    return http.text("There is nothing here.", status=404)


@worker.handler("progress", context=True)
@http.endpoint
def progress(request):
    yield http.text("")
    for percent in range(5, 101, 5):
        time.sleep(0.05)
        yield f"{percent}\n"


@worker.handler("websocket", context=True)
@sockets.endpoint
def frame(event):
    if event.context.queue == "room":
        return in_room(event)
    if event.kind == "message":
        return f"Python {os.getpid()}: {event.data}"


def in_room(event):
    me = event.connection
    if event.kind == "close":
        store.hdel(ROOM, me.job_id)
        return None
    if event.kind == "open":
        store.hset(ROOM, me.job_id, json.dumps([me.queue, me.respond_to, me.job_id]))
        return [f"{store.hlen(ROOM)} in the room"]
    said = f"{event.data} (by way of Python)"
    for job_id, place in store.hgetall(ROOM).items():
        if job_id != me.job_id and not client.tell(*json.loads(place), [said]):
            store.hdel(ROOM, job_id)
    return said


@worker.handler("clean")
def clean(job):  # the first step has the browser's request, the others what the step before them answered
    return " ".join(http.Request.of(job).query.get("text", "")[:200].split())


@worker.handler("longest")
def longest(text):
    return max(text.split(), key=len, default="")


worker.run()
client.close()
