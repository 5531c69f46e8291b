#!/usr/bin/env python3
"""A tier 0 worker: Redis and JSON alone, no library of Tempest.      REDIS_URL=redis://… python3 worker.py [QUEUE]

At most once: BLPOP takes a job out of Redis, so one that is in hand when this program dies is lost. It reads JSON only;
jobs in other codecs are logged and lost as well. See protocol/README.md, "A tier 0 worker".
"""
import json
import os
import re
import sys

import redis


def wordcount(text):
    return len(text.split())


def add(a, b):
    return a + b


HANDLERS = {"wordcount": wordcount, "add": add}
ADDRESS = re.compile(r"([A-Za-z0-9_-]{1,64})(?:@([A-Za-z0-9_.-]{1,128}))?")  # an inbox, perhaps of another queue


def parse(data):
    """The fields of a job, of which meta may be empty; ValueError if the bytes are none."""
    job = json.loads(data.decode("utf-8"))
    if not isinstance(job, list) or len(job) not in (4, 5):
        raise ValueError("not an array of four or five")
    action, args, respond_to, job_id = job[:4]
    if not isinstance(action, str) or not isinstance(args, list) or type(job_id) not in (str, int):
        raise ValueError("not action, args, respond_to, job_id")
    if respond_to is not None and not (isinstance(respond_to, str) and ADDRESS.fullmatch(respond_to)):
        raise ValueError("respond_to is not an inbox")
    meta = job[4] if len(job) == 5 else {}
    if not isinstance(meta, dict):
        raise ValueError("meta is not a map")
    return action, args, respond_to, job_id, meta


def run(action, args, job_id, meta):
    """The answer as JSON: the result, or an error that tells no more than it should."""
    if "route" in meta or "gather" in meta:
        # Its caller asked for the end of the route, and would get what comes in the middle.
        return failure(action, job_id, "bad_route", "this worker does not follow routes")
    if action not in HANDLERS:
        return failure(action, job_id, "unknown_action", f"there is no handler for {action}")
    try:
        return json.dumps([action, job_id, [HANDLERS[action](*args)]], allow_nan=False, ensure_ascii=False).encode("utf-8")
    except Exception as error:
        print(f"{action} failed: {error!r}", file=sys.stderr)
        return failure(action, job_id, "handler", "the handler failed")


def failure(action, job_id, code, message):
    return json.dumps([action, job_id, [], {"error": {"code": code, "message": message}}]).encode("utf-8")


def serve(client, queue):
    levels = [f"{{{queue}}}:high", queue, f"{{{queue}}}:low"]
    print(f"raw worker ready on {queue}", flush=True)
    while True:
        taken = client.blpop(levels, timeout=5)
        if taken is None:
            continue
        try:
            action, args, respond_to, job_id, meta = parse(taken[1])
        except (ValueError, RecursionError) as error:
            print(f"dropped a job: {error}: {taken[1][:80]!r}", file=sys.stderr)
            continue
        answer = run(action, args, job_id, meta)
        if respond_to is not None:
            inbox, home = ADDRESS.fullmatch(respond_to).groups()
            home = home or queue
            client.rpush(f"{{{home}}}:in:{inbox}", answer)
            # The inbox of a registered caller never expires; any other does.
            if not client.hexists(f"{{{home}}}:!inboxes", inbox):
                client.expire(f"{{{home}}}:in:{inbox}", 300)


if __name__ == "__main__":
    url = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
    try:
        # The reply to a BLPOP of 5 seconds needs a longer time-out than some releases of the client have by default.
        serve(redis.Redis.from_url(url, socket_timeout=15), sys.argv[1] if len(sys.argv) > 1 else "tempest")
    except KeyboardInterrupt:
        pass
