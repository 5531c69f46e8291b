"""A worker in the manner of py-tempest: exactly four elements, a tuple is the list that goes back as a command named after the action.

Run: worker.py REDIS_PORT QUEUE…
"""
import json
import sys

import redis


def add(a, b):
    return (a + b,)


def shout(text):
    return (text.upper(),)


def page(request):
    return 200, {"content-type": "text/plain"}, "%s %s by python" % (request["method"], request["url"])


ACTIONS = {"add": add, "shout": shout, "url": page}


def work(port, queues):
    source = redis.Redis(host="127.0.0.1", port=port)
    nodes = {}
    print("ready", flush=True)
    while True:
        _, task = source.blpop(queues, 0)
        cmd, args, answer, job_id = json.loads(task)
        result = ACTIONS[cmd](*args)
        if answer not in nodes:
            host, node_port = answer.split(":")
            nodes[answer] = redis.Redis(host=host, port=int(node_port))
        reply = nodes[answer].execute_command(cmd, job_id, json.dumps(result))
        print("answered", reply, flush=True)


if __name__ == "__main__":
    try:
        work(int(sys.argv[1]), sys.argv[2:])
    except (redis.ConnectionError, KeyboardInterrupt):
        pass
