"""A private Redis server, processor time of processes, and an orderly end: what the measurements here have in common."""
import os
import signal
import socket
import subprocess
import sys
import time


class Redis:
    """A private server on a socket and, if it is asked for, a TCP port; and the few commands that are needed, without a library."""

    def __init__(self, folder, port=0):
        self.path = os.path.join(folder, "redis.sock")
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--unixsocket", self.path, "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(self.path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    sys.exit("redis-server does not start: is it installed?")
                time.sleep(0.01)
        self.file = self.socket.makefile("rb")

    def send(self, commands):
        out = bytearray()
        for command in commands:
            out += b"*%d\r\n" % len(command)
            for word in command:
                word = word if isinstance(word, bytes) else str(word).encode()
                out += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(out)
        return [self.reply() for _ in commands]

    def call(self, *command):
        return self.send([command])[0]

    def reply(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            sys.exit("Redis: " + rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            return self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return rest

    def end(self):
        self.process.terminate()
        self.process.wait()


def cpu(pid):
    with open(f"/proc/{pid}/stat") as stat:
        words = stat.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def interruptible(main):
    """Runs it; Ctrl-C and SIGTERM end what it has started, without a traceback."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
