"""What the scenarios have in common: a Redis, workers, processes that end with the test, and clients that keep asking."""
from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Dict, List, Optional, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "Tests", "Faults"))
sys.dont_write_bytecode = True

from redis_server import RedisServer, free_port  # noqa: E402,F401

TEMPEST = os.environ.get("TEMPEST", os.path.join(ROOT, ".build", "debug", "tempest"))
EXAMPLES = os.path.join(ROOT, "examples", "front")
CLIENTS = 12
WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
import tempest
from tempest import http
worker = tempest.Worker(["pages"], concurrency=4)
@worker.handler("url", context=True)
@http.endpoint
def answer(request):
    return http.text(request.path + "\\n")
worker.run()
"""


def until(what: str, is_so: Any, patience: float = 30.0) -> None:
    end = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError(f"within {patience:g} s: not {what}")
        time.sleep(0.02)


def status(port: int, path: str) -> int:
    try:
        with socket.create_connection(("127.0.0.1", port), 2.0) as one:
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n".encode())
            words = one.recv(200).split()
            return int(words[1]) if len(words) > 1 else 0
    except OSError:
        return 0


class Process:
    """A process that dies with this one, and its log."""

    def __init__(self, folder: str, name: str, command: List[str], environment: Optional[Dict[str, str]] = None,
                 descriptors: Sequence[int] = ()) -> None:
        self.name, self.log = name, os.path.join(folder, f"{name}.log")
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, env={**os.environ, **(environment or {})}, pass_fds=descriptors)

    def text(self) -> str:
        with open(self.log, "r", encoding="utf-8", errors="replace") as file:
            return file.read()

    def send(self, number: int) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended by itself with {self.process.returncode}:\n{self.text()[-2000:]}")
        self.process.send_signal(number)

    def stop(self, patience: float = 20.0) -> None:
        self.send(signal.SIGTERM)
        code = self.process.wait(patience)
        if code != 0:
            raise RuntimeError(f"{self.name} ended with {code}:\n{self.text()[-2000:]}")

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Clients:
    """Each asks for one page after the other on a connection that it keeps, and reads strictly; with `posts` every other request is a POST."""

    def __init__(self, port: int, tls: bool = False, new_after: int = 0, posts: bool = False) -> None:
        self.port, self.new_after, self.posts = port, new_after, posts
        self.whole, self.connections, self.problems = 0, 0, []  # type: ignore[var-annotated]
        self._context = ssl._create_unverified_context() if tls else None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60.0)

    def _run(self, number: int) -> None:
        count = 0
        while not self._over.is_set():
            try:
                count = self._connection(number, count)
            except Exception as error:  # whatever it is, a browser would show it
                with self._lock:
                    self.problems.append(f"client {number}, request {count}: {type(error).__name__} {error}")
                time.sleep(0.05)

    def _connection(self, number: int, count: int) -> int:
        raw = socket.create_connection(("127.0.0.1", self.port), 30.0)
        one = self._context.wrap_socket(raw) if self._context else raw
        with self._lock:
            self.connections += 1
        with one:
            file = one.makefile("rb")
            begun = count
            while not self._over.is_set():
                count += 1
                page = f"/{number}/{count}"
                is_post = self.posts and count % 2 == 0
                one.sendall(f"{'POST' if is_post else 'GET'} {page} HTTP/1.1\r\nHost: t\r\n".encode()
                            + (b"Content-Length: 4\r\n\r\nbody" if is_post else b"\r\n"))
                words = file.readline().split()
                if len(words) < 2:
                    raise RuntimeError("the connection was closed without an answer")
                headers: Dict[str, str] = {}
                for line in iter(file.readline, b"\r\n"):
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = file.read(int(headers["content-length"]))
                if words[1] != b"200" or body != f"{page}\n".encode():
                    raise RuntimeError(f"{'POST' if is_post else 'GET'}: {words[1].decode()} {body[:80]!r}")
                with self._lock:
                    self.whole += 1
                if headers.get("connection", "").lower() == "close" or self.new_after and count - begun >= self.new_after:
                    return count
        return count


class Stage:
    """A Redis, workers and whatever else a scenario starts."""

    def __init__(self, workers: int = 2) -> None:
        self.workers = workers
        self.folder = tempfile.mkdtemp(prefix="tempest-proxies-")
        self.processes: List[Process] = []
        self.redis = RedisServer(self.folder)
        self.redis.start()

    def __enter__(self) -> "Stage":
        for number in range(self.workers):
            self.run(f"worker{number}", ["/usr/bin/python3", "-c", WORKER, os.path.join(ROOT, "clients", "python", "src")])
        return self

    def run(self, name: str, command: List[str], descriptors: Sequence[int] = (), **environment: str) -> Process:
        process = Process(self.folder, name, command, {"REDIS_URL": self.redis.url, **environment}, descriptors)
        self.processes.append(process)
        return process

    def front(self, name: str, settings: Dict[str, Any], listener: Optional[socket.socket] = None) -> Process:
        """A front, which takes over the `listener` as systemd would hand it over."""
        file = os.path.join(self.folder, f"{name}.yaml")
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"access_log": False, "routes": [{"path": "/*", "queue": "pages"}], **settings}, out)
        if listener is None:
            return self.run(name, [TEMPEST, "front", "--config", file])
        script = 'exec 3<&"$1"; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$2" front --config "$3"'
        return self.run(name, ["bash", "-c", script, "bash", str(listener.fileno()), TEMPEST, file], [listener.fileno()])

    @staticmethod
    def certificate(certificate: str, key: str, name: str = "front") -> None:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)

    def __exit__(self, *_: Any) -> None:
        for process in reversed(self.processes):
            process.kill()
        self.redis.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def report(clients: Clients, what: str) -> int:
    print(f"{what}: {clients.whole} requests whole on {clients.connections} connections, {len(clients.problems)} failed")
    for problem in clients.problems[:20]:
        print(f"  {problem}")
    return 1 if clients.problems or clients.whole < 100 else 0
