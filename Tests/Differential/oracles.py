"""What libraries that are not ours make of the same bytes: Python's json and the msgpack package.

They accept more than the protocol does. So what we accept they must accept, with the same value; and what we refuse and they
accept must have one of the protocol's own reasons in it. Called by compare.py.
"""
import base64
import json
import math
import struct
from collections import namedtuple

import msgpack

DEPTH = 64
Ext = namedtuple("Ext", "code data")
Binary = namedtuple("Binary", "content")


class Pairs(list):
    """A map as the library read it: a list of pairs, duplicates and all."""


class Undecided(Exception):
    """The library reads this form in a way of its own, which is no judgement on ours."""


class Refused(Exception):
    """The library does not read the bytes."""


def _constant(text):
    raise ValueError(text)


def _json_map(pairs):
    """The rule of protocol/codecs.md for binary, written once more."""
    if len(pairs) == 1 and type(pairs[0][1]) is str:
        key, text = pairs[0]
        if key[-3:] == "b64" and len(key) > 3 and set(key[:-3]) == {"$"}:
            try:
                content = base64.b64decode(text.encode("ascii"), validate=True)
            except ValueError:
                return Pairs(pairs)
            if base64.b64encode(content) == text.encode("ascii"):
                return Binary(content) if key == "$b64" else Pairs([(key[1:], text)])
    return Pairs(pairs)


def read_json(data):
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_json_map, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from None


def read_msgpack(data):
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=False, object_pairs_hook=Pairs, ext_hook=Ext)
    except UnicodeDecodeError as error:
        raise Refused(str(error)) from None
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError) as error:
        # Of timestamps it knows only three lengths, and not all of their contents.
        if "nanoseconds" in str(error) or "imestamp" in str(error) or "error = -1" in str(error):
            raise Undecided from None
        raise Refused(str(error)) from None


READERS = {"json": read_json, "msgpack": read_msgpack}


def tokens(value, put):
    """The tokens of Sources/Tokens.swift."""
    if value is None:
        put(b"n")
    elif value is True or value is False:
        put(b"t" if value else b"f")
    elif type(value) is int:
        put(b"i%d;" % value)
    elif type(value) is float:
        put(b"d" + struct.pack(">d", value).hex().encode("ascii"))
    elif type(value) is str:
        content = value.encode("utf-8", "surrogatepass")
        put(b"s%d:%b" % (len(content), content))
    elif type(value) is bytes or type(value) is Binary:
        content = value if type(value) is bytes else value.content
        put(b"b%d:%b" % (len(content), content))
    elif type(value) is Pairs:
        put(b"{")
        for key, item in value:
            if type(key) is bytes:
                key = key.decode("utf-8", "surrogateescape")
            tokens(key, put)
            tokens(item, put)
        put(b"}")
    elif type(value) is list:
        put(b"[")
        for item in value:
            tokens(item, put)
        put(b"]")
    elif type(value) is Ext:
        put(b"e%d,%d:%b" % (value.code, len(value.data), value.data))
    else:
        raise Undecided


def reasons(value, depth=0):
    """Why the protocol refuses what the library reads; nothing if there is no reason."""
    if type(value) is float and not math.isfinite(value):
        yield "float"
    elif type(value) is int and not -(2**63) <= value < 2**64:
        yield "integer"
    elif type(value) is str:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            yield "surrogate"
    elif isinstance(value, list):
        if depth >= DEPTH:
            yield "depth"
            return
        if type(value) is Pairs:
            keys = [key.decode("utf-8", "surrogateescape") if type(key) is bytes else key for key, _ in value]
            if any(type(key) is not str for key in keys):
                yield "key"
            elif len(set(keys)) != len(keys):
                yield "duplicate"
        for item in value:
            for part in item if type(value) is Pairs else [item]:
                yield from reasons(part, depth + 1)
        if type(value) is Pairs:
            for key, _ in value:
                if type(key) is bytes and key.decode("utf-8", "replace").encode("utf-8") != key:
                    yield "key"


def disagreement(codec, data, ours):
    """A sentence if the library contradicts ours (the tokens, or None where refused); None if it does not, "" if it cannot say."""
    try:
        value = READERS[codec](data)
        if ours is None:
            return None if any(True for _ in reasons(value)) else "refused without a reason that the library's value shows"
        out = []
        tokens(value, out.append)
    except Undecided:
        return ""
    except Refused as error:
        return None if ours is None else f"accepted, but the library refuses: {error}"
    theirs = b"".join(out)
    return None if theirs == ours else f"the library reads {theirs[:200]!r}"
