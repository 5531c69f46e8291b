"""What clients get from two fronts behind nginx with examples/front/nginx.conf: one by TCP, one by a unix socket; nginx with TLS and without."""
from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

import nginx_file
from stage import ROOT, TEMPEST, Clients, Process, Stage, free_port, report, status, until

PATIENCE = 60.0
BIG = 10_000_000
WORKER = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import redis, tempest
from tempest import http, sockets
store = redis.Redis(unix_socket_path=sys.argv[2])
worker = tempest.Worker(["web"], concurrency=8)

def wait(name):
    # What the test puts there, once; whoever runs the job again gets nothing.
    word = store.blpop("gate:" + name, timeout=30)
    if word and word[1] == b"die":
        os.kill(os.getpid(), signal.SIGKILL)
    return word

@worker.handler("url", context=True)
@http.endpoint
def answer(request):
    action, _, name = request.path.strip("/").partition("/")
    store.incr("runs:" + name)
    if action == "page":
        return http.text("a page\\n" * 1000)
    elif action == "stream":
        # A piece; what the test says; another piece.
        headers = {"content-length": str(2 * 65536)} if name.startswith("promised") else {}
        if name.startswith("event"):
            headers["content-type"] = "text/event-stream"
        piece = "data: " + "x" * 65528 + "\\n\\n"
        yield http.answer(200, headers, piece)
        wait(name)
        yield piece
    elif action == "wait":
        wait(name)
        return http.text("done\\n")
    else:
        return http.json({
            "method": request.method, "body": len(request.body or b""), "address": request.remote_address, "scheme": request.scheme,
            "host": request.headers.get("host"), "id": request.headers.get("x-request-id"),
            "uploads": [[upload.size, upload.sha256] for upload in request.uploads]})

@worker.handler("websocket", context=True)
@sockets.endpoint
def echo(event):
    if event.kind == "message":
        return event.data

worker.run()
"""


def need(is_so: bool, what: str) -> None:
    if not is_so:
        raise RuntimeError(what)


class Curl:
    """curl that is still running, with what has come so far."""

    def __init__(self, folder: str, name: str, words: List[str]) -> None:
        self.path = os.path.join(folder, f"curl-{name}")
        self.process = subprocess.Popen(["curl", "-sS", "-k", "-N", "-m", f"{PATIENCE:g}", "-o", self.path, "-w", "%{http_code}", *words],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @property
    def count(self) -> int:
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def end(self) -> Tuple[int, str]:
        """The exit code and the status of the response."""
        code, _ = self.process.communicate(timeout=PATIENCE + 10)
        return self.process.returncode, code


class Behind:
    def __init__(self, stage: Stage) -> None:
        self.stage, self.folder = stage, stage.folder
        self.files = os.path.join(self.folder, "files")
        os.mkdir(self.files)
        with open(os.path.join(self.files, "big.bin"), "wb") as file:
            file.write(os.urandom(BIG))
        os.utime(file.name, (1_700_000_000, 1_700_000_000))
        worker = os.path.join(self.folder, "web.py")
        with open(worker, "w", encoding="utf-8") as file:
            file.write(WORKER)
        ready = os.path.join(self.folder, "workers-ready")
        self.workers = stage.run("workers", [
            TEMPEST, "supervise", "--count", "3", "--ready-file", ready, "--",
            "/usr/bin/python3", worker, os.path.join(ROOT, "clients", "python", "src"), stage.redis.path])
        self.addresses = [f"127.0.0.1:{free_port()}", f"unix:{self.folder}/front.sock"]
        self.fronts = [self.front(0), self.front(1)]
        until("the workers are ready", lambda: os.path.exists(ready), PATIENCE)
        self.port, self.tls = free_port(), free_port()
        nginx_file.start(stage, self.port, self.addresses)
        # With TLS it listens on a second port of its own for the redirect.
        self.redirect = free_port()
        nginx_file.start(stage, self.redirect, self.addresses, tls=self.tls)
        self.wire = stage.redis.wire()
        for url in [self.url(), self.url(tls=True)]:
            until("nginx answers", lambda: self.curl("-f", "-o", "/dev/null", f"{url}/page").returncode == 0, PATIENCE)

    def front(self, place: int) -> Process:
        log = os.path.join(self.folder, f"front{place}.log")
        before = self.text(log).count("listening on") if os.path.exists(log) else 0
        front = self.stage.front(f"front{place}", {
            "listen": self.addresses[place], "trust": ["127.0.0.1"], "files": self.files, "sub": ["news"], "lame": 0, "grace": 5,
            "headers": {"X-Front": str(place)}, "uploads": {"folder": os.path.join(self.folder, f"uploads{place}")},
            "routes": [{"path": "/socket", "queue": "web", "socket": True}, {"path": "/photos/*", "queue": "web", "uploads": True},
                       {"path": "/stream/lines/*", "queue": "web", "headers": {"X-Accel-Buffering": "no"}},
                       {"path": "/*", "queue": "web", "deadline": 60}]})

        def listens() -> bool:
            front.send(0)
            return front.text().count("listening on") > before
        until("a front listens", listens, PATIENCE)
        return front

    def url(self, tls: bool = False) -> str:
        return f"https://127.0.0.1:{self.tls}" if tls else f"http://127.0.0.1:{self.port}"

    def curl(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["curl", "-sS", "-k", "-m", f"{PATIENCE:g}", *words], capture_output=True, text=True, check=False)

    def open(self, gate: str, word: str = "go") -> None:
        self.wire.call("RPUSH", f"gate:{gate}", word)

    def runs(self, name: str) -> int:
        return int(self.wire.call("GET", f"runs:{name}") or 0)

    def facts(self, *words: str, tls: bool = False, path: str = "/facts") -> Tuple[Dict[str, Any], Dict[str, str]]:
        """What the worker says of a request, and the headers of its response."""
        done = self.curl("-i", "-H", "Expect:", *words, self.url(tls) + path)
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        try:
            return json.loads(body), {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\n"))}
        except ValueError:
            raise RuntimeError(f"curl ended with {done.returncode}: {done.stdout[:500]} {done.stderr}") from None

    # The checks.

    def requests(self) -> None:
        seen = set()
        for tls in [False, True, False, True]:
            got, headers = self.facts(tls=tls)
            seen.add(headers["x-front"])
            port = self.tls if tls else self.port
            need(got["method"] == "GET" and got["host"] == f"127.0.0.1:{port}" and got["scheme"] == ("https" if tls else "http"), f"{got}")
        need(seen == {"0", "1"}, f"only these fronts were asked: {seen}")
        body = os.path.join(self.folder, "body")
        with open(body, "wb") as file:
            file.write(os.urandom(900_000))
        got, _ = self.facts("--data-binary", f"@{body}")
        need(got["method"] == "POST" and got["body"] == 900_000, f"{got}")
        done = self.curl("-o", "/dev/null", "-w", "%{http_code}", "-0", "-H", "Host:", f"{self.url()}/page")
        need(done.stdout == "200", f"HTTP/1.0 without Host: {done.stdout} {done.stderr}")
        done = self.curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", f"http://127.0.0.1:{self.redirect}/a?b=c")
        need(done.stdout == "301 https://127.0.0.1/a?b=c", f"the redirect: {done.stdout}")

    def sizes(self) -> None:
        body = os.path.join(self.folder, "upload")
        with open(body, "wb") as file:
            file.write(os.urandom(5_000_000))
        with open(body, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        got, _ = self.facts("--data-binary", f"@{body}", path="/photos/cat")
        need(got["uploads"] == [[5_000_000, digest]], f"{got}")
        done = self.curl("-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:", "--data-binary", f"@{body}", f"{self.url()}/facts")
        need(done.stdout == "413", f"5 MB to a route without uploads: {done.stdout}")

    def addresses_of_clients(self) -> None:
        seen = set()
        for _ in range(4):
            got, headers = self.facts("--interface", "127.0.0.9", "-H", "X-Forwarded-For: 192.0.2.1", "-H", "X-Forwarded-Proto: https")
            need(got["address"] == "127.0.0.9" and got["scheme"] == "http", f"{got}")
            seen.add(headers["x-front"])
        need(seen == {"0", "1"}, f"only these fronts were asked: {seen}")

    def request_ids(self) -> None:
        for given, is_kept in [("shop-42/a=b", True), ('"; drop', False), (None, False)]:
            got, headers = self.facts(*(["-H", f"X-Request-Id: {given}"] if given else []), path="/facts?secret=1")
            name = got["id"]
            need(name == headers["x-request-id"], f"the worker saw {name}, the client {headers['x-request-id']}")
            need(name == given if is_kept else re.fullmatch("[0-9a-f]{32}", name) is not None, f"{given} became {name}")
            until("nginx logs the same id", lambda: f" {name}\n" in self.log(), PATIENCE)
        need("secret" not in self.log(), "a query is in nginx's log")

    def log(self) -> str:
        with open(os.path.join(self.folder, "nginx-access.log"), encoding="utf-8") as file:
            return file.read()

    def websocket(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as one:
            host = f"127.0.0.1:{self.port}"
            one.sendall((f"GET /socket HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(b'k' * 16).decode()}\r\n\r\n").encode())
            file = one.makefile("rb")
            head = list(iter(file.readline, b"\r\n"))
            need(b" 101 " in head[0] and b"" not in head, f"{head}")
            for text in [b"one", b"and two"]:
                one.sendall(bytes([0x81, 0x80 | len(text)]) + b"mask" + bytes(byte ^ b"mask"[n % 4] for n, byte in enumerate(text)))
                got = file.read(2 + len(text))
                need(got == bytes([0x81, len(text)]) + text, f"{got!r} instead of {text!r}")
            one.sendall(bytes([0x88, 0x82]) + b"\0\0\0\0" + (1000).to_bytes(2, "big"))
            need(file.read(4) == bytes([0x88, 2]) + (1000).to_bytes(2, "big"), "the close is not answered")

    def streams(self) -> None:
        """The second piece is made only when the first one has arrived."""
        slowest = 0.0
        for kind in ["event", "lines"]:
            for version, tls in [("--http1.1", False), ("--http2", True)]:
                name = f"{kind}/{version}"
                start = time.monotonic()
                curl = Curl(self.folder, name.replace("/", ""), [version, f"{self.url(tls)}/stream/{name}"])
                until(f"the first piece of {name} has come", lambda: curl.count >= 65536)
                slowest = max(slowest, time.monotonic() - start)
                self.open(name)
                need(curl.end() == (0, "200") and curl.count == 2 * 65536, f"{name}: {curl.count} bytes")
        curl = Curl(self.folder, "news", [f"{self.url()}/sub/news"])
        until("the stream of news has begun", lambda: curl.count > 0)
        subprocess.run([TEMPEST, "publish", "news", "greeting", '"hello"'], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "REDIS_URL": self.stage.redis.url})
        until("the event has come", lambda: curl.count > 0 and "data: hello" in self.text(curl.path))
        curl.process.kill()
        curl.end()
        print(f"  a first piece took at most {slowest:.2f} s")

    @staticmethod
    def text(path: str) -> str:
        with open(path, encoding="utf-8") as file:
            return file.read()

    def torn(self) -> None:
        # HTTP/1.0 knows no chunks: there only a length says that something is missing. nginx closes such a connection as if all were well.
        for name, words, tls, expected in [
                ("torn1", ["--http1.1"], False, 18), ("torn2", ["--http2"], True, 92), ("promised0", ["-0"], False, 18),
                ("promised1", ["--http1.1"], False, 18), ("promised2", ["--http2"], True, 92), ("event-torn", ["--http1.1"], False, 18)]:
            curl = Curl(self.folder, name, [*words, f"{self.url(tls)}/stream/{name}"])
            until(f"a part of {name} has come", lambda: curl.count > 0)
            self.open(name, "die")
            code, status = curl.end()
            need((code, status) == (expected, "200"), f"{name}: curl ended with {code} instead of {expected}, status {status}")

    def downloads(self) -> None:
        url = f"{self.url()}/big.bin"
        for page in [url, f"{self.url()}/page"]:
            lengths = []
            for words in [["-I"], ["-D", "-", "-o", "/dev/null"]]:
                lengths.append(re.findall(r"(?im)^content-length: (\d+)", self.curl(*words, page).stdout))
            need(lengths[0] == lengths[1] and len(lengths[0]) == 1, f"{page}: HEAD and GET say {lengths}")

        copy = os.path.join(self.folder, "copy.bin")
        for is_first in [True, False]:
            done = subprocess.run(["wget", "-c", "--tries=1", "--timeout=60", "-O", copy, url], capture_output=True, text=True, check=False)
            need(done.returncode == 0 and self.same(copy), f"wget -c ended with {done.returncode}: {done.stderr[-500:]}")
            need(is_first or "416" in done.stderr, f"a file that is there was fetched again: {done.stderr[-500:]}")

        for count in [0, 4_000_000, BIG]:
            with open(copy, "r+b") as file:
                file.truncate(count)
            done = self.curl("-C", "-", "-o", copy, "-w", "%{http_code}", url)
            expected = "206" if 0 < count < BIG else "416" if count else "200"
            need(done.returncode == 0 and done.stdout == expected and self.same(copy), f"curl -C - from {count}: {done}")

        done = self.curl("-r", "-5", "-o", f"{self.folder}/suffix", "-w", "%{http_code}", url)
        with open(f"{self.folder}/suffix", "rb") as got, open(f"{self.files}/big.bin", "rb") as whole:
            need(done.stdout == "206" and got.read() == whole.read()[-5:], f"the last five bytes: {done}")

    def same(self, path: str) -> bool:
        with open(path, "rb") as one, open(f"{self.files}/big.bin", "rb") as other:
            return one.read() == other.read()

    def benches(self) -> None:
        for path, count in [("/page", 200), ("/big.bin", 20)]:
            done = subprocess.run(["ab", "-k", "-q", "-n", str(count), "-c", "8", "-s", "60", self.url() + path], capture_output=True,
                                  text=True, check=False, timeout=300)
            numbers = dict(re.findall(r"(?m)^([A-Z][\w -]+): +(\d+)", done.stdout))
            need(done.returncode == 0 and numbers.get("Complete requests") == str(count) and numbers.get("Failed requests") == "0"
                 and "Non-2xx responses" not in numbers, f"ab -k {path}: {done.stdout} {done.stderr}")

    def repetitions(self) -> None:
        """A front is killed while it holds requests: nginx asks the other one for a GET, and never for a POST."""
        for method in ["GET", "POST"]:
            names = [f"{method}{number}" for number in range(4)]
            curls = [Curl(self.folder, name, ["-X", method, f"{self.url()}/wait/{name}"]) for name in names]
            for name in names:
                until(f"{name} is begun", lambda: self.runs(name) == 1)
            self.fronts[0].kill()
            if method == "GET":
                until("the other front is asked too", lambda: sum(self.runs(name) for name in names) > 4)
            else:
                until("somebody is told", lambda: any(curl.process.poll() is not None for curl in curls))
            for name in names:
                # Twice: the first one may go to the job of the front that is gone.
                self.open(name)
                self.open(name)
            ends = [curl.end() for curl in curls]
            good = [(0, "200")] if method == "GET" else [(0, "200"), (0, "502")]
            need(all(end in good for end in ends), f"{method} with a front that was killed: {ends}")
            if method == "POST":
                need((0, "502") in ends and all(self.runs(name) == 1 for name in names),
                     f"{ends}, run {[self.runs(name) for name in names]} times")
            self.fronts[0] = self.front(0)

    def workers_die(self) -> None:
        """The same of a worker: the front asks another one for a GET, and says 502 of a POST."""
        for method, status in [("GET", "200"), ("POST", "502")]:
            name = f"dies-{method}"
            curl = Curl(self.folder, name, ["-X", method, f"{self.url()}/wait/{name}"])
            until(f"{name} is begun", lambda: self.runs(name) == 1)
            self.open(name, "die")
            self.open(name)
            need(curl.end() == (0, status) and self.runs(name) == (2 if method == "GET" else 1), f"{name}: {self.runs(name)} runs")


def behind(only: Optional[str] = None) -> int:
    failed = 0
    with Stage(workers=0) as stage:
        behind_nginx = Behind(stage)
        checks: List[Callable[[], None]] = [
            behind_nginx.requests, behind_nginx.sizes, behind_nginx.addresses_of_clients, behind_nginx.request_ids, behind_nginx.websocket,
            behind_nginx.streams, behind_nginx.downloads, behind_nginx.benches, behind_nginx.torn, behind_nginx.workers_die,
            behind_nginx.repetitions]
        for check in checks:
            if only and check.__name__ != only:
                continue
            try:
                check()
            except Exception as error:
                failed += 1
                print(f"behind nginx: {check.__name__}: {type(error).__name__} {error}")
        if failed:
            for process in stage.processes:
                print(f"--- the end of {process.name}'s log\n{process.text()[-1500:]}")
    print(f"behind nginx: {len(checks)} checks, {failed} failed")
    return 1 if failed else 0


def restarts(count: int, handed_over: bool) -> int:
    """Fronts are restarted one after the other, under GET and POST requests. nginx asks the other one again for a GET; it never sends a POST
    twice, so a front may lose none that it has been sent."""
    with Stage() as stage:
        listeners = [socket.create_server(("127.0.0.1", 0 if handed_over else free_port()), backlog=1024) for _ in range(2)]
        addresses = ["127.0.0.1:%d" % listener.getsockname()[1] for listener in listeners]
        if not handed_over:
            for listener in listeners:
                listener.close()

        def front(place: int, before: int) -> Process:
            # nginx keeps a connection for 4 s: a lame duck of 5 s outlives all that it has.
            settings = {"lame": 5, "grace": 15, **({} if handed_over else {"listen": addresses[place]})}
            front = stage.front(f"front{place}", settings, listeners[place] if handed_over else None)

            def listens() -> bool:
                front.send(0)
                return front.text().count("listening on") > before
            until("a front listens", listens, PATIENCE)
            return front

        fronts = [front(place, 0) for place in range(2)]
        port = free_port()
        nginx = nginx_file.start(stage, port, addresses)
        until("nginx answers", lambda: status(port, "/warm") == 200)
        clients = Clients(port, posts=True)
        clients.start()
        for number in range(count):
            place = number % 2
            fronts[place].stop(PATIENCE)
            fronts[place] = front(place, fronts[place].text().count("listening on"))
        clients.finish()
        if clients.problems:
            print(nginx.text()[-3000:])
        return report(clients, f"{count} restarts of two fronts behind nginx, " + ("whose sockets stay open, GET and POST" if handed_over else "GET and POST"))
