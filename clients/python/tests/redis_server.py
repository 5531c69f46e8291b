"""A Redis of the tests' own: on a unix socket in a temporary folder, gone when the tests are."""
import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time

import checkout
import redis


class RedisServer:
    """Starts at once; `client` is a plain redis client to look at what is there."""

    def __init__(self, *options):
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("these tests need redis-server (7.0 or newer) in the PATH")
        self.folder = tempfile.mkdtemp(prefix="tempest-python-")
        self.socket = os.path.join(self.folder, "redis.sock")
        self.url = f"unix://{self.socket}?db=0"
        self.options = options
        self.client = redis.Redis(unix_socket_path=self.socket)
        atexit.register(self.stop)
        self.start()

    def start(self):
        self.launch()
        wait_for(self.answers, "redis-server does not answer")

    def launch(self, *more):
        """Returns before it answers."""
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--save", "",
             "--appendonly", "no", "--loglevel", "warning", *self.options, *more], stdout=subprocess.DEVNULL)

    def answers(self):
        try:
            return self.listens() and self.client.ping()
        except (redis.ConnectionError, OSError):
            return False

    def listens(self):
        # The redis package 4.3 leaves a socket open that cannot connect, so it is asked only once somebody listens.
        with socket.socket(socket.AF_UNIX) as probe:
            return not probe.connect_ex(self.socket)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.kill()
        self.client.connection_pool.disconnect()  # close() leaves connections in the pool open
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        self.load_functions()
        return self

    def __exit__(self, *_):
        self.stop()

    def load_functions(self):
        self.client.execute_command("FUNCTION", "LOAD", "REPLACE",
                                    (checkout.ROOT / "protocol" / "tempest.lua").read_bytes())

    def run_vector(self, test, entry, listener=None):
        """One entry of protocol/vectors/functions.json: what is there before, the call, and what is there after. `listener`: what
        `listening` returned, for an entry that says what is published."""
        self.client.flushall()
        for key, content in entry.get("before", {}).items():
            self._put(key, content)
        found = self._reply(entry["call"])
        test.assertEqual(found, filled(entry["result"], found))
        for key, content in entry.get("after", {}).items():
            if key == "absent":
                for absent in content:
                    test.assertFalse(self.client.exists(absent), absent)
            else:
                ((kind, expected),) = content.items()
                found = self._get(key, kind)
                test.assertEqual(found, filled(sorted(expected) if kind == "set" else expected, found), key)

        if listener is not None:
            published = self._published(listener)
            test.assertEqual(published, filled(entry["published"], published))

    def listening(self):
        """A subscription to all channels; to be closed."""
        listener = self.client.pubsub()
        listener.psubscribe("*")
        wait_for(lambda: self.client.pubsub_numpat() == 1, "nobody listens")
        return listener

    def _published(self, listener):
        """All that was published since it was asked last: [channel, message]."""
        self.client.publish("end", "")
        found = []
        while not found or found[-1][0] != "end":
            message = listener.get_message(timeout=10)
            if message is not None and message["type"] == "pmessage":
                found.append([text(message["channel"]), text(message["data"])])
        return found[:-1]

    def _put(self, key, content):
        ((kind, value),) = content.items()
        if kind == "list":
            self.client.rpush(key, *value)
        elif kind == "hash":
            self.client.hset(key, mapping=value)
        elif kind == "set":
            self.client.sadd(key, *value)
        elif kind == "zset":
            self.client.zadd(key, value)
        elif kind == "stream":
            for number, fields in value:
                self.client.xadd(key, fields, id=number)
        else:
            self.client.set(key, value)

    def _get(self, key, kind):
        if kind == "list":
            return text(self.client.lrange(key, 0, -1))
        if kind == "hash":
            return text(self.client.hgetall(key))
        if kind == "set":
            return sorted(text(list(self.client.smembers(key))))
        if kind == "zset":
            return {text(member): score for member, score in self.client.zrange(key, 0, -1, withscores=True)}
        if kind == "stream":
            return [[text(number), text(fields)] for number, fields in self.client.xrange(key)]
        return text(self.client.get(key))

    def _reply(self, call):
        try:
            return text(self.client.execute_command("FCALL", call[0], 1, *call[1:]))
        except redis.ResponseError as error:
            return {"error": str(error).split(" ")[0]}


def filled(expected, found):
    """What is expected, with what was found wherever a vector says {"any": true}: times, and ids made of times."""
    if expected == {"any": True}:
        return found
    if isinstance(expected, list) and isinstance(found, list):
        return [filled(item, found[i] if i < len(found) else None) for i, item in enumerate(expected)]
    if isinstance(expected, dict) and isinstance(found, dict):
        return {key: filled(item, found.get(key)) for key, item in expected.items()}
    return expected


def text(reply):
    """A reply with its bytes as text."""
    if isinstance(reply, bytes):
        return reply.decode("utf-8")
    if isinstance(reply, list):
        return [text(item) for item in reply]
    if isinstance(reply, dict):
        return {text(key): text(item) for key, item in reply.items()}
    return reply


def wait_for(condition, what, seconds=10.0):
    """Returns what `condition` returns as soon as that is true; fails after the seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} (waited {seconds} s)")
        time.sleep(0.01)
