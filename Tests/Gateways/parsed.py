"""A WSGI application that answers with what Werkzeug reads in a form, as JSON, and gives a header back in its bytes.

As a program it reads bodies by itself, with no queue between: one JSON a line on its input, one on its output.
"""
import io
import json
import sys

from werkzeug.exceptions import HTTPException
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData
from werkzeug.wrappers import Request


def app(environ, start_response):
    value = environ.get("HTTP_X_A")
    headers = [("Content-Type", "application/json")] + ([] if value is None else [("X-Back", value)])
    try:
        found = read(environ)
    except HTTPException as error:
        found = {"error": str(error.code)}
    found["header"] = None if value is None else value.encode("latin-1").hex()
    start_response("200 OK", headers)
    return [json.dumps(found).encode()]


def read(environ):
    """By Werkzeug's request, as Flask has it, and by its decoder, which knows the order."""
    body = environ["wsgi.input"].read()
    request = Request({**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    found = {"form": list(request.form.items(multi=True)),
             "files": [[name, file.filename, file.content_type, file.read().hex()] for name, file in request.files.items(multi=True)]}
    boundary = request.mimetype_params.get("boundary")
    try:
        found["parts"] = parts(body, boundary.encode()) if boundary else None
    except ValueError as error:  # a name that is not UTF-8
        found["parts"] = type(error).__name__
    return found


def parts(body, boundary):
    decoder, found = MultipartDecoder(boundary), []
    decoder.receive_data(body)
    decoder.receive_data(None)
    while not isinstance(event := decoder.next_event(), (Epilogue, NeedData)):
        if isinstance(event, (Field, File)):
            found.append([event.name, getattr(event, "filename", None), list(event.headers), ""])
        elif isinstance(event, Data):
            found[-1][3] += event.data.hex()
    return found


def main():
    for line in sys.stdin:
        kind, body = json.loads(line)
        environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body) // 2),
                   "wsgi.input": io.BytesIO(bytes.fromhex(body)), "wsgi.url_scheme": "http", "SERVER_NAME": "x", "SERVER_PORT": "1"}
        print(app(environ, lambda *_: None)[0].decode(), flush=True)


if __name__ == "__main__":
    main()
