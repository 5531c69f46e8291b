"""Uploads: from the shared folder and from a front over HTTP, checked; and put back into a form."""
import base64
import hashlib
import os
import re
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import checkout  # noqa: F401 -- says where tempest is
from tempest import HandlerError, UploadError
from tempest.http import Request, Upload

CONTENT = os.urandom(3 * 1024 * 1024 + 17)
TOKEN = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def described(content=CONTENT, token=TOKEN, **more):
    return {"token": token, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "field": "f",
            "filename": "../../etc/passwd", "type": "image/png", **more}


class Front(ThreadingHTTPServer):
    """Serves CONTENT by ranges. `how` spoils that; `asked` is what it was asked for."""

    daemon_threads = True

    def __init__(self):
        self.how, self.asked, self.content = "well", [], CONTENT
        super().__init__(("127.0.0.1", 0), Ranges)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Ranges(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        front, wanted = self.server, self.headers.get("range")
        front.asked.append((self.path, wanted))
        start, end = (int(each) for each in re.fullmatch(r"bytes=(\d+)-(\d+)", wanted).groups())
        end = min(end, len(front.content) - 1)
        if front.how == "cut" and len(front.asked) % 2 == 1:
            self.wfile.write(b"HTTP/1.1 206 Partial Content\r\ncontent-length: 500000\r\ncontent-range: bytes %d-%d/%d\r\n\r\n"
                             % (start, end, len(front.content)) + front.content[start:start + 1000 * (len(front.asked) % 4 - 1)])
            self.close_connection = True
            return
        if front.how in ("404", "302"):
            self.send_response(int(front.how))
            self.send_header("location", "http://127.0.0.1:1/")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        piece = front.content if front.how == "no ranges" else front.content[start:end + 1]
        self.send_response(200 if front.how == "no ranges" else 206)
        self.send_header("content-length", str(len(piece)))
        at = start + 1 if front.how == "another" else start
        self.send_header("content-range", f"bytes {at}-{end}/{len(front.content) + (front.how == 'longer')}")
        self.end_headers()
        try:
            self.wfile.write(piece)
        except OSError:
            self.close_connection = True  # it has read as much as it wanted

    def do_POST(self):
        self.server.asked.append((self.command, self.path))
        self.send_response({"404": 404, "302": 302}.get(self.server.how, 204))
        if self.server.how != "well":
            self.send_header("content-length", "0")
        self.end_headers()

    do_DELETE = do_POST

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # whoever asked has gone

    def log_message(self, *_):
        pass


class FromTheFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, TOKEN)

    def write(self, content):
        with open(self.path, "wb") as file:
            file.write(content)

    def read(self, description, **more):
        with Upload.of(description).open(self.folder, **more) as file:
            return b"".join(iter(lambda: file.read(100_000), b""))

    def test_it_is_read_in_chunks_and_checked(self):
        self.write(CONTENT)
        self.assertEqual(self.read(described()), CONTENT)
        self.write(b"")
        self.assertEqual(self.read(described(b"")), b"")

    def test_the_folder_of_the_environment(self):
        self.write(CONTENT)
        os.environ["TEMPEST_UPLOADS"] = self.folder
        self.addCleanup(os.environ.pop, "TEMPEST_UPLOADS")
        with Upload.of(described()).open() as file:
            self.assertEqual(file.read(), CONTENT)

    def test_another_content_is_refused_at_its_end(self):
        self.write(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
        with Upload.of(described()).open(self.folder) as file:
            self.assertEqual(file.read(1000), CONTENT[:1000])
            self.assertRaisesRegex(UploadError, "sha256", file.read)
        self.assertRaisesRegex(UploadError, "bytes, not 5,", self.read, {**described(), "size": 5})
        self.write(CONTENT[:-1])
        self.assertRaisesRegex(UploadError, f"bytes, not {len(CONTENT)},", self.read, described())
        self.write(CONTENT)
        with Upload.of(described()).open(self.folder) as file:
            os.truncate(self.path, 300_000)
            self.assertRaisesRegex(UploadError, "ends at byte 300000", file.read)
        self.write(b"")
        self.assertRaisesRegex(UploadError, "sha256", self.read, {**described(b""), "sha256": "0" * 64})

    def test_what_is_longer_than_it_says_is_another_content(self):
        self.write(CONTENT + b"more")
        self.assertRaisesRegex(UploadError, "bytes, not", self.read, described())

    def test_what_is_kept_outlives_its_request_until_it_is_deleted(self):
        self.write(CONTENT)
        upload = Upload.of(described())
        upload.keep(self.folder)
        upload.keep(self.folder)
        self.assertEqual(os.listdir(self.folder), [TOKEN + ".kept"])
        self.assertEqual(self.read(described()), CONTENT)
        with upload.open(self.folder) as file:
            upload.delete(self.folder)
            self.assertEqual(file.read(), CONTENT)
        upload.delete(self.folder)
        self.assertEqual(os.listdir(self.folder), [])
        self.write(CONTENT)
        upload.delete(self.folder)
        self.assertEqual(os.listdir(self.folder), [])

    def test_what_has_ended_cannot_be_kept(self):
        self.assertRaisesRegex(UploadError, "its request has ended", Upload.of(described()).keep, self.folder)
        self.assertRaisesRegex(UploadError, "its request has ended", self.read, described())
        os.rmdir(self.folder)
        self.addCleanup(os.mkdir, self.folder)
        self.assertRaises(UploadError, Upload.of(described()).keep, self.folder)

    def test_links_and_folders_are_no_uploads(self):
        secret = os.path.join(self.folder, "secret")
        with open(secret, "wb") as file:
            file.write(CONTENT)
        os.symlink(secret, self.path)
        self.assertRaisesRegex(UploadError, "cannot be opened", self.read, described())
        os.unlink(self.path)
        os.mkdir(self.path)
        self.assertRaisesRegex(UploadError, "no file", self.read, described())
        os.rmdir(self.path)
        os.mkfifo(self.path)
        self.assertRaisesRegex(UploadError, "no file", self.read, described())

    def test_what_is_not_there_says_where_it_was_looked_for(self):
        self.assertRaisesRegex(UploadError, self.folder, self.read, described())
        self.assertRaisesRegex(UploadError, "TEMPEST_UPLOADS is not set", Upload.of(described()).open)

    def test_only_tokens_become_paths(self):
        for token in ("../" + "a" * 40, "/etc/passwd", "a" * 42, "a" * 44, "a" * 42 + "/", "a" * 42 + "\0", "a" * 42 + "\n", "", 7, None):
            with self.assertRaises(HandlerError) as caught:
                Upload.of({**described(), "token": token})
            self.assertEqual(caught.exception.code, "bad_args")

    def test_what_is_no_description_is_refused(self):
        for bad in ({"size": -1}, {"size": "1"}, {"size": True}, {"size": 2**60}, {"sha256": "A" * 64}, {"sha256": "0" * 63},
                    {"field": 1}, {"filename": []}, {"url": 5}, {"type": {}}):
            with self.assertRaises(HandlerError, msg=bad):
                Upload.of({**described(), **bad})


class FromTheFront(unittest.TestCase):
    def setUp(self):
        self.front = Front()
        self.addCleanup(self.front.stop)

    def upload(self, **more):
        return Upload.of(described(url=f"{self.front.origin}/uploads/{TOKEN}?key=1", **more))

    def read(self, upload=None, origins=None):
        with (upload or self.upload()).open(origins=[self.front.origin] if origins is None else origins) as file:
            return b"".join(iter(lambda: file.read(100_000), b""))

    def test_it_is_read_range_by_range(self):
        self.assertEqual(self.read(), CONTENT)
        self.assertEqual([path for path, _ in self.front.asked], [f"/uploads/{TOKEN}?key=1"] * 4)
        self.assertEqual(self.front.asked[1][1], "bytes=1048576-2097151")

    def test_a_connection_that_breaks_is_made_anew(self):
        self.front.how = "cut"
        self.assertEqual(self.read(), CONTENT)

    def test_a_front_that_knows_no_ranges_serves_small_ones_only(self):
        self.front.how, self.front.content = "no ranges", CONTENT[:1000]
        self.assertEqual(self.read(Upload.of(described(CONTENT[:1000], url=f"{self.front.origin}/u"))), CONTENT[:1000])
        self.front.content = CONTENT
        self.assertRaisesRegex(UploadError, "answers 200", self.read)

    def test_what_the_front_says_otherwise(self):
        for how, words in (("404", "its request has ended"), ("302", "answers 302"), ("another", "another range"),
                           ("longer", "another content")):
            self.front.how = how
            self.assertRaisesRegex(UploadError, words, self.read)

    def test_keeping_and_deleting(self):
        upload, origins = self.upload(), [self.front.origin]
        upload.keep(origins=origins)
        upload.delete(origins=origins)
        path = f"/uploads/{TOKEN}?key=1"
        self.assertEqual(self.front.asked, [("POST", path), ("DELETE", path)])
        self.front.how = "404"
        self.assertRaisesRegex(UploadError, "its request has ended", upload.keep, origins=origins)
        upload.delete(origins=origins)
        self.front.how = "302"
        self.assertRaisesRegex(UploadError, "answers 302", upload.keep, origins=origins)
        self.assertRaisesRegex(UploadError, "answers 302", upload.delete, origins=origins)
        self.assertRaisesRegex(UploadError, "may ask", upload.keep, origins=[])

    def test_another_content_is_refused(self):
        self.front.content = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
        self.assertRaisesRegex(UploadError, "sha256", self.read)

    def test_only_fronts_that_were_named_are_asked(self):
        for url, origins in ((f"{self.front.origin}/u", []), (f"{self.front.origin}/u", ["http://127.0.0.1:1"]),
                             ("http://169.254.169.254/latest", [self.front.origin]), ("file:///etc/passwd", ["file:///"]),
                             (f"{self.front.origin}/\r\nx: y", [self.front.origin]), ("http://", ["http://"]),
                             (f"https://127.0.0.1:{self.front.server_port}/u", [self.front.origin]), ("http://[::1", ["http://[::1"])):
            upload = Upload.of(described(url=url))
            self.assertRaises(UploadError, self.read, upload, origins)
        self.assertEqual(self.front.asked, [])

    def test_the_origins_of_the_environment(self):
        os.environ["TEMPEST_UPLOAD_ORIGINS"] = f"http://other:1 {self.front.origin}"
        self.addCleanup(os.environ.pop, "TEMPEST_UPLOAD_ORIGINS")
        with self.upload().open() as file:
            self.assertEqual(file.read(10), CONTENT[:10])

    def test_a_front_that_is_gone(self):
        front = Front()
        front.stop()
        upload = Upload.of(described(url=f"{front.origin}/u"))
        self.assertRaisesRegex(UploadError, "cannot be had", self.read, upload, [front.origin])


class AsABody(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(os.path.join(self.folder, TOKEN), "wb") as file:
            file.write(CONTENT)

    def request(self, **more):
        return Request.of({"method": "POST", "url": "/", "headers": {"content-type": "image/png"}, **more})

    def test_a_body_that_was_put_aside_is_the_body(self):
        length, kind, content = self.request(uploads=[described(field=None, filename=None)]).content(self.folder)
        with content:
            self.assertEqual((length, kind, content.read()), (len(CONTENT), "image/png", CONTENT))

    def test_a_form_is_put_together_again(self):
        request = self.request(uploads=[described(), described()], form=[
            {"name": "a", "value": "1"}, {"name": "f", "filename": "../../etc/passwd", "type": "image/png", "upload": 0},
            {"name": "a", "value": "2"}, {"name": 'g"', "filename": "", "type": "x\r\ny", "upload": 1}])
        length, kind, content = request.content(self.folder)
        with content:
            body = content.read()
        boundary = kind.partition("boundary=")[2].encode()
        self.assertEqual(length, len(body))
        parts = body.split(b"--" + boundary)
        self.assertEqual(parts[2], b'\r\nContent-Disposition: form-data; name="f"; filename="../../etc/passwd"\r\n'
                                   b"Content-Type: image/png\r\n\r\n" + CONTENT + b"\r\n")
        head = b'\r\nContent-Disposition: form-data; name="g%22"; filename=""\r\nContent-Type: x  y\r\n\r\n'
        self.assertEqual(parts[4], head + CONTENT + b"\r\n")
        self.assertEqual((len(parts), parts[5]), (6, b"--\r\n"))


if __name__ == "__main__":
    unittest.main()
