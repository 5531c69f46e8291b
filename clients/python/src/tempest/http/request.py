"""A request as a browser made it and a front passed it on: the one argument of the job, checked, and in Python's words.

Made by endpoint.py and by tempest.wsgi from a job; what is not of protocol/http.md's shape is answered `bad_args`.
"""
from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, Dict, FrozenSet, List, Optional, Tuple
from urllib.parse import unquote

from ..context import Context
from ..errors import HandlerError
from ..session import Session
from .checks import CONTROL, TOKEN, bytes_in, map_in, refuse, text_in, texts_in
from .fields import Fields
from .form import Form
from .form_reader import pairs, read
from .multipart import Multipart
from .upload import Upload


@dataclass
class Request:
    """`method`; `target`, the request target as it was sent; `headers`, names in lower case; `body`, None if there was none;
    `received`, the parts of a multipart form that the front has read, or None; `uploads`; `remote_address`; `scheme`; its job's
    `context`; `latin1`, the names of headers that are not UTF-8 and have been read as ISO-8859-1."""

    method: str
    target: str
    headers: Dict[str, str] = field(default_factory=dict)
    body: Optional[bytes] = None
    received: Optional[Form] = None
    uploads: List[Upload] = field(default_factory=list)
    remote_address: str = ""
    scheme: str = "http"
    context: Optional[Context] = None
    latin1: FrozenSet[str] = frozenset()

    @classmethod
    def of(cls, argument: Any, context: Optional[Context] = None, path: str = "args[0]") -> "Request":
        """The request in a job's argument. HandlerError `bad_args` if there is none in it."""
        members = map_in(argument, path)
        method, target = text_in(members, "method", path), text_in(members, "url", path)
        if not TOKEN.fullmatch(method) or len(method) > 64:
            raise HandlerError("bad_args", f"{path}.method: expected a token of HTTP")
        if not target or any(char <= " " or char == "\x7f" for char in target):
            raise HandlerError("bad_args", f"{path}.url: expected a request target without spaces and control characters")
        headers = texts_in(members, "headers", path)
        for name, value in headers.items():
            if not TOKEN.fullmatch(name) or CONTROL.search(value):
                raise HandlerError("bad_args", f"{path}.headers: {name[:80]!r} is no header")
        scheme = text_in(members, "scheme", path, "http")
        if scheme not in ("http", "https"):
            raise HandlerError("bad_args", f"{path}.scheme: expected http or https")
        uploads = members.get("uploads")
        if uploads is not None and not isinstance(uploads, list):
            raise refuse(f"{path}.uploads", "array", uploads)
        found = [Upload.of(each, f"{path}.uploads[{index}]") for index, each in enumerate(uploads or [])]
        form = members.get("form")
        return cls(method, target, {name.lower(): value for name, value in headers.items()}, bytes_in(members, "body", path),
                   None if form is None else Form.of(form, found, f"{path}.form"), found,
                   text_in(members, "remote_address", path, ""), scheme, context, _latin1(members, headers, path))

    @property
    def raw_path(self) -> str:
        """The path as it was sent, with its percent signs. It begins with a slash, whatever form the target has."""
        return self._parts[0]

    @property
    def path(self) -> str:
        """The path, decoded; what is no UTF-8 in it is replaced."""
        return unquote(self.raw_path, "utf-8", "replace")

    @property
    def query_string(self) -> str:
        """What stands behind the first question mark, as it was sent; "" if nothing does."""
        return self._parts[1]

    @cached_property
    def query(self) -> Fields:
        """The query, decoded: `query["q"]` is the first of that name, `query.all("q")` are all, `query.pairs` is everything in order."""
        return Fields([(name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
                       for name, value in pairs(self.query_string.encode("utf-8"))])

    @cached_property
    def form(self) -> Form:
        """What a form sent, in either of the two ways in which browsers do; without parts if the body is something else. A body that
        says it is a form and cannot be read has none either, and a `problem`."""
        try:
            return self.read_form()
        except HandlerError as error:
            return Form(problem=error.message)

    def read_form(self) -> Form:
        """The same; HandlerError `bad_args` for a body that says it is a form and cannot be read."""
        if self.received is not None:
            return self.received
        return Form() if self.body is None else read(self.body, self.header_bytes("content-type"))

    @property
    def fields(self) -> Fields:
        """The fields of the form that are no files, by name."""
        return self.form.fields

    def header_bytes(self, name: str) -> bytes:
        """The value of a header in the bytes that came; empty if there is none. `name` is in lower case."""
        return self.headers.get(name, "").encode("latin-1" if name in self.latin1 else "utf-8")

    @property
    def content_type(self) -> str:
        """The media type of the body, in lower case and without its parameters; "" if it says none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def cookies(self) -> Fields:
        """The browser's cookies, without the front's own; `cookies["x"]` is the first of that name."""
        found: List[Tuple[str, str]] = []
        for pair in self.headers.get("cookie", "").split(";"):
            name, equals, value = (each.strip(" \t") for each in pair.partition("="))
            if equals:
                found.append((name, value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value))
        return Fields(found)

    def json(self) -> Any:
        """The body, read as JSON. HandlerError `bad_args` if it is none."""
        try:
            return json.loads(self.body or b"")
        except (ValueError, RecursionError):
            raise HandlerError("bad_args", "args[0].body: expected JSON") from None

    @property
    def session(self) -> Optional[Session]:
        """The browser's session; None if the front keeps none."""
        return None if self.context is None else self.context.session

    def content(self, folder: Optional[str] = None, origins: Optional[List[str]] = None) -> Tuple[Optional[int], str, BinaryIO]:
        """The body as the browser sent it: its length (None: there was none), its content type and a file to read it from.

        A body that was put aside is read from there, and a form that the front took apart is put together again. `folder`
        and `origins` are those of `Upload.open`. Close the file.
        """
        kind = self.headers.get("content-type", "")
        if self.body is not None:
            return len(self.body), kind, io.BytesIO(self.body)
        if self.received is not None:
            multipart = Multipart(self.received)
            return multipart.length, multipart.content_type, multipart.open(folder, origins)
        if self.uploads:
            return self.uploads[0].size, kind, self.uploads[0].open(folder, origins)
        return None, kind, io.BytesIO()

    @cached_property
    def _parts(self) -> Tuple[str, str]:
        target = self.target.partition("#")[0]
        if not target.startswith("/"):
            # The absolute form, as proxies are asked; and OPTIONS *.
            _, scheme, rest = target.partition("://")
            cut = min((place for place in (rest.find("/"), rest.find("?")) if place >= 0), default=len(rest))
            target = rest[cut:] if scheme else ""
        path, _, query = target.partition("?")
        return path if path.startswith("/") else "/", query


def _latin1(members: Dict[str, Any], headers: Dict[str, str], path: str) -> FrozenSet[str]:
    """The names in `headers_latin1`. HandlerError `bad_args` if a value of theirs is no ISO-8859-1."""
    names = members.get("headers_latin1")
    if names is None:
        return frozenset()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise refuse(f"{path}.headers_latin1", "array of texts", names)
    for name in names:
        if any(char > "\xff" for char in headers.get(name, "")):
            raise HandlerError("bad_args", f"{path}.headers: {name[:80]!r} is not ISO-8859-1")
    return frozenset(name.lower() for name in names)
