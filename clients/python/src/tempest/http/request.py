"""A request as a browser made it and a front passed it on: the one argument of the job, checked, and in Python's words.

Made by endpoint.py and by tempest.wsgi from a job; what is not of protocol/http.md's shape is answered `bad_args`.
"""
from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, Dict, List, Optional, Tuple
from urllib.parse import parse_qsl, unquote

from ..context import Context
from ..errors import HandlerError
from ..session import Session
from .checks import CONTROL, TOKEN, bytes_in, map_in, refuse, text_in, texts_in
from .multipart import Multipart
from .upload import Upload

FIELDS_MOST = 1000


@dataclass
class Request:
    """`method`; `target`, the request target as it was sent; `headers`, names in lower case; `body`, None if there was none;
    `form`, the fields of a multipart form that are no files; `uploads`; `remote_address`; `scheme`; its job's `context`."""

    method: str
    target: str
    headers: Dict[str, str] = field(default_factory=dict)
    body: Optional[bytes] = None
    form: Dict[str, str] = field(default_factory=dict)
    uploads: List[Upload] = field(default_factory=list)
    remote_address: str = ""
    scheme: str = "http"
    context: Optional[Context] = None

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
        return cls(method, target, {name.lower(): value for name, value in headers.items()}, bytes_in(members, "body", path),
                   texts_in(members, "form", path),
                   [Upload.of(each, f"{path}.uploads[{index}]") for index, each in enumerate(uploads or [])],
                   text_in(members, "remote_address", path, ""), scheme, context)

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
    def query_items(self) -> List[Tuple[str, str]]:
        """All names and values of the query, in order, decoded. HandlerError `bad_args` if they are more than 1,000."""
        return _pairs(self.query_string)

    @cached_property
    def query(self) -> Dict[str, str]:
        """The query by its names; of several of one name, the last."""
        return dict(self.query_items)

    @cached_property
    def fields(self) -> Dict[str, str]:
        """What a form sent, in either of the two ways in which browsers do; of several of one name, the last."""
        if self.body is not None and self.content_type == "application/x-www-form-urlencoded":
            return dict(_pairs(self.body.decode("utf-8", "replace")))
        return self.form

    @property
    def content_type(self) -> str:
        """The media type of the body, in lower case and without its parameters; "" if it says none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def cookies(self) -> Dict[str, str]:
        """The browser's cookies, without the front's own; of several of one name, the first."""
        cookies: Dict[str, str] = {}
        for pair in self.headers.get("cookie", "").split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals:
                cookies.setdefault(name.strip(), value.strip().strip('"'))
        return cookies

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
        if len(self.uploads) == 1 and self.uploads[0].field is None and not self.form:
            return self.uploads[0].size, kind, self.uploads[0].open(folder, origins)
        if self.uploads or self.form:
            multipart = Multipart(self.form, self.uploads)
            return multipart.length, multipart.content_type, multipart.open(folder, origins)
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


def _pairs(text: str) -> List[Tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=FIELDS_MOST)
    except ValueError:
        raise HandlerError("bad_args", f"args[0]: more than {FIELDS_MOST} fields") from None
