"""WSGI applications behind a queue: the environ, each way of answering, errors; with wsgiref's validator between."""
import hashlib
import io
import base64
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from wsgiref.validate import validator

import checkout
from redis_server import RedisServer
from served import Served
from tempest import http
from tempest.wsgi import Gateway
from tempest.wsgi.__main__ import load

APPS = {}


def app(function):
    APPS[function.__name__] = function
    return function


@app
def shows_environ(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    shown = {name: value for name, value in environ.items() if isinstance(value, str) and name.isupper()}
    shown["scheme"], shown["body"] = environ["wsgi.url_scheme"], body.decode("latin-1")
    page = http.json(shown).values[2].encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(page)))])
    return [page]


@app
def whole(environ, start_response):
    start_response("201 Made", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Name", "M\xc3\xbcller")])
    return ["größe".encode()]


@app
def measured(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    yield b"ab"
    yield b"cd"


@app
def chunks(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    yield b""
    yield b"one"
    yield b"\xff\xfe"
    yield b"three"


@app
def written(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"w1")
    write(b"w2")
    return [b"r1"]


@app
def big(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"x" * 1_200_000]


@app
def nothing(environ, start_response):
    start_response("204 No Content", [])
    return []


@app
def replaced(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Old", "1")])
    try:
        raise KeyError("inside")
    except KeyError:
        start_response("503 Later", [("Content-Type", "text/plain")], sys.exc_info())
    return [b"sorry"]


@app
def too_late(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun"
    try:
        raise KeyError("secret of the middle")
    except KeyError:
        start_response("500 Broken", [("Content-Type", "text/plain")], sys.exc_info())
    yield b"never"


@app
def raises(environ, start_response):
    raise RuntimeError("secret at /etc/passwd")


@app
def breaks(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"half"
    raise RuntimeError("secret of the second half")


class Closing:
    closed = []

    def __init__(self, name, error=None):
        self.name, self.error = name, error

    def __iter__(self):
        yield b"body"
        if self.error == "body":
            raise RuntimeError("the body broke")

    def close(self):
        self.closed.append(self.name)
        if self.error == "close":
            raise RuntimeError("cannot close")


@app
def closes(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    name = environ["QUERY_STRING"]
    return Closing(name, name)


@app
def endless(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        while True:
            yield b"more"
    finally:
        Closing.closed.append("endless")


@app
def file(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return environ["wsgi.file_wrapper"](io.BytesIO(b"f" * 300_000), 10)


@app
def sessions(environ, start_response):
    session = environ["tempest.session"]
    session.set("n", session.get("n", 0) + 1)
    session.rotate()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(session.get("n")).encode()]


@app
def keeps(environ, start_response):
    for upload in environ["tempest.uploads"]:
        upload.keep()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read()]


@app
def form(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    boundary = environ["CONTENT_TYPE"].partition("boundary=")[2]
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]) + 10)
    return [body.replace(boundary.encode(), b"B") if int(environ["CONTENT_LENGTH"]) == len(body) else b"wrong length"]


@app
def headers(environ, start_response):
    values = [environ[name].encode("latin-1") for name in ("HTTP_X_A", "HTTP_X_B")]
    start_response("200 OK", [("X-A", environ["HTTP_X_A"]), ("X-B", environ["HTTP_X_B"]), ("X-B", "second")])
    return [" ".join(value.hex() for value in values).encode()]


# What cannot be served at all, by what its log is to say.
BAD = {
    "no start": (lambda environ, start: [b"x"], "before it called start_response"),
    "nothing at all": (lambda environ, start: [], "without calling start_response"),
    "twice": (lambda environ, start: start("200 OK", []) and start("200 OK", []) and [], "twice"),
    "status": (lambda environ, start: start("OK", []) and [], "three digits"),
    "informational": (lambda environ, start: start("101 Switching", []) and [], "200 to 599"),
    "splitting": (lambda environ, start: start("200 OK", [("X", "a\r\nSet-Cookie: b=1")]) and [], "without control characters"),
    "name": (lambda environ, start: start("200 OK", [("X Y", "a")]) and [], "token"),
    "text": (lambda environ, start: start("200 OK", []) and ["text"], "made of bytes"),
    "none": (lambda environ, start: start("200 OK", []) and None, "not iterable"),
}


class Applications(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer()
        cls.addClassCleanup(cls.server.stop)
        handlers = {name: Gateway(function) for name, function in APPS.items()}
        handlers.update({f"valid {name}": Gateway(validator(function)) for name, function in APPS.items()})
        handlers.update({f"bad {name}": Gateway(function) for name, (function, _) in BAD.items()})
        handlers["mounted"] = Gateway(validator(shows_environ), script_name="/shop")
        cls.served = Served(cls.server, handlers)
        cls.addClassCleanup(cls.served.stop)

    def get(self, action, url="/", method="GET", meta=None, **more):
        return self.served.answers(action, {"method": method, "url": url, "headers": {}, **more}, meta=meta)

    def environ(self, action="shows_environ", url="/", **more):
        ((status, _, body),), _ = self.get(action, url, **more)
        self.assertEqual(status, 200)
        return __import__("json").loads(body)

    def test_the_environ(self):
        shown = self.environ(url="/caf%C3%A9/%2e/a%20b?q=%C3%A4&b", headers={
            "host": "example.org:8443", "x-one": "1, 2", "cookie": "a=1; b=2", "content-type": "text/plain", "proxy": "http://evil",
            "x_one": "spoofed", "content-length": "999"}, method="POST", body="größe", remote_address="10.1.2.3", scheme="https")
        self.assertEqual(shown, {
            "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/caf\xc3\xa9/./a b", "QUERY_STRING": "q=%C3%A4&b",
            "REQUEST_URI": "/caf%C3%A9/%2e/a%20b?q=%C3%A4&b", "SERVER_NAME": "example.org", "SERVER_PORT": "8443",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "10.1.2.3", "CONTENT_LENGTH": "7", "CONTENT_TYPE": "text/plain",
            "HTTP_HOST": "example.org:8443", "HTTP_X_ONE": "1, 2", "HTTP_COOKIE": "a=1; b=2", "scheme": "https",
            "body": "gr\xc3\xb6\xc3\x9fe"})

    def test_bodies_and_targets_in_their_other_forms(self):
        self.assertEqual(self.environ(method="POST", body="//4=", body_encoding="base64")["body"], "\xff\xfe")
        shown = self.environ(url="http://host.example/abs?x=1")
        self.assertEqual((shown["PATH_INFO"], shown["QUERY_STRING"]), ("/abs", "x=1"))
        self.assertEqual(self.environ(url="*", method="OPTIONS")["PATH_INFO"], "/")
        self.assertNotIn("CONTENT_LENGTH", shown)
        self.assertEqual((shown["SERVER_NAME"], shown["SERVER_PORT"]), ("localhost", "80"))
        self.assertEqual(self.environ(headers={"host": "[::1]:80"})["SERVER_NAME"], "[::1]")

    def test_where_it_is_mounted(self):
        for url, expected in (("/shop/a", ("/shop", "/a")), ("/shop", ("/shop", "")), ("/shopping", ("", "/shopping"))):
            shown = self.environ("mounted", url)
            self.assertEqual((shown["SCRIPT_NAME"], shown["PATH_INFO"]), expected)

    def test_one_body_is_one_answer(self):
        headers = {"content-type": "text/plain", "set-cookie": ["a=1", "b=2"], "x-name": "Müller"}
        self.assertEqual(self.get("whole")[0], [[201, headers, "größe"]])

    def test_several_chunks_are_streamed(self):
        self.assertEqual([args[-1:] for args in self.get("chunks")[0]], [["one"], [{"$b64": "//4="}], ["three"], []])
        self.assertEqual([args[-1] for args in self.get("measured")[0]], ["ab", "cd"], "the end is known, so it is the last answer")
        self.assertEqual([args[-1:] for args in self.get("written")[0]], [["w1"], ["w2"], ["r1"]])
        self.assertEqual([len(args[-1]) for args in self.get("big")[0]], [*[262144] * 4, 151424])
        self.assertEqual([len(args[-1]) for args in self.get("file")[0][:-1]], [262144, 37856])

    def test_the_validator_of_wsgiref_has_nothing_to_say(self):
        """It tells the gateway's faults from the application's, and raises at either."""
        before = len(self.served.log.lines)
        for action in ("whole", "chunks", "measured", "written", "big", "file", "nothing", "shows_environ"):
            for method in ("GET", "HEAD", "POST"):
                with self.subTest(action, method=method):
                    plain, meta = self.get(action, "/a/b?c", method, body="text")
                    checked, checked_meta = self.get(f"valid {action}", "/a/b?c", method, body="text")
                    # To the validator no body is a list of one, so that nobody can measure it without making it.
                    plain[0][1].pop("content-length", None), checked[0][1].pop("content-length", None)
                    self.assertEqual((checked[0][:2], "error" in checked_meta), (plain[0][:2], "error" in meta))
                    self.assertEqual(self.joined(checked), self.joined(plain))
        self.assertEqual([line for line in self.served.log.lines[before:] if "AssertionError" in line], [])

    def joined(self, answers):
        pieces = [answers[0][2], *[piece for args in answers[1:] for piece in args]]
        return "".join(piece if isinstance(piece, str) else str(piece) for piece in pieces)

    def test_no_body_where_there_may_be_none(self):
        self.assertEqual(self.get("nothing")[0], [[204, {}, None]])
        for action in ("whole", "chunks", "measured"):
            (((status, _, body),), _) = self.get(action, method="HEAD")
            self.assertEqual((status // 100, body), (2, None), action)

    def test_head_has_the_length_of_get_where_it_is_known(self):
        for action, length in (("whole", "7"), ("measured", "4"), ("chunks", None), ("nothing", None)):
            (((_, headers, _),), _) = self.get(action, method="HEAD")
            self.assertEqual(headers.get("content-length"), length, action)

    def test_what_failed_before_the_head_may_be_said_otherwise(self):
        self.assertEqual(self.get("replaced")[0], [[503, {"content-type": "text/plain"}, "sorry"]])

    def test_what_failed_after_the_head_fails_the_job(self):
        for action, words in (("too_late", "secret of the middle"), ("breaks", "secret of the second half")):
            args, meta = self.get(action)
            self.assertEqual((args[1:], meta["error"]), ([[]], {"code": "handler", "message": "the handler failed"}))
            self.assertTrue(self.served.log.said(words))

    def test_an_application_that_fails_is_a_500_and_its_trace_is_in_the_log(self):
        ((status, _, body),), _ = self.get("raises")
        self.assertEqual((status, body), (500, "Internal Server Error\n"))
        self.assertTrue(self.served.log.said("secret at /etc/passwd"))

    def test_what_is_no_answer_is_a_500_that_the_log_explains(self):
        for name, (_, words) in BAD.items():
            with self.subTest(name):
                ((status, headers, body),), _ = self.get(f"bad {name}")
                self.assertEqual((status, body), (500, "Internal Server Error\n"))
                self.assertEqual(list(headers), ["content-type"])
                self.assertTrue(self.served.log.said(words))

    def test_close_is_called_in_any_case(self):
        self.assertEqual(self.get("closes", "/?fine")[0], [[200, {"content-type": "text/plain"}, "body"], []])
        self.assertEqual(self.get("closes", "/?body")[1]["error"]["code"], "handler")
        self.assertEqual(len(self.get("closes", "/?close")[0]), 2, "what it said was said")
        self.assertEqual(Closing.closed[-3:], ["fine", "body", "close"])

    def test_a_stream_whose_browser_has_gone_ends_and_is_closed(self):
        inbox = self.served.job("endless", {"method": "GET", "url": "/", "headers": {}}, meta={"credits": 2}, job_id="endless")
        self.assertEqual(self.served.answer(inbox)[0][2], "more")
        self.server.client.execute_command("FCALL", "tempest1_cancel", 1, "q", "endless", 60000)
        # Two credits: another one may have been sent by then, and no third.
        args, meta = self.served.answer(inbox)
        if args == ["more"]:
            args, meta = self.served.answer(inbox)
        self.assertEqual(meta["error"]["code"], "cancelled")
        self.assertEqual(Closing.closed[-1], "endless")

    def test_the_session_is_in_the_environ(self):
        meta = {"session": "e" * 43}
        self.get("sessions", meta=meta)
        ((_, headers, body),), _ = self.get("sessions", meta=meta)
        self.assertEqual((headers["tempest-session"], body), ("rotate", "2"))

    def test_an_application_may_keep_what_was_uploaded(self):
        token = "u" * 43
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.dict(os.environ, TEMPEST_UPLOADS=folder):
            with open(os.path.join(folder, token), "wb") as file:
                file.write(b"content")
            upload = {"token": token, "size": 7, "sha256": hashlib.sha256(b"content").hexdigest()}
            (((_, _, body),), _) = self.get("keeps", method="POST", uploads=[upload])
            self.assertEqual((body, os.listdir(folder)), ("content", [token + ".kept"]))

    def test_a_form_that_the_front_took_apart_is_put_together_again(self):
        (((_, _, body),), _) = self.get("form", method="POST", headers={"content-type": "x"}, form=[
            {"name": "name", "value": "ä"}, {"name": 'a"\r\nb', "value": "2"}, {"name": "name", "value": ""}, {"name": "f", "filename": ""},
            {"name": "h", "head": "content-disposition: form-data; name=h", "value": "3"}])
        self.assertEqual(body, '--B\r\nContent-Disposition: form-data; name="name"\r\n\r\nä\r\n'
                               '--B\r\nContent-Disposition: form-data; name="a%22%0D%0Ab"\r\n\r\n2\r\n'
                               '--B\r\nContent-Disposition: form-data; name="name"\r\n\r\n\r\n'
                               '--B\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\n\r\n'
                               "--B\r\ncontent-disposition: form-data; name=h\r\n\r\n3\r\n--B--\r\n")

    def test_header_values_are_bytes_both_ways(self):
        (((_, headers, body),), _) = self.get("headers", headers={"x-a": "caf\xe9", "x-b": "ü"}, headers_latin1=["x-a"])
        self.assertEqual(body, "636166e9 c3bc")
        self.assertEqual(headers, {"x-a": {"$b64": base64.b64encode(b"caf\xe9").decode()}, "x-b": ["ü", "second"]})

    def test_what_is_no_request_is_refused(self):
        good = {"method": "GET", "url": "/", "headers": {}}
        for bad, words in ((7, "args[0]: expected map"), ({}, ".method: expected text"), ({**good, "method": "G T"}, "method"),
                           ({**good, "url": "/a b"}, "url"), ({**good, "url": ""}, "url"), ({**good, "headers": {"a": 1}}, "headers"),
                           ({**good, "headers": {"a": "b\r\nc"}}, "no header"), ({**good, "headers": {"a b": "c"}}, "no header"),
                           ({**good, "body": 1}, "body"), ({**good, "body": "&", "body_encoding": "base64"}, "base64"),
                           ({**good, "body": "a", "body_encoding": "gzip"}, "body_encoding"), ({**good, "form": {}}, "form"),
                           ({**good, "form": [{"upload": 0}]}, "upload"), ({**good, "form": [{"head": "a\r\n\r\nb"}]}, "head"),
                           ({**good, "headers_latin1": 3}, "headers_latin1"),
                           ({**good, "uploads": {}}, "uploads"), ({**good, "scheme": "file"}, "scheme")):
            args, meta = self.served.answers("whole", bad)
            self.assertEqual((args, meta["error"]["code"]), ([[]], "bad_args"))
            self.assertIn(words, meta["error"]["message"])


class CommandLine(unittest.TestCase):
    def test_what_is_wrong_is_said_before_anything_is_begun(self):
        for arguments, words in ((["nowhere:app"], "no module 'nowhere'"), (["wsgiref.simple_server:nothing"], "'nothing'"), ([], "usage"),
                                 (["wsgiref.simple_server:demo_app", "--levels", "9"], "a level is"),
                                 (["wsgiref.simple_server:demo_app", "--timeout", "0"], "timeout is")):
            found = subprocess.run([sys.executable, "-m", "tempest.wsgi", *arguments], capture_output=True, text=True, timeout=60,
                                   env={**os.environ, "PYTHONPATH": str(checkout.PYTHON / "src")})
            self.assertEqual(found.returncode, 2, found.stderr)
            self.assertIn(words, found.stderr)


class Loading(unittest.TestCase):
    def test_an_application_is_found_by_its_place(self):
        self.assertIs(load("test_wsgi:raises"), sys.modules["test_wsgi"].raises)
        self.assertIsNotNone(load("wsgiref.simple_server:demo_app"))
        for place, words in (("no_such_module:app", "no_such_module"), ("test_wsgi:nothing_there", "nothing_there"),
                             ("test_wsgi:APPS", "dict"), ("test_wsgi", "'app'|function")):
            if place != "test_wsgi":
                self.assertRaisesRegex(ValueError, words, load, place)

    def test_what_is_no_application_is_refused(self):
        self.assertRaises(TypeError, Gateway, 7)
        for name in ("shop", "/shop/", "/"):
            self.assertRaises(ValueError, Gateway, raises, script_name=name)


if __name__ == "__main__":
    sys.modules["test_wsgi"] = sys.modules["__main__"]
    unittest.main()
