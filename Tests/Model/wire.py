"""A Redis of the test's own on a unix socket, and a plain RESP2 connection that sends a whole schedule in one write.

Before it: nothing. After it: running.py, which says what to send and compares what comes back.
"""
import shutil
import socket
import subprocess
import tempfile
import time


class RedisError:
    """An error that Redis replied; a value like the others, so that the replies after it are read too."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return f"({self.text})"


class Server:
    """A private redis-server; `options` are those of its command line."""

    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="tempest-model-")
        self.path = f"{self.folder}/redis.sock"
        program = shutil.which("redis-server")
        if program is None:
            raise SystemExit("the model test needs redis-server (7.0 or newer) in the PATH: run Tests/setup")
        self.process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", self.path, "--dir", self.folder, "--save", "", "--appendonly", "no",
             "--loglevel", "warning", *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                Connection(self.path).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.stop()
                    raise SystemExit("the private redis-server does not answer within 10 s") from None
                time.sleep(0.01)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Connection:
    """Commands are lists of bytes; replies are int, bytes, None, list or RedisError."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.reader = self.socket.makefile("rb", buffering=1 << 16)

    def close(self):
        self.reader.close()
        self.socket.close()

    def send(self, commands):
        parts = []
        for command in commands:
            parts.append(b"*%d\r\n" % len(command))
            parts.extend(b"$%d\r\n%b\r\n" % (len(word), word) for word in command)
        self.socket.sendall(b"".join(parts))

    def receive(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[0], line[1:-2]
        if kind == 36:  # $
            size = int(rest)
            return None if size < 0 else self.reader.read(size + 2)[:-2]
        if kind == 58:  # :
            return int(rest)
        if kind == 42:  # *
            return None if rest == b"-1" else [self.receive() for _ in range(int(rest))]
        return RedisError(rest.decode()) if kind == 45 else rest

    def pipeline(self, commands):
        self.send(commands)
        return [self.receive() for _ in commands]

    def call(self, *words):
        reply = self.pipeline([words])[0]
        if isinstance(reply, RedisError):
            raise RuntimeError(reply.text)
        return reply
