"""Forms: what is read from a body, what is read from a job, and both as the vectors have it."""
import unittest

from tagged import load, to_bytes
from tempest import HandlerError
from tempest.http import Request, form_reader
from tempest.http.multipart import plain_head

HEAD = b"Content-Disposition: form-data; name="


def request(body, kind="multipart/form-data; boundary=b"):
    return Request.of({"method": "POST", "url": "/", "headers": {"content-type": kind}, "body": body})


def parts(*contents, boundary=b"b"):
    """A body of these heads and contents."""
    return b"".join(b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in contents) + b"--" + boundary + b"--"


class Vectors(unittest.TestCase):
    def test_heads(self):
        for entry in load("forms.json")["valid"]:
            with self.subTest(entry["name"]):
                head = to_bytes(entry["head"])
                part = form_reader.part(head)
                wanted = [None if entry[key] is None else to_bytes(entry[key]) for key in ("field", "filename", "type")]
                self.assertEqual([part.raw_name, part.raw_filename, part.raw_type], wanted)
                self.assertEqual(plain_head(part) == head, entry["plain"])

    def test_bad_heads(self):
        for entry in load("forms.json")["invalid"]:
            with self.subTest(entry["name"]), self.assertRaises(HandlerError):
                form_reader.part(to_bytes(entry["head"]))

    def test_bodies(self):
        for entry in load("forms.json")["bodies"]:
            with self.subTest(entry["name"]):
                form = request(to_bytes(entry["body"])).form
                if entry["parts"] is None:
                    self.assertTrue(form.problem)
                else:
                    wanted = [(to_bytes(part["field"]), to_bytes(part["content"])) for part in entry["parts"]]
                    self.assertEqual([(part.raw_name, part.content) for part in form], wanted)
                    self.assertIsNone(form.problem)


class Bodies(unittest.TestCase):
    def test_a_form_in_the_body_is_read_in_order(self):
        form = request(parts((HEAD + b"tag", b"one"), (HEAD + b'doc; filename=""', b""),
                             (HEAD + b'"doc"; filename="a.txt"\r\nContent-Type: text/x', b"\r\n--\xff"), (HEAD + b"tag", b""))).form
        self.assertEqual([part.name for part in form], ["tag", "doc", "doc", "tag"])
        self.assertEqual((form["tag"], form.all("tag"), form.get("doc"), form.fields), ("one", ["one", ""], None, {"tag": "one"}))
        file = form.file("doc")
        self.assertEqual((file.filename, file.type, file.open().read(), len(form.files)), ("a.txt", "text/x", b"\r\n--\xff", 1))
        self.assertTrue(form[1].is_file and not form[1].chosen and "doc" in form and "x" not in form)
        self.assertRaises(KeyError, lambda: form["x"])

    def test_contents_that_look_like_boundaries(self):
        contents = [b"--c", b" --b--", b"\r\n--", b"\r\r\n-", b"\n--b\n", b""]
        self.assertEqual([part.content for part in request(parts(*[(HEAD + b"a", content) for content in contents])).form], contents)

    def test_fields_of_urls(self):
        form = request("tag=a+b&tag=%ff&c", "application/x-www-form-urlencoded").form
        self.assertEqual((form.all("tag"), form["c"], form[1].content), (["a b", "\ufffd"], "", b"\xff"))

    def test_too_many_fields_of_urls_are_refused_rather_than_read_as_one(self):
        kind = "application/x-www-form-urlencoded"
        self.assertEqual(len(request("&".join(["a=1"] * 1000), kind).form), 1000)
        for bad in ("&".join(["a=1"] * 1001), "&" * 1000, "&" * 1001 + "a=1&b=2"):
            with self.subTest(bad[:10]):
                self.assertEqual((len(request(bad, kind).form), bool(request(bad, kind).form.problem)), (0, True))

    def test_what_is_no_form(self):
        self.assertEqual(len(request("a=b", "text/plain").form), 0)
        good = parts((HEAD + b"a", b"x"))
        self.assertEqual(request(b"preamble\r\n" + good + b"\r\nepilogue").form["a"], "x")
        for bad in (b"", b"no form", good[:-2], good[:-1], b"--b\r\n" + HEAD + b"a\r\n--b--", b"--bx\r\n" + good,
                    parts(*[(HEAD + b"a", b"")] * 1001), parts((HEAD + b"a" * 20_000, b""))):
            with self.subTest(bad[:60]):
                asked = request(bad)
                with self.assertRaises(HandlerError) as raised:
                    asked.read_form()
                # A stranger's nonsense is no error of the handler.
                self.assertEqual((len(asked.form), asked.form.problem), (0, raised.exception.message))
        self.assertIn("boundary", request(good, "multipart/form-data").form.problem)
        self.assertIsNone(request(good).form.problem)

    def test_every_cut_of_a_form_is_refused(self):
        whole = parts((HEAD + b'"a"; filename="b"', b"\r\n--"), (HEAD + b"c", b"\r"))
        for end in range(len(whole)):
            with self.assertRaises(HandlerError, msg=whole[:end]):
                request(whole[:end]).read_form()


class Jobs(unittest.TestCase):
    def test_bytes_that_are_no_text(self):
        asked = Request.of({"method": "POST", "url": "/", "headers": {}, "form": [
            {"name": "/w==", "name_encoding": "base64", "value": "6Q==", "value_encoding": "base64"}, {"name": b"\xfe", "filename": b"\xe9"}]})
        self.assertEqual((asked.form[0].raw_name, asked.form[0].content, asked.form[1].raw_filename), (b"\xff", b"\xe9", b"\xe9"))
        self.assertEqual(asked.form[1].filename, "\ufffd")

    def test_a_form_without_parts_is_one(self):
        asked = Request.of({"method": "POST", "url": "/", "headers": {}, "form": []})
        length, kind, content = asked.content()
        with content:
            self.assertEqual(content.read(), b"--" + kind.partition("boundary=")[2].encode() + b"--\r\n")


if __name__ == "__main__":
    unittest.main()
