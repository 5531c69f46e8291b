"""The session of the browser for which a front asks: values that workers keep between its requests, and the word to end it.

Context.session is made of meta's `session`, which the front chose; the hash lives in Redis by the front's rules.
"""
from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional, Sequence

from .codecs import JSON
from .errors import CodecError, SessionError
from .link import Argument

# A front lets a session go that was idle for 14 days. Only one that is new here gets its time from a worker.
IDLE_SECONDS = 14 * 86400
HEADER = "tempest-session"

_ID = re.compile(r"[A-Za-z0-9_-]{43}")


def is_session(id: Any) -> bool:
    """Whether this has the form of a session's id: 43 characters of base64url."""
    return isinstance(id, str) and _ID.fullmatch(id) is not None


class Session:
    """Fields and their values, each any that JSON carries. `id` is the browser's secret: keep it out of logs and answers.

    Each call asks Redis, so two requests of one browser see what the other wrote; the last one to write a field wins.
    The field `user` is who is logged in, for fronts that ask for it. RedisUnavailable and RedisRefused may come from each.
    """

    def __init__(self, id: str, pipeline: Callable[[Sequence[Sequence[Argument]]], List[Any]]) -> None:
        self.id = id
        self._key = f"session:{id}"
        self._pipeline = pipeline
        self._order: Optional[str] = None
        self._sealed = False

    def get(self, field: str, default: Any = None) -> Any:
        """The field's value, or the default. SessionError if something is there that is no value."""
        content = self._pipeline([("HGET", self._key, _field(field))])[0]
        return default if content is None else _read(field, content)

    def set(self, field: str, value: Any) -> None:
        """Keeps a value. A session that does not exist yet begins with it. CodecError if JSON has no form for the value."""
        if self._order == "end":
            raise SessionError("the session was ended: nothing can be kept in it any more")
        content = JSON.encode([value])
        # One that the front has touched has its time already, and must not outlive it.
        replies = self._pipeline([("MULTI",), ("HSET", self._key, _field(field), content),
                                  ("EXPIRE", self._key, IDLE_SECONDS, "NX"), ("EXEC",)])[-1]
        for reply in replies:
            if isinstance(reply, Exception):
                raise SessionError(f"the session cannot be written to: {reply}")

    def delete(self, *fields: str) -> None:
        """Forgets these fields."""
        if fields:
            self._pipeline([("HDEL", self._key, *[_field(field) for field in fields])])

    def all(self) -> Dict[str, Any]:
        """All fields that hold values."""
        flat = self._pipeline([("HGETALL", self._key)])[0]
        values: Dict[str, Any] = {}
        for name, content in zip(flat[::2], flat[1::2]):
            try:
                values[bytes(name).decode("utf-8")] = _read("", content)
            except (SessionError, UnicodeDecodeError):
                continue  # what somebody else keeps there in a form of their own
        return values

    def rotate(self) -> None:
        """Has the front give the session a new id, and forget the old one: do so whenever somebody logs in."""
        self._give("rotate")

    def end(self) -> None:
        """Has the front end the session: for logging out."""
        self._give("end")

    @property
    def order(self) -> Optional[str]:
        """What the answer's header `tempest-session` is to say: rotate, end or None."""
        return self._order

    def seal(self) -> None:
        """The head of the answer is on its way: called by whoever sends it."""
        self._sealed = True

    def _give(self, order: str) -> None:
        if self._sealed:
            raise SessionError(f"the head of the answer has been sent, so it is too late to {order} the session")
        self._order = order


def _field(field: str) -> bytes:
    if not isinstance(field, str) or not field:
        raise SessionError(f"a field of a session is text that is not empty, not {field!r}")
    return field.encode("utf-8")


def _read(field: str, content: bytes) -> Any:
    try:
        found = JSON.decode(bytes(content))
    except CodecError:
        found = None
    if not isinstance(found, list) or len(found) != 1:
        raise SessionError(f"the field {field!r} of the session is not the JSON of an array of one value")
    return found[0]
