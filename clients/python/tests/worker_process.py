"""Starts worker_program.py and waits for its ready line; what it logs is kept for the messages of failing tests.

A connection that the worker forgets to close fails the test."""
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

PROGRAM = Path(__file__).with_name("worker_program.py")


class WorkerProcess:
    def __init__(self, url, *arguments, **environment):
        self.log = []
        self._ready = threading.Event()
        self._ended = threading.Event()
        command = [sys.executable, "-W", "always::ResourceWarning", str(PROGRAM), *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "REDIS_URL": url, **environment})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(10):
            self.kill()
            raise AssertionError("the worker was not ready in 10 s:\n" + "".join(self.log))

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)
            if "tempest worker ready" in line:
                self._ready.set()

    def said(self, words):
        return any(words in line for line in self.log)

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=15.0):
        """The exit status."""
        try:
            return self.process.wait(seconds)
        finally:
            self.kill()

    def kill(self):
        """As kill -9 does: nothing is given back."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(5)
        self.process.stderr.close()
        leaks = [line for line in self.log if "ResourceWarning" in line]
        if leaks:
            raise AssertionError("the worker left something open:\n" + "".join(leaks))
