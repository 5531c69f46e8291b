"""Answers for fronts, `[status, headers, body]`: what handlers of HTTP jobs return, or yield first.

A front refuses an answer with one bad header as a whole, so what is wrong is said here already, where it can be found.
"""
from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Union
from urllib.parse import quote

from ..codecs import JSON
from ..elements import Elements
from .checks import CONTROL, TOKEN

Line = Union[str, bytes]
Header = Union[Line, int, List[Line]]
Body = Union[str, bytes, None]

_COOKIE_VALUE = frozenset("!#$%&'()*+-./:<=>?@[]^_`{|}~") | frozenset(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def answer(status: int = 200, headers: Optional[Mapping[str, Header]] = None, body: Body = None) -> Elements:
    """An answer. Names of headers become lower case; a list of texts is as many lines; bytes go out as they are.
    ValueError for what no front accepts."""
    if type(status) is not int or not 200 <= status <= 599:
        raise ValueError(f"a status is an integer from 200 to 599, not {status!r}")
    if body is not None and not isinstance(body, (str, bytes, bytearray, memoryview)):
        raise ValueError(f"a body is text, bytes or None, not {type(body).__name__}")
    return Elements(status, {_name(name): _value(name, value) for name, value in (headers or {}).items()}, body)


def text(body: str, status: int = 200, headers: Optional[Mapping[str, Header]] = None) -> Elements:
    """An answer of plain text."""
    return answer(status, _typed("text/plain; charset=utf-8", headers), body)


def html(body: str, status: int = 200, headers: Optional[Mapping[str, Header]] = None) -> Elements:
    """An answer of HTML. What comes from others is escaped by whoever writes the HTML: html.escape."""
    return answer(status, _typed("text/html; charset=utf-8", headers), body)


def json(value: Any, status: int = 200, headers: Optional[Mapping[str, Header]] = None) -> Elements:
    """An answer of JSON. CodecError if there is no JSON of the value."""
    return answer(status, _typed("application/json", headers), JSON.encode(value).decode("utf-8"))


def redirect(location: str, status: int = 303, headers: Optional[Mapping[str, Header]] = None) -> Elements:
    """Sends the browser elsewhere; by 303 it asks there by GET. A location that came from outside may lead anywhere: check it."""
    return answer(status, {**(headers or {}), "location": quote(location, safe="%/:=&?~#+!$,;'@()*[]")})


def cookie(name: str, value: str, max_age: Optional[int] = None, path: str = "/", domain: Optional[str] = None,
           secure: bool = True, http_only: bool = True, same_site: str = "Lax") -> str:
    """A line for the header set-cookie. `max_age` is in seconds: 0 deletes the cookie, None keeps it until the browser ends."""
    if not TOKEN.fullmatch(name):
        raise ValueError(f"a cookie's name is a token, not {name!r}")
    if not all(char in _COOKIE_VALUE for char in value):
        raise ValueError("a cookie's value has letters, digits and signs but space, comma, semicolon, quote and backslash")
    if same_site not in ("Lax", "Strict", "None"):
        raise ValueError(f"same_site is Lax, Strict or None, not {same_site!r}")
    parts = [f"{name}={value}", f"Path={path}"]
    parts += [f"Max-Age={int(max_age)}"] if max_age is not None else []
    parts += [f"Domain={domain}"] if domain is not None else []
    parts += ["Secure"] if secure else []
    parts += ["HttpOnly"] if http_only else []
    line = "; ".join([*parts, f"SameSite={same_site}"])
    if any(char < " " or char == "\x7f" for char in line) or ";" in path or (domain is not None and ";" in domain):
        raise ValueError("a cookie has no control characters, and no semicolons in its path and its domain")
    return line


def _typed(kind: str, headers: Optional[Mapping[str, Header]]) -> Dict[str, Header]:
    given = dict(headers or {})
    return given if any(name.lower() == "content-type" for name in given) else {"content-type": kind, **given}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not TOKEN.fullmatch(name):
        raise ValueError(f"the name of a header is a token, not {name!r}")
    return name.lower()


def _value(name: str, value: Any) -> Header:
    if isinstance(value, (list, tuple)):
        return [_line(name, line) for line in value]
    return value if type(value) is int else _line(name, value)


def _line(name: str, value: Any) -> Line:
    if isinstance(value, bytes) and not CONTROL.search(value.decode("latin-1")):
        return value.strip(b" \t")
    if not isinstance(value, str) or CONTROL.search(value):
        raise ValueError(f"the header {name} is text or bytes without control characters, an integer, or a list of such texts")
    return value.strip(" \t")
