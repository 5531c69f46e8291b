"""tnetstring: `5:hello,` with the tags , # ^ ! ~ ] and }, as strict as the protocol.

Own code, because the published packages accept leading zeros, signs and broken lengths, and copy the input at every
level. Called from codecs.encode and codecs.decode.
"""
from __future__ import annotations

import math
import re
from typing import Any, Dict, List, Tuple

from .errors import CodecError
from .values import INT_LEAST, INT_MOST, STANDARD, Limits, checked, float_text

NAME = "tnetstring"

_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,8}):")
_INTEGER = re.compile(rb"0|-?[1-9][0-9]*")
_FLOAT = re.compile(rb"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")


def encode(value: Any, limits: Limits = STANDARD, canonical: bool = False) -> bytes:
    """The value as a tnetstring; CodecError if it has none. Text and binary look alike in it."""
    data = _written(checked(value, NAME, limits, canonical))
    if len(data) > limits.bytes:
        raise CodecError(NAME, f"{len(data)} bytes are more than {limits.bytes}")
    return data


def decode(data: bytes, limits: Limits = STANDARD) -> Any:
    """The value that the bytes are, all of them; CodecError if they are not one tnetstring of the protocol."""
    if len(data) > limits.bytes:
        raise CodecError(NAME, f"{len(data)} bytes are more than {limits.bytes}")
    value, at = _Reader(data, limits).value(0, len(data), 0)
    if at != len(data):
        raise CodecError(NAME, f"{len(data) - at} bytes after the value", at)
    return value


class _Reader:
    """Reads values out of ranges of the one input; every length is checked against the range that it lies in."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data, self.limits = data, limits
        self.count = 0

    def value(self, at: int, end: int, depth: int) -> Tuple[Any, int]:
        self.count += 1
        if self.count > self.limits.values:
            raise CodecError(NAME, f"more than {self.limits.values} values", at)
        start, stop = self.frame(at, end)
        tag = self.data[stop : stop + 1]
        if tag == b",":
            return self.text(start, stop), stop + 1
        if tag == b"]" or tag == b"}":
            if depth >= self.limits.depth:
                raise CodecError(NAME, f"deeper than {self.limits.depth}", at)
            return (self.array if tag == b"]" else self.map)(start, stop, depth + 1), stop + 1
        return self.scalar(tag, self.data[start:stop], start), stop + 1

    def frame(self, at: int, end: int) -> Tuple[int, int]:
        """Where the payload of the value at `at` begins and ends; its tag follows."""
        head = _LENGTH.match(self.data, at, end)
        if not head:
            raise CodecError(NAME, "a length of 1 to 9 digits without leading zeros, then a colon, should be here", at)
        size, start = int(head.group(1)), head.end()
        left = end - start
        if size + 1 > left:
            raise CodecError(NAME, f"{size} bytes and a type are claimed but only {left} bytes are left", at)
        return start, start + size

    def text(self, start: int, stop: int) -> Any:
        content = self.data[start:stop]
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return content

    def array(self, at: int, end: int, depth: int) -> List[Any]:
        items = []
        while at < end:
            item, at = self.value(at, end, depth)
            items.append(item)
        return items

    def map(self, at: int, end: int, depth: int) -> Dict[str, Any]:
        members: Dict[str, Any] = {}
        while at < end:
            start = at
            key, at = self.value(at, end, depth)
            if type(key) is not str:
                raise CodecError(NAME, "a key that is not text", start)
            if key in members:
                raise CodecError(NAME, f"the key {key[:80]!r} comes twice", start)
            if at >= end:
                raise CodecError(NAME, "a map that ends between key and value", at)
            members[key], at = self.value(at, end, depth)
        return members

    def scalar(self, tag: bytes, content: bytes, at: int) -> Any:
        if tag == b"#":
            if len(content) <= 20 and _INTEGER.fullmatch(content):
                number = int(content)
                if INT_LEAST <= number <= INT_MOST:
                    return number
            raise CodecError(NAME, f"{content[:24]!r} is no integer from -2^63 to 2^64-1", at)
        if tag == b"^":
            if _FLOAT.fullmatch(content):
                real = float(content)
                if math.isfinite(real):
                    return real
            raise CodecError(NAME, f"{content[:24]!r} is no finite float", at)
        if tag == b"!":
            if content == b"true" or content == b"false":
                return content == b"true"
            raise CodecError(NAME, f"{content[:24]!r} is neither true nor false", at)
        if tag == b"~":
            if not content:
                return None
            raise CodecError(NAME, "null has no bytes", at)
        raise CodecError(NAME, f"{tag!r} is no type", at + len(content))


def _written(value: Any) -> bytes:
    kind = type(value)
    if kind is str:
        content = value.encode("utf-8")
        return b"%d:%b," % (len(content), content)
    if value is None:
        return b"0:~"
    if kind is bool:
        return b"4:true!" if value else b"5:false!"
    if kind is int:
        return b"%d:%d#" % (len(str(value)), value)
    if kind is float:
        content = float_text(value).encode("ascii")
        return b"%d:%b^" % (len(content), content)
    if kind is bytes:
        return b"%d:%b," % (len(value), value)
    if kind is list:
        content = b"".join([_written(item) for item in value])
        return b"%d:%b]" % (len(content), content)
    if kind is dict:
        content = b"".join([_written(part) for member in value.items() for part in member])
        return b"%d:%b}" % (len(content), content)
    raise CodecError(NAME, "an ext has no form in tnetstring; use msgpack")
