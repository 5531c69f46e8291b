"""Forms and headers through front, worker and gateway: Werkzeug and Rack must read what they read in the bytes themselves."""
import http.client
import json
import os
import socket
import subprocess
import unittest

from corpus import BOUNDARY, FORMS, REFUSED
from fronted import HERE, PYTHON, Fronted, rack, wsgi

TYPE = f"multipart/form-data; boundary={BOUNDARY.decode()}"
PARSERS = {"python": [str(PYTHON), "parsed.py"], "ruby": [os.environ.get("RUBY", "ruby"), "parsed.rb"]}
CODECS = ("json", "msgpack", "tnetstring")


@unittest.skipUnless(PYTHON.exists() or "CI" in os.environ, "Tests/Gateways/prepare was not run")
class Forms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        routes = [{"path": f"/{codec}/{language}", "queue": language, "codec": codec} for codec in CODECS for language in PARSERS]
        cls.front = Fronted(routes, [wsgi("parsed:app", "python"), rack("parsed.ru", "ruby")])
        cls.addClassCleanup(cls.front.close)

    def ask(self, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.front.port, timeout=30)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def directly(self, language, bodies):
        """What the parser reads without a front."""
        lines = "".join(json.dumps([TYPE, body.hex()]) + "\n" for body in bodies)
        found = subprocess.run(PARSERS[language], cwd=HERE, input=lines, capture_output=True, text=True, timeout=120)
        self.assertEqual(found.returncode, 0, found.stderr)
        return [json.loads(line) for line in found.stdout.splitlines()]

    def test_both_parsers_read_the_same_behind_a_front(self):
        for language in PARSERS:
            wanted = dict(zip(FORMS, self.directly(language, FORMS.values())))
            self.assertEqual(len(wanted), len(FORMS))
            for codec in CODECS:
                for name, body in FORMS.items():
                    with self.subTest(name, language=language, codec=codec):
                        status, answer = self.ask(f"/{codec}/{language}", body, {"Content-Type": TYPE})
                        self.assertEqual(status, 200, answer)
                        self.assertEqual(json.loads(answer), wanted[name])
        self.assertEqual(os.listdir(self.front.uploads), [], "uploads end with their requests")

    def test_the_parsers_see_what_the_corpus_is_about(self):
        """The comparison says nothing if a parser gives up on both ways."""
        werkzeug = dict(zip(FORMS, self.directly("python", FORMS.values())))
        self.assertEqual(werkzeug["repeats"]["form"], [["tag", "one"], ["tag", "two"], ["tag", "one"], ["tag", ""], ["other", "x"]])
        self.assertEqual(werkzeug["a file name: all of them"]["files"][0][1], 'a"b"c\\d;e.txt')
        self.assertEqual([part[0] for part in werkzeug["files between fields"]["parts"]], ["a", "f", "a", "f", "b", "f[]", "f[]"])
        ruby = dict(zip(FORMS, self.directly("ruby", FORMS.values())))
        self.assertEqual(ruby["nested repeats"]["form"][0], [b"ids".hex(), [b"3".hex(), b"1".hex()]])

    def test_what_has_two_readings_is_refused(self):
        for name, body in REFUSED.items():
            with self.subTest(name):
                self.assertEqual(self.ask("/json/python", body, {"Content-Type": TYPE})[0], 400)

    def test_curl_sends_two_tags(self):
        for language in PARSERS:
            url = f"http://127.0.0.1:{self.front.port}/json/{language}"
            found = json.loads(subprocess.run(["curl", "-sS", "-F", "tag=one", "-F", "tag=two", "-F", f"f=@{HERE / 'corpus.py'};filename=a\"b.txt", url],
                                              capture_output=True, check=True, timeout=60).stdout)
            if language == "python":
                self.assertEqual(found["form"], [["tag", "one"], ["tag", "two"]])
                self.assertEqual(found["files"][0][:2], ["f", 'a"b.txt'])
            else:
                self.assertEqual(found["form"][0], [b"tag".hex(), b"two".hex()])  # Rack's last one, without [] in the name

    def test_header_values_are_bytes_both_ways(self):
        for value in (b"caf\xe9", "caf\u00e9".encode(), b"\xff\x80\xc3", b"\xef\x9f\xa9", b"plain"):
            for codec in CODECS:
                for language in PARSERS:
                    with self.subTest(value, codec=codec, language=language):
                        head = f"GET /{codec}/{language} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: ".encode() + value + b"\r\n\r\n"
                        with socket.create_connection(("127.0.0.1", self.front.port), 30) as connection:
                            connection.sendall(head)
                            reply = b"".join(iter(lambda: connection.recv(65536), b""))
                        self.assertIn(b"\r\nx-back: " + value + b"\r\n", reply.replace(b"X-Back", b"x-back"))
                        self.assertIn(b'"header": "' + value.hex().encode(), reply.replace(b'"header":"', b'"header": "'))


if __name__ == "__main__":
    unittest.main()
