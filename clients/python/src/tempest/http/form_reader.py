"""Reads forms out of a body that came in the job: multipart/form-data (RFC 7578) and the fields of URLs.

Request.form calls it. What could be read in two ways is refused, as fronts refuse it.
"""
from __future__ import annotations

import re
from typing import Dict, List, Optional, Pattern, Tuple
from urllib.parse import unquote_to_bytes

from ..errors import HandlerError
from .form import Form, Part

MOST = 1000
HEAD = 16 * 1024

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_WORD = re.compile(rb"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z/-]+)")


def _parameter(content: bytes) -> Pattern[bytes]:
    return re.compile(rb'[ \t]*;[ \t]*(?:(' + _TOKEN + rb')=(?:"((?:' + content + rb')*)"'
                      rb"|([!#$%&'*+.^_`|~0-9A-Za-z/:?()@,=\[\]-]+))|$)")


_PARAMETER, _ESCAPE = _parameter(rb'[^"\\\x00-\x08\x0a-\x1f\x7f]|\\["\\]|\\(?!["\\])'), re.compile(rb'\\(["\\])|%22')
_LITERAL, _QUOTE = _parameter(rb'[^"\x00-\x08\x0a-\x1f\x7f]'), re.compile(rb"()%22")
_PIECE = re.compile(rb"(.+)\*[0-9]+")
_LINE = re.compile(rb"([0-9A-Za-z_-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_AFTER = re.compile(rb"[ \t]{0,64}\r\n")
_CHARSETS = {"utf-8": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8", "iso-8859-1": "latin-1"}


def read(body: bytes, content_type: bytes) -> Form:
    """The form in a body; an empty one if the type is none of a form. HandlerError `bad_args` for a body that is none all the same."""
    kind = re.split(rb"[; \t]", content_type, maxsplit=1)[0].lower()
    if kind == b"application/x-www-form-urlencoded":
        if body.count(b"&") >= MOST:
            raise HandlerError("bad_args", f"args[0].body: more than {MOST} fields")
        return Form([Part(name, value) for name, value in pairs(body)])
    return multipart(body, content_type) if kind == b"multipart/form-data" else Form()


def pairs(text: bytes) -> List[Tuple[bytes, bytes]]:
    """Names and values of `a=1&b=2`."""
    found = [pair.partition(b"=") for pair in text.split(b"&") if pair]
    return [(_decoded(name), _decoded(value)) for name, _, value in found]


def multipart(body: bytes, content_type: bytes) -> Form:
    """The parts of multipart/form-data."""
    boundary = (parameters(content_type) or ("", {}))[1].get("boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise _malformed("the content type has no boundary of 1 to 70 characters")
    delimiter = b"\r\n--" + boundary
    parts: List[Part] = []
    data = b"\r\n" + body
    place = data.find(delimiter)
    while True:
        if place < 0:
            raise _malformed("the form ends before its last boundary")
        place += len(delimiter)
        if data.startswith(b"--", place):
            return Form(parts)
        after = _AFTER.match(data, place)
        if after is None:
            raise _malformed("a line goes on after the boundary" if place < len(data) else "the form ends before its last boundary")
        if len(parts) == MOST:
            raise _malformed(f"the form has more than {MOST} parts")
        # The empty line may be the first.
        start = after.end() - 2
        middle = data.find(b"\r\n\r\n", start, start + HEAD + 4)
        if middle < 0:
            raise _malformed("a part has no head, or one that is too long")
        # A part without content may have no line for it but the empty one.
        place = data.find(delimiter, middle + 2)
        parts.append(part(data[start + 2:middle], data[middle + 4:max(place, middle + 4)]))


def part(head: bytes, content: bytes = b"") -> Part:
    """A part by its header lines. HandlerError `bad_args` for those that fronts refuse."""
    disposition: Optional[Dict[str, bytes]] = None
    kind: Optional[bytes] = None
    for line in head.split(b"\r\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            raise _malformed("a part has a header line without a valid name and a colon")
        name, value = match.group(1).lower(), match.group(2)
        if name == b"content-disposition":
            found = parameters(value)
            if disposition is not None or found is None or found[0] != "form-data":
                raise _malformed("a part has no content-disposition of form-data, or several")
            disposition = found[1]
        elif name == b"content-type":
            if kind is not None:
                raise _malformed("a part has several content types")
            kind = value
        elif name == b"content-transfer-encoding" and value.lower() not in (b"7bit", b"8bit", b"binary"):
            raise _malformed("a part has a content-transfer-encoding")
    if disposition is None:
        raise _malformed("a part has no content-disposition")
    filename = disposition.get("filename")
    if filename is None and kind is not None and kind.lower().startswith(b"multipart/"):
        raise _malformed("a part is a multipart of its own")
    return Part(disposition.get("name"), content, filename, kind, None, head)


def parameters(value: bytes) -> Optional[Tuple[str, Dict[str, bytes]]]:
    """The word and the parameters of a header; None if it does not follow the grammar, or has a parameter twice.

    In quotation marks a backslash escapes. Browsers write it as it is, so a value that cannot be read this way is read theirs: a file
    name may end in one."""
    return _parameters(value, _PARAMETER, _ESCAPE) or _parameters(value, _LITERAL, _QUOTE)


def _parameters(value: bytes, parameter: Pattern[bytes], escape: Pattern[bytes]) -> Optional[Tuple[str, Dict[str, bytes]]]:
    word = _WORD.match(value)
    if word is None:
        return None
    place, seen, charset = word.end(), set(), None
    found: Dict[str, bytes] = {}
    value = value.rstrip(b" \t")
    while place < len(value):
        match = parameter.match(value, place)
        if match is None:
            return None
        place = match.end()
        if match.group(1) is None:
            break
        key = match.group(1).lower()
        if key in seen:
            return None
        seen.add(key)
        text = match.group(3) if match.group(2) is None else escape.sub(lambda each: each.group(1) or b'"', match.group(2))
        if key.endswith(b"*"):
            key, (text, charset) = key[:-1], _extended(text, charset)
        piece = _PIECE.fullmatch(key)
        if piece is None:
            found[key.decode("ascii")] = text
        else:
            name = piece.group(1).decode("ascii")
            found[name] = found.get(name, b"") + text
    return word.group(1).lower().decode("ascii"), found


def _extended(text: bytes, charset: Optional[str]) -> Tuple[bytes, Optional[str]]:
    """The value of `name*` (RFC 8187), in UTF-8, and the charset that holds from here on."""
    named, quote, rest = text.partition(b"'")
    _, second, rest = rest.partition(b"'")
    wanted = charset
    if quote and second:
        text = rest
        if named:
            wanted = _CHARSETS.get(named.decode("ascii", "replace").lower())
            if wanted is None:
                return text, charset
    if wanted is None:
        return text, charset
    content = unquote_to_bytes(text)
    return (content if wanted == "utf-8" else content.decode("latin-1").encode("utf-8")), wanted


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _malformed(why: str) -> HandlerError:
    return HandlerError("bad_args", f"args[0].body: {why}")
