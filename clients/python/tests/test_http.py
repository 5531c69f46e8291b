"""Requests and answers by themselves: what a handler reads out of a job, and what it may say."""
import unittest

import checkout  # noqa: F401 -- says where tempest is
from tempest import HandlerError, http
from tempest.http import Request


def request(url="/", **more):
    return Request.of({"method": "GET", "url": url, "headers": {}, **more})


class Requests(unittest.TestCase):
    def test_paths_and_queries(self):
        asked = request("/caf%C3%A9%2Fx?a=1&b=%C3%A4+%2B&a=2&c#part")
        self.assertEqual((asked.path, asked.raw_path, asked.query_string), ("/café/x", "/caf%C3%A9%2Fx", "a=1&b=%C3%A4+%2B&a=2&c"))
        self.assertEqual(asked.query.pairs, [("a", "1"), ("b", "ä +"), ("a", "2"), ("c", "")])
        self.assertEqual(asked.query, {"a": "1", "b": "ä +", "c": ""})
        self.assertEqual((asked.query["a"], asked.query.all("a"), asked.query.all("x"), asked.query.get("x")), ("1", ["1", "2"], [], None))
        for url, path, query in (("*", "/", ""), ("http://h?x=1", "/", "x=1"), ("http://h/p", "/p", ""), ("//h/p", "//h/p", ""),
                                 ("h:443", "/", ""), ("/%ff", "/\ufffd", "")):
            self.assertEqual((request(url).path, request(url).query_string), (path, query), url)

    def test_forms_of_both_kinds(self):
        self.assertEqual(request(form=[{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]).fields, {"a": "1"})
        asked = request(body="a=1&b=%20", headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
        self.assertEqual((asked.fields, asked.body, asked.content_type), ({"a": "1", "b": " "}, b"a=1&b=%20",
                                                                          "application/x-www-form-urlencoded"))

    def test_a_query_is_as_long_as_the_front_let_it_be(self):
        self.assertEqual(request("/?" + "&".join("a" * 3000)).query.all("a"), [""] * 3000)

    def test_header_bytes(self):
        asked = request(headers={"x-a": "caf\xe9", "x-b": "ü"}, headers_latin1=["x-a"])
        self.assertEqual((asked.header_bytes("x-a"), asked.header_bytes("x-b"), asked.header_bytes("x-c")), (b"caf\xe9", b"\xc3\xbc", b""))
        for bad in (["x-a"], "x-a", [3]):
            with self.assertRaises(HandlerError):
                request(headers={"x-a": "€"}, headers_latin1=bad)

    def test_bodies(self):
        self.assertEqual(request(body="ä").body, "ä".encode())
        self.assertEqual(request(body=b"\xff").body, b"\xff")
        self.assertEqual(request(body="/w==", body_encoding="base64").body, b"\xff")
        self.assertIsNone(request().body)
        self.assertEqual(request(body='{"a":[1]}').json(), {"a": [1]})
        for body in ("", "{", "[" * 100_000):
            self.assertRaises(HandlerError, request(body=body).json)

    def test_cookies(self):
        self.assertEqual(request(headers={"cookie": 'a=1; b="2"; a=3; ; c; d=x=y'}).cookies, {"a": "1", "b": "2", "d": "x=y"})
        self.assertEqual(request(headers={"cookie": 'a=1; a="3"'}).cookies.all("a"), ["1", "3"])

    def test_without_a_job_there_is_no_session(self):
        self.assertIsNone(request().session)


class Answers(unittest.TestCase):
    def test_of_each_kind(self):
        self.assertEqual(http.text("ä", 201, {"X-A": "1"}).values, [201, {"content-type": "text/plain; charset=utf-8", "x-a": "1"}, "ä"])
        self.assertEqual(http.html("<p>", headers={"Content-Type": "text/x"}).values, [200, {"content-type": "text/x"}, "<p>"])
        self.assertEqual(http.json({"a": 1}).values, [200, {"content-type": "application/json"}, '{"a":1}'])
        self.assertEqual(http.redirect("/ä b\r\nx: y").values, [303, {"location": "/%C3%A4%20b%0D%0Ax:%20y"}, None])
        self.assertEqual(http.answer(204, {"a": " b\tc\t"}).values[1], {"a": "b\tc"})
        self.assertEqual(http.answer(204).values, [204, {}, None])
        self.assertEqual(http.answer(204, {"a": [b" caf\xe9 ", "b"]}).values[1], {"a": [b"caf\xe9", "b"]})
        self.assertEqual(http.answer(200, {"set-cookie": ["a=1", "b=2"], "age": 5}, b"\xff").values,
                         [200, {"set-cookie": ["a=1", "b=2"], "age": 5}, b"\xff"])

    def test_what_no_front_accepts_is_refused(self):
        for arguments in ((99,), (600,), ("200",), (True,), (200, {"a": "b\r\nc"}), (200, {"a b": "c"}), (200, {"a": 1.5}), (200, {"": "x"}),
                          (200, {"a": ["b", "c\n"]}), (200, {"a": "b\x1b[2J"}), (200, {"a": b"\r\n"}), (200, {"a": True}), (200, {}, {"a": 1}), (200, {}, 7)):
            self.assertRaises(ValueError, http.answer, *arguments)

    def test_cookies(self):
        self.assertEqual(http.cookie("a", "1"), "a=1; Path=/; Secure; HttpOnly; SameSite=Lax")
        self.assertEqual(http.cookie("a", "", 0, "/x", "example.org", False, False, "Strict"),
                         "a=; Path=/x; Max-Age=0; Domain=example.org; SameSite=Strict")
        for arguments in (("a b", "1"), ("", "1"), ("a", "1; Path=/x"), ("a", "ä"), ("a", "1\r\n"), ("a", "1", None, "/;x"),
                          ("a", "1", None, "/", "x\n"), ("a", "1", None, "/", None, True, True, "lax")):
            self.assertRaises(ValueError, http.cookie, *arguments)


if __name__ == "__main__":
    unittest.main()
