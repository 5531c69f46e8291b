"""MessagePack: written by the `msgpack` package, read by the strict reader below.

The package's own reader turns timestamps into objects of its own, allocates what a length claims, nests 1,024 deep and
cannot say where it stopped; the protocol asks for the opposite of each. Called from codecs.encode and codecs.decode.
"""
from __future__ import annotations

import math
import struct
from typing import Any, Callable, Dict, List

import msgpack  # type: ignore[import-untyped, unused-ignore]

from .errors import CodecError
from .values import STANDARD, ExtType, Limits, checked

NAME = "msgpack"


def encode(value: Any, limits: Limits = STANDARD, canonical: bool = False) -> bytes:
    """The value as MessagePack, every number in its smallest form and floats as float 64; CodecError if it has none."""
    data: bytes = msgpack.packb(checked(value, NAME, limits, canonical), use_bin_type=True)
    if len(data) > limits.bytes:
        raise CodecError(NAME, f"{len(data)} bytes are more than {limits.bytes}")
    return data


def decode(data: bytes, limits: Limits = STANDARD) -> Any:
    """The value that the bytes are, all of them; CodecError if they are not one MessagePack value of the protocol."""
    if len(data) > limits.bytes:
        raise CodecError(NAME, f"{len(data)} bytes are more than {limits.bytes}")
    reader = _Reader(data, limits)
    value = reader.value(0)
    if reader.at != len(data):
        raise CodecError(NAME, f"{len(data) - reader.at} bytes after the value", reader.at)
    return value


class _Reader:
    """Walks over the bytes once. `at` is the next byte; nothing is allocated before its bytes are known to be there."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data, self.limits = data, limits
        self.at = 0
        self.count = 0

    def value(self, depth: int) -> Any:
        self.count += 1
        if self.count > self.limits.values:
            raise CodecError(NAME, f"more than {self.limits.values} values", self.at)
        if self.at >= len(self.data):
            raise CodecError(NAME, "the bytes end where a value should begin", self.at)
        first = self.data[self.at]
        self.at += 1
        if first < 0x80:
            return first
        if first >= 0xE0:
            return first - 0x100
        if first < 0x90:
            return self.map(first & 0x0F, depth)
        if first < 0xA0:
            return self.array(first & 0x0F, depth)
        if first < 0xC0:
            return self.text(first & 0x1F)
        return _FORMATS[first - 0xC0](self, depth)

    def take(self, size: int) -> bytes:
        left = len(self.data) - self.at
        if size > left:
            raise CodecError(NAME, f"{size} bytes are claimed but only {left} are left", self.at)
        self.at += size
        return self.data[self.at - size : self.at]

    def size(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def signed(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big", signed=True)

    def float(self, form: str, width: int) -> Any:
        (number,) = struct.unpack(form, self.take(width))
        if not math.isfinite(number):
            raise CodecError(NAME, "a float that is not finite", self.at - width)
        return number

    def text(self, size: int) -> str:
        content = self.take(size)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CodecError(NAME, "text that is not valid UTF-8", self.at - size + error.start) from None

    def ext(self, size: int) -> ExtType:
        code = self.signed(1)
        return ExtType(code, self.take(size))

    def array(self, size: int, depth: int) -> List[Any]:
        self.open(size, size, "elements", depth)
        depth += 1
        return [self.value(depth) for _ in range(size)]

    def map(self, size: int, depth: int) -> Dict[str, Any]:
        self.open(size, 2 * size, "pairs", depth)
        members: Dict[str, Any] = {}
        for _ in range(size):
            start = self.at
            key = self.value(depth + 1)
            if type(key) is bytes:
                try:
                    key = key.decode("utf-8")
                except UnicodeDecodeError:
                    raise CodecError(NAME, "a key that is binary and not valid UTF-8", start) from None
            if type(key) is not str:
                raise CodecError(NAME, "a key that is not text", start)
            if key in members:
                raise CodecError(NAME, f"the key {key[:80]!r} comes twice", start)
            members[key] = self.value(depth + 1)
        return members

    def open(self, size: int, least: int, what: str, depth: int) -> None:
        left = len(self.data) - self.at
        if least > left:
            raise CodecError(NAME, f"{size} {what} are claimed but only {left} bytes are left", self.at)
        if depth >= self.limits.depth:
            raise CodecError(NAME, f"deeper than {self.limits.depth}", self.at - 1)

    def reserved(self) -> Any:
        raise CodecError(NAME, "0xC1 is no format", self.at - 1)


_FORMATS: List[Callable[[_Reader, int], Any]] = [
    lambda r, d: None,
    lambda r, d: r.reserved(),
    lambda r, d: False,
    lambda r, d: True,
    lambda r, d: r.take(r.size(1)),
    lambda r, d: r.take(r.size(2)),
    lambda r, d: r.take(r.size(4)),
    lambda r, d: r.ext(r.size(1)),
    lambda r, d: r.ext(r.size(2)),
    lambda r, d: r.ext(r.size(4)),
    lambda r, d: r.float(">f", 4),
    lambda r, d: r.float(">d", 8),
    lambda r, d: r.size(1),
    lambda r, d: r.size(2),
    lambda r, d: r.size(4),
    lambda r, d: r.size(8),
    lambda r, d: r.signed(1),
    lambda r, d: r.signed(2),
    lambda r, d: r.signed(4),
    lambda r, d: r.signed(8),
    lambda r, d: r.ext(1),
    lambda r, d: r.ext(2),
    lambda r, d: r.ext(4),
    lambda r, d: r.ext(8),
    lambda r, d: r.ext(16),
    lambda r, d: r.text(r.size(1)),
    lambda r, d: r.text(r.size(2)),
    lambda r, d: r.text(r.size(4)),
    lambda r, d: r.array(r.size(2), d),
    lambda r, d: r.array(r.size(4), d),
    lambda r, d: r.map(r.size(2), d),
    lambda r, d: r.map(r.size(4), d),
]
