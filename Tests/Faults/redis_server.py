"""A private redis-server in a folder of its own, which can be killed, stalled, and started again on what it wrote."""
from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from typing import Dict, List, Optional

from wire import ErrorReply, Gone, Wire


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """Listens on `path` (a unix socket), and on a loopback `port` too where TCP is the point."""

    def __init__(self, folder: str, options: Optional[List[str]] = None, data: Optional[str] = None, tcp: bool = False,
                 environment: Optional[Dict[str, str]] = None) -> None:
        self.folder = folder
        self.path = os.path.join(folder, "redis.sock")
        self.port = free_port() if tcp else 0
        self.options = options or []
        self.data = data or folder
        self.environment = environment or {}
        self.process: Optional[subprocess.Popen] = None
        self._steady: List[Wire] = []
        self._log = open(os.path.join(folder, "redis.log"), "ab")

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def wire(self, timeout: float = 30.0, name: str = "") -> Wire:
        return Wire(self.path, timeout, name)

    def steady_wire(self, name: str) -> Wire:
        """One of the main thread's, which outlives a restart: it connects anew after `kill`."""
        wire = self.wire(30.0, name)
        self._steady.append(wire)
        return wire

    def launch(self) -> None:
        """Starts the process and does not wait for it."""
        command = ["setpriv", "--pdeathsig", "KILL", "redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                   "--unixsocket", self.path, "--dir", self.data, "--save", "", "--daemonize", "no",
                   "--proto-max-bulk-len", "64mb", *self.options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
                                        env={**os.environ, **self.environment})

    def start(self, patience: float = 20.0) -> None:
        self.launch()
        self.await_answer(patience)

    def await_answer(self, patience: float = 20.0) -> None:
        """Returns when it answers PING, which it does not while it loads."""
        end = time.monotonic() + patience
        while True:
            wire = self.wire(2.0)
            try:
                wire.call("PING")
                return
            except (Gone, ErrorReply) as error:
                if self.process is not None and self.process.poll() is not None:
                    raise RuntimeError(f"redis-server ended with {self.process.returncode}; see {self._log.name}") from None
                if time.monotonic() > end:
                    raise RuntimeError(f"redis-server does not answer within {patience} s: {error}") from None
                time.sleep(0.002)
            finally:
                wire.close()

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()
        for wire in self._steady:
            wire.close()

    def stall(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.resume()
            self.kill()
        self._log.close()
