"""The three codecs by name, and the first byte rule that tells which one an envelope is in.

Stands between the modules that read and write values and envelope.py, which knows what the values mean.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional

from . import json_codec, msgpack_codec, tnetstring


@dataclass(frozen=True)
class Codec:
    """A codec. `encode(value, limits=…, canonical=False)` and `decode(data, limits=…)` raise CodecError."""

    name: str
    encode: Callable[..., bytes]
    decode: Callable[..., Any]


JSON = Codec(json_codec.NAME, json_codec.encode, json_codec.decode)
MSGPACK = Codec(msgpack_codec.NAME, msgpack_codec.encode, msgpack_codec.decode)
TNETSTRING = Codec(tnetstring.NAME, tnetstring.encode, tnetstring.decode)
CODECS: Dict[str, Codec] = {codec.name: codec for codec in (JSON, MSGPACK, TNETSTRING)}


def named(name: str) -> Codec:
    """The codec of that name; ValueError if there is none."""
    try:
        return CODECS[name]
    except (KeyError, TypeError):
        raise ValueError(f"no codec is called {name!r}; there are {', '.join(CODECS)}") from None


def detect(data: bytes) -> Optional[Codec]:
    """The codec in which an envelope with these bytes is written, or None if no codec begins so."""
    if not data:
        return None
    first = data[0]
    if first in b" \t\r\n":
        # Only these few bytes may be many; a copy of the rest is never made for the look.
        end = next((i for i, byte in enumerate(data) if byte not in b" \t\r\n"), None)
        return JSON if end is not None and data[end] in b"[{" else None
    if first in b"[{":
        return JSON
    if 0x80 <= first <= 0x9F or 0xDC <= first <= 0xDF:
        return MSGPACK
    if 0x30 <= first <= 0x39:
        return TNETSTRING
    return None
