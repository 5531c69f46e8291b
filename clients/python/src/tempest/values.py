"""The value model that all codecs share: which Python values exist on the wire, and their limits.

Encoders call `checked` before they write a byte; decoders use `Limits` while they read. None, bool, int, float, str,
bytes, list (tuple), dict and ExtType are values; datetime, Decimal and UUID have a form as text.
"""
from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Dict, List, Tuple, Union

import msgpack  # type: ignore[import-untyped, unused-ignore]

from .errors import CodecError

INT_LEAST = -(2**63)
INT_MOST = 2**64 - 1
DECIMAL_PLACES = 1000  # before or behind the point; they are written out


class ExtType(msgpack.ExtType):  # type: ignore[misc, unused-ignore]
    """A MessagePack extension: `code` from -128 to 127, and bytes. Timestamps (-1) are carried as they are, too.

    It is a msgpack.ExtType that also allows the codes below 0.
    """

    __slots__ = ()

    def __new__(cls, code: int, data: bytes) -> "ExtType":
        if not isinstance(code, int) or not isinstance(data, bytes) or not -128 <= code <= 127:
            raise ValueError("an extension has a code from -128 to 127, and bytes")
        return tuple.__new__(cls, (code, data))  # type: ignore[no-any-return, unused-ignore]


@dataclass(frozen=True)
class Limits:
    """What a reader and a writer accept at most. A scalar has depth 0, `[]` has 1; keys count as values."""

    depth: int = 64
    values: int = 1_000_000
    bytes: int = 16 * 1024 * 1024


STANDARD = Limits()


def kind_of(value: Any) -> str:
    """The protocol's word for a value's type, such as `integer`, for messages."""
    if value is None:
        return "null"
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return str(name)
    return str(type(value).__name__)


_KINDS: List[Any] = [
    (bool, "bool"), (int, "integer"), (float, "float"), (str, "text"), ((bytes, bytearray, memoryview), "binary"),
    (msgpack.ExtType, "ext"), ((list, tuple), "array"), (dict, "map"),
]


def float_text(number: float) -> str:
    """The text of a finite float in JSON and tnetstring: the fewest digits that read back to it, always with a point."""
    plain = repr(number)
    mantissa, mark, power = plain.partition("e")
    # Python writes the fewest digits, too, and where it writes no exponent there is none here either.
    if not mark:
        return plain
    exponent = int(power)
    if not -7 <= exponent <= 20:
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent:+d}"
    sign = "-" if plain[0] == "-" else ""
    digits = mantissa.lstrip("-").replace(".", "")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    return f"{sign}{digits.ljust(exponent + 1, '0')[:exponent + 1]}.{digits[exponent + 1:] or '0'}"


def checked(value: Any, codec: str, limits: Limits = STANDARD, canonical: bool = False) -> Any:
    """The value in plain None, bool, int, float, str, bytes, list, dict and ExtType, or a CodecError that names the
    place in it. `canonical` sorts the keys of maps by their UTF-8 bytes."""
    return _Check(codec, limits, canonical).value(value, 0)


class _Check:
    def __init__(self, codec: str, limits: Limits, canonical: bool) -> None:
        self.codec, self.limits, self.canonical = codec, limits, canonical
        self.count = 0
        self.size = 0  # bytes that the document has at least: those of its texts and binary

    def value(self, value: Any, depth: int) -> Any:
        self.count += 1
        if self.count > self.limits.values:
            raise CodecError(self.codec, f"more than {self.limits.values} values")
        kind = type(value)
        if kind is str:
            return self.text(value)
        if value is None or kind is bool:
            return value
        if kind is int or isinstance(value, int):
            if not INT_LEAST <= value <= INT_MOST:
                raise CodecError(self.codec, "an integer outside -2^63 to 2^64-1")
            return int.__int__(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise CodecError(self.codec, "a float that is not finite")
            return float.__float__(value)
        if isinstance(value, str):
            return self.text(_plain(value))
        if isinstance(value, (bytes, bytearray, memoryview)):
            view = memoryview(value)
            self.room(view.nbytes)
            return bytes(view)
        if isinstance(value, msgpack.ExtType):
            self.room(len(value.data))
            return value
        if isinstance(value, (list, tuple)):
            return self.array(value, self.deeper(depth))
        if isinstance(value, dict):
            return self.map(value, self.deeper(depth))
        return self.text(self.form(value))

    def form(self, value: Any) -> str:
        """The text that stands for a value of a type that other languages have, too (protocol/codecs.md, "Types of languages")."""
        if isinstance(value, datetime):
            if value.utcoffset() is None:
                raise CodecError(self.codec, "a datetime without an offset, of which nobody can tell what moment it is; give it a tzinfo")
            try:
                moment = value.astimezone(timezone.utc).replace(tzinfo=None)
            except OverflowError:
                raise CodecError(self.codec, f"the datetime {str(value)[:80]} is outside of the years 1 to 9999 in UTC") from None
            digits = "seconds" if not moment.microsecond else "microseconds" if moment.microsecond % 1000 else "milliseconds"
            return moment.isoformat(timespec=digits) + "Z"
        if isinstance(value, Decimal):
            if not value.is_finite():
                raise CodecError(self.codec, f"the Decimal {str(value)[:24]} is not finite")
            if value and abs(value.adjusted()) > DECIMAL_PLACES:
                raise CodecError(self.codec, f"the Decimal {value:.20e} has more than {DECIMAL_PLACES} places")
            digits = format(value, "f")
            return (digits.rstrip("0").rstrip(".") if "." in digits else digits) if value else "0"
        if isinstance(value, uuid.UUID):
            return str(value)
        raise CodecError(self.codec, f"a {type(value).__name__} is no value")

    def deeper(self, depth: int) -> int:
        if depth >= self.limits.depth:
            raise CodecError(self.codec, f"deeper than {self.limits.depth}")
        return depth + 1

    def room(self, size: int) -> None:
        """Refuses a document that is too large before it is written, and before the rest of it is looked at."""
        self.size += size
        if self.size > self.limits.bytes:
            raise CodecError(self.codec, f"more than {self.limits.bytes} bytes")

    def ahead(self, count: int) -> None:
        """Refuses an array or a map that has more values than there may be, before they are looked at."""
        if self.count + count > self.limits.values:
            raise CodecError(self.codec, f"more than {self.limits.values} values")

    def text(self, text: str) -> str:
        self.room(len(text))
        if not text.isascii():
            try:
                text.encode("utf-8")
            except UnicodeEncodeError:
                raise CodecError(self.codec, "text with a lone surrogate") from None
        return text

    def array(self, items: Union[List[Any], Tuple[Any, ...]], depth: int) -> List[Any]:
        self.ahead(len(items))
        index, out = 0, []
        try:
            for index, item in enumerate(items):
                out.append(self.value(item, depth))
        except CodecError as error:
            raise _inside(error, f"[{index}]") from None
        return out

    def map(self, members: Dict[Any, Any], depth: int) -> Dict[str, Any]:
        self.ahead(2 * len(members))
        out: Dict[str, Any] = {}
        key: Any = None
        try:
            for key, item in members.items():
                if not isinstance(key, str):
                    raise CodecError(self.codec, f"a key that is {kind_of(key)}; keys are text")
                self.count += 1
                out[self.text(key if type(key) is str else _plain(key))] = self.value(item, depth)
        except CodecError as error:
            raise _inside(error, _step(key)) from None
        if self.canonical:
            return dict(sorted(out.items(), key=lambda member: member[0].encode("utf-8")))
        return out


def _plain(text: str) -> str:
    """The text that an object of a class below str holds, whatever it says of itself: enums, and strings of templates."""
    return str.__str__(text)


def _step(key: Any) -> str:
    """A key in the place of an error, short: it may be as long as a document, or be no text at all."""
    if not isinstance(key, str):
        return f"[a key that is {kind_of(key)}]"
    head = key[:40]
    return f".{head}" if head.isidentifier() else f"[{head!r}]"


def _inside(error: CodecError, step: str) -> CodecError:
    what, at, path = error.message.partition(" at value")
    return CodecError(error.codec, f"{what} at value{step[:80]}{path[:400] if at else ''}")
