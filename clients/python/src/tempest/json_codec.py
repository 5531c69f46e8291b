"""JSON: Python's own parser made as strict as the protocol, and a writer that keeps 1 and 1.0 apart.

Python accepts NaN, duplicate keys, lone surrogates, integers of any size and unlimited depth; all are refused here.
Binary travels as {"$b64": "aGk="}. Jobs come here from codecs.decode, answers go out through codecs.encode.
"""
from __future__ import annotations

import base64
import binascii
import json
import math
import re
from array import array
from itertools import accumulate
from json.encoder import encode_basestring
from typing import Any, Dict, List, Optional, Tuple

from .errors import CodecError
from .values import INT_LEAST, INT_MOST, STANDARD, Limits, checked, float_text

NAME = "json"

_MARKER = re.compile(r"\$+b64")
# Canonical, if there are whole groups of four.
_BASE64 = re.compile(r"[A-Za-z0-9+/]*(?:(?<=[AQgw])==|(?<=[AEIMQUYcgkosw048])=)?")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_STEPS = bytes(1 if c in b"[{" else 255 if c in b"]}" else 0 for c in range(256))
_NO_BRACKETS = bytes(c for c in range(256) if c not in b"[]{}")


def encode(value: Any, limits: Limits = STANDARD, canonical: bool = False) -> bytes:
    """The value as compact JSON in UTF-8; CodecError if it has none."""
    parts: List[str] = []
    _write(checked(value, NAME, limits, canonical), parts.append)
    data = "".join(parts).encode("utf-8")
    if len(data) > limits.bytes:
        raise CodecError(NAME, f"{len(data)} bytes are more than {limits.bytes}")
    return data


def decode(data: bytes, limits: Limits = STANDARD) -> Any:
    """The value that the bytes are, all of them; CodecError if they are not one JSON document of the protocol."""
    if len(data) > limits.bytes:
        raise CodecError(NAME, f"{len(data)} bytes are more than {limits.bytes}")
    if data.startswith(b"\xef\xbb\xbf"):
        raise CodecError(NAME, "begins with a byte order mark: remove its three bytes", 0)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise CodecError(NAME, "looks like UTF-16 or UTF-32: write it as UTF-8", 0) from None
        raise CodecError(NAME, "text that is not valid UTF-8", error.start) from None
    # A marker {"$b64": …} is a scalar of the value model but a bracket of the text: hence one more here.
    depth = _depth(data, limits.depth + 1)
    if depth > limits.depth + 1:
        raise CodecError(NAME, f"deeper than {limits.depth}")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise CodecError(NAME, error.msg, len(text[: error.pos].encode("utf-8"))) from None
    except RecursionError:
        raise CodecError(NAME, f"deeper than {limits.depth}") from None
    if depth > limits.depth or len(data) > limits.values or _SURROGATE_ESCAPE.search(data):
        # What a scan of the bytes cannot tell is looked for in the value itself; ordinary documents never come here.
        checked(value, NAME, limits)
    return value


def _depth(data: bytes, most: int) -> int:
    """How deep the brackets outside strings nest. Linear, and of little memory whatever the bytes are."""
    if data.count(b"[") + data.count(b"{") <= most:
        return most - 1 if data.count(b"[") + data.count(b"{") < most else most
    bare = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(bare.split(b'"')[::2]).translate(_STEPS, _NO_BRACKETS)
    return max(accumulate(array("b", outside)), default=0)


def _pairs(pairs: List[Tuple[str, Any]]) -> Any:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise CodecError(NAME, f"the key {again[:80]!r} comes twice")
    if len(pairs) == 1:
        key, item = pairs[0]
        if _MARKER.fullmatch(key) and isinstance(item, str):
            content = _from_base64(item)
            if content is not None:
                return content if key == "$b64" else {key[1:]: item}
    return members


def _from_base64(text: str) -> Optional[bytes]:
    """The bytes of canonical base64, or None if the text is not that."""
    # Asked first, because an exception for each text that is none would be slow.
    return binascii.a2b_base64(text) if len(text) % 4 == 0 and _BASE64.fullmatch(text) else None


def _integer(text: str) -> int:
    # int() of thousands of digits is slow in old Pythons and an error of another kind in new ones.
    if len(text) <= 21:
        number = int(text)
        if INT_LEAST <= number <= INT_MOST:
            return number
    raise CodecError(NAME, f"the integer {text[:24]} is outside -2^63 to 2^64-1")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise CodecError(NAME, f"the float {text[:24]} is not finite")
    return number


def _constant(text: str) -> Any:
    raise CodecError(NAME, f"{text} is no value")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant, strict=True
)


def _write(value: Any, put: Any) -> None:
    kind = type(value)
    if kind is str:
        put(encode_basestring(value))
    elif value is None:
        put("null")
    elif kind is bool:
        put("true" if value else "false")
    elif kind is int:
        put(str(value))
    elif kind is float:
        put(float_text(value))
    elif kind is bytes:
        put('{"$b64":"' + base64.b64encode(value).decode("ascii") + '"}')
    elif kind is list:
        mark = "["
        for item in value:
            put(mark)
            _write(item, put)
            mark = ","
        put("]" if value else "[]")
    elif kind is dict:
        _write_map(value, put)
    else:
        raise CodecError(NAME, "an ext has no form in JSON; use msgpack")


def _write_map(members: Dict[str, Any], put: Any) -> None:
    if len(members) == 1:
        ((key, item),) = members.items()
        if type(item) is str and _MARKER.fullmatch(key) and _from_base64(item) is not None:
            members = {"$" + key: item}
    mark = "{"
    for key, item in members.items():
        put(mark + encode_basestring(key) + ":")
        _write(item, put)
        mark = ","
    put("}" if members else "{}")
