"""The Flask application of examples/flask, started as a person starts it, asked as a front asks."""
import base64
import hashlib
import os
import signal
import subprocess
import tempfile
import threading
import unittest

import checkout
from redis_server import RedisServer, wait_for
from tempest import Client

FOLDER = checkout.ROOT / "examples" / "flask"
SESSION = "f" * 43


@unittest.skipUnless((FOLDER / ".venv").exists() or "CI" in os.environ, "examples/flask/run.sh --prepare was not run")
class FlaskExample(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer()
        cls.addClassCleanup(cls.server.stop)
        cls.uploads = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.uploads.cleanup)
        cls.log = []
        cls.process = subprocess.Popen([str(FOLDER / "run.sh"), "--uploads", cls.uploads.name], stderr=subprocess.PIPE, text=True,
                                       env={**os.environ, "REDIS_URL": cls.server.url})
        cls.reader = threading.Thread(target=lambda: cls.log.extend(iter(cls.process.stderr.readline, "")), daemon=True)
        cls.reader.start()
        cls.addClassCleanup(cls.end)
        wait_for(lambda: any("tempest worker ready" in line for line in cls.log), "the example is not ready", 60)
        cls.client = Client(cls.server.url, queue="web", timeout=10)
        cls.addClassCleanup(cls.client.close)

    @classmethod
    def end(cls):
        cls.process.kill()
        cls.process.wait()
        cls.reader.join(5)
        cls.process.stderr.close()

    def ask(self, url, method="GET", headers=None, **more):
        job = {"method": method, "url": url, "headers": {"host": "localhost", **(headers or {})}, **more}
        return self.client.call("url", job, meta={"session": SESSION})

    def form(self, url, **fields):
        return self.ask(url, "POST", {"content-type": "application/x-www-form-urlencoded"},
                        body="&".join(f"{name}={value}" for name, value in fields.items()))

    def test_a_page_counts_its_visits_in_the_session(self):
        self.server.client.delete(f"session:{SESSION}")
        for visits in (1, 2):
            status, headers, body = self.ask("/", headers={"cookie": "name=<b>Anna"})
            self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
            self.assertIn(f"Hello &lt;b&gt;Anna, you have seen this page {visits} times.", body)

    def test_a_form_is_signed_with_a_cookie_and_a_new_session(self):
        status, headers, _ = self.form("/sign", name="Anna", words="Sch%C3%B6n+hier")
        self.assertEqual((status, headers["location"], headers["tempest-session"]), (303, "/", "rotate"))
        self.assertIn("name=Anna;", headers["set-cookie"])
        self.assertIn("HttpOnly", headers["set-cookie"])
        self.assertEqual(self.server.client.hget(f"session:{SESSION}", "user"), b'["Anna"]')
        self.assertIn("<li><b>Anna</b>: Schön hier</li>", self.ask("/")[2])
        self.assertEqual(self.form("/leave")[1]["tempest-session"], "end")

    def test_it_can_be_mounted_anywhere(self):
        program = subprocess.Popen([str(FOLDER / "run.sh"), "--queue", "shop", "--script-name", "/shop"], stderr=subprocess.DEVNULL,
                                   env={**os.environ, "REDIS_URL": self.server.url})
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        page = self.client.call("url", {"method": "GET", "url": "/shop/", "headers": {"host": "localhost"}}, queue="shop", timeout=60)
        for link in ('action="/shop/sign"', 'action="/shop/leave"', 'href="/shop/countdown"'):
            self.assertIn(link, page[2])
        form = {"method": "POST", "url": "/shop/sign", "headers": {"host": "localhost"}}
        self.assertEqual(self.client.call("url", form, queue="shop")[1]["location"], "/shop/")

    def test_a_stream_comes_line_by_line(self):
        first, *more = self.client.stream("url", {"method": "GET", "url": "/countdown?pause=0", "headers": {}}, meta={"credits": 8})
        self.assertEqual((first[0], first[2], more), (200, "5\n", ["4\n", "3\n", "2\n", "1\n", "go\n"]))

    def test_files_come_as_flask_has_them(self):
        content, token = os.urandom(200_000), base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        with open(os.path.join(self.uploads.name, token), "wb") as file:
            file.write(content)
        upload = {"token": token, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "field": "photo",
                  "filename": "Straße.jpg", "type": "image/jpeg"}
        status, _, body = self.ask("/photo", "POST", uploads=[upload], form=[
            {"name": "title", "value": "ä"}, {"name": "photo", "filename": "Straße.jpg", "type": "image/jpeg", "upload": 0}])
        self.assertEqual(status, 200, self.log)
        self.assertEqual(__import__("json").loads(body), {"files": {"photo": {"filename": "Straße.jpg", "bytes": 200_000}},
                                                          "form": {"title": "ä"}})
        status, _, _ = self.ask("/photo", "POST", uploads=[{**upload, "sha256": "0" * 64}], form=[
            {"name": "photo", "filename": "x", "upload": 0}])
        self.assertEqual(status, 500)

    def test_what_is_not_there_and_what_must_not_be_asked_so(self):
        self.assertEqual(self.ask("/nothing")[0], 404)
        self.assertEqual(self.ask("/", "DELETE")[0], 405)
        self.assertEqual(self.ask("/", "HEAD")[2], None)


@unittest.skipUnless((FOLDER / ".venv").exists() or "CI" in os.environ, "examples/flask/run.sh --prepare was not run")
class FlaskExampleLife(unittest.TestCase):
    def test_it_ends_by_sigterm_and_says_what_is_wrong_with_its_options(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        environment = {**os.environ, "REDIS_URL": server.url}
        process = subprocess.Popen([str(FOLDER / "run.sh")], stderr=subprocess.DEVNULL, env=environment)
        self.addCleanup(process.kill)
        wait_for(lambda: server.client.exists("{web}:!procs"), "the example did not register", 60)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        for options, words in ((["--queue", "a b"], "a queue is"), (["--concurrency", "0"], "concurrency"),
                               (["--script-name", "shop"], "script_name")):
            found = subprocess.run([str(FOLDER / "run.sh"), *options], capture_output=True, text=True, env=environment, timeout=60)
            self.assertEqual(found.returncode, 2, found.stderr)
            self.assertIn(words, found.stderr)


if __name__ == "__main__":
    unittest.main()
