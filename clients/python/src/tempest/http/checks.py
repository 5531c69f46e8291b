"""What a map from a job must look like, and the error that its producer is told when it does not.

Used by the readers of requests, uploads and socket events; everything in a job is the work of strangers.
"""
from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Dict, Optional

from ..errors import HandlerError
from ..values import kind_of

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


# What no line of a header may hold: fronts refuse the whole answer for one of them.
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def refuse(path: str, expected: str, found: Any) -> HandlerError:
    """The error `bad_args` that names the path, to be raised."""
    return HandlerError("bad_args", f"{path}: expected {expected}, found {kind_of(found)}")


def map_in(value: Any, path: str) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise refuse(path, "map", value)
    return value


def text_in(members: Dict[str, Any], key: str, path: str, default: Optional[str] = None) -> str:
    """The text of that key. Absent or null: the default, unless that is None."""
    value = members.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise refuse(f"{path}.{key}", "text", value)
    return value


def texts_in(members: Dict[str, Any], key: str, path: str) -> Dict[str, str]:
    """The map of text to text of that key; absent: an empty one."""
    found = map_in(members.get(key) if members.get(key) is not None else {}, f"{path}.{key}")
    for name, value in found.items():
        if not isinstance(value, str):
            raise refuse(f"{path}.{key}[{name[:80]!r}]", "text", value)
    return found


def bytes_in(members: Dict[str, Any], key: str, path: str) -> Optional[bytes]:
    """The content of that key: text as UTF-8, binary as it is, text with `<key>_encoding` base64 decoded; None: absent."""
    value = members.get(key)
    if value is None:
        return None
    encoding = members.get(f"{key}_encoding")
    if encoding is not None and encoding != "base64":
        raise refuse(f"{path}.{key}_encoding", "base64", encoding)
    if isinstance(value, bytes) and encoding is None:
        return value
    if not isinstance(value, str):
        raise refuse(f"{path}.{key}", "text or binary" if encoding is None else "text in base64", value)
    if encoding is None:
        return value.encode("utf-8")
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise HandlerError("bad_args", f"{path}.{key}: expected base64") from None
