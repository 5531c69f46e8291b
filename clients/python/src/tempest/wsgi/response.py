"""What an application says by start_response, write and its iterable, as answers: one if it is one body, else one each chunk.

gateway.py makes one for each job; what it sends are the answers before the last, what `finish` returns is the last.
"""
from __future__ import annotations

import logging
import sys
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple, Union

from ..context import Context
from ..elements import Elements
from ..http.checks import CONTROL, TOKEN
from ..http.endpoint import with_order
from ..http.request import Request
from ..log_lines import say

# One answer holds at most so much: credits count answers, and a front breaks off a stream of which 8 MiB wait. In base64, 16 of
# these are 5.6 MiB.
PIECE = 256 * 1024

# Of a header.
Line = Union[str, bytes]


class Response:
    """`head_sent` says whether it is too late for another answer."""

    def __init__(self, context: Context, method: str) -> None:
        self._context = context
        self._method = method
        self._status: Optional[int] = None
        self._headers: Dict[str, Union[Line, List[Line]]] = {}
        self._length: Optional[int] = None
        self._sent = 0
        self._held: Optional[bytes] = None
        self.head_sent = False

    def start(self, status: str, headers: List[Tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """start_response of PEP 3333."""
        if exc_info:
            try:
                if self.head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # a frame that holds its own traceback is a circle
        elif self._status is not None:
            raise AssertionError("start_response was called twice, and not with exc_info")
        code = _status(status)
        self._headers = _headers(headers)
        self._status = code
        length = self._headers.get("content-length")
        self._length = int(length) if isinstance(length, str) and length.isascii() and length.isdigit() else None
        self._held, self._sent = None, 0
        return self.write

    def write(self, data: bytes) -> None:
        """The write of PEP 3333: what comes by it is on its way when it returns, unless it is the whole body."""
        self._take(data, False)

    def take(self, result: Iterable[bytes]) -> None:
        """All chunks of the application's iterable. Whoever calls closes it."""
        whole = isinstance(result, (list, tuple)) and len(result) == 1
        for data in result:
            self._take(data, whole)
            if self._bodiless:
                if whole:
                    self._measure(data)
                return  # it need not be made

    def finish(self) -> Elements:
        """The last answer."""
        if self._status is None:
            raise AssertionError("the application returned without calling start_response")
        last, self._held = self._held, None
        if self.head_sent:
            return Elements() if last is None else Elements(self._value(last))
        return Elements(*self._head(), None if last is None else self._value(last))

    @property
    def _bodiless(self) -> bool:
        return self._method == "HEAD" or self._status in (204, 205, 304)

    def _take(self, data: bytes, whole: bool) -> None:
        if self._status is None:
            raise AssertionError("the application sent something of its body before it called start_response")
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"a body is made of bytes, not {type(data).__name__}")
        if not data or self._bodiless:
            return
        data = bytes(data)
        self._sent += len(data)
        for start in range(0, len(data), PIECE):
            self._flush()
            self._held = data[start:start + PIECE]
        # The end of a body of known length is held back, to be the last answer; anything else goes out before the
        # application is asked for more, however long that takes it.
        if not whole and (self._length is None or self._sent < self._length):
            self._flush()

    def _measure(self, body: bytes) -> None:
        """A front counts a whole body of GET; of HEAD it gets none. An empty one may have been left out by the application."""
        if self._method == "HEAD" and body and self._status not in (204, 205, 304):
            self._headers.setdefault("content-length", str(len(bytes(body))))

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        if self.head_sent:
            self._context.send(self._value(held))
        else:
            head = self._head()
            self.head_sent = True
            self._context.send(*head, self._value(held))

    def _head(self) -> Tuple[Optional[int], Any]:
        return self._status, with_order(self._headers, self._context)

    def _value(self, piece: bytes) -> Union[str, bytes]:
        """JSON has no bytes but in base64: there, what is text goes as text."""
        if self._context.answer_codec == "json":
            try:
                return piece.decode("utf-8")
            except UnicodeDecodeError:
                pass
        return piece


def failed() -> Elements:
    """What the browser is told when the application failed before it said anything."""
    return Elements(500, {"content-type": "text/plain; charset=utf-8"}, "Internal Server Error\n")


def log_failure(context: Context, what: str, request: Optional[Request] = None) -> None:
    """The exception at hand goes into the log, and nowhere else."""
    error = sys.exc_info()[1]
    say(logging.ERROR, what, error, queue=context.queue, job_id=str(context.job_id), method=request and request.method,
        path=request and request.raw_path, error=f"{type(error).__name__}: {error}")


def _status(status: Any) -> int:
    if not isinstance(status, str) or not status[:3].isascii() or not status[:3].isdigit() or status[3:4] not in ("", " "):
        raise ValueError(f"a status is three digits, a space and a reason, not {status!r}")
    code = int(status[:3])
    if not 200 <= code <= 599:
        raise ValueError(f"a status is 200 to 599 here, not {status!r}")
    return code


def _headers(headers: Any) -> Dict[str, Union[Line, List[Line]]]:
    """By names in lower case; several of one name are as many lines. Bytes that are no UTF-8 stay bytes."""
    lines: Dict[str, List[Line]] = {}
    for name, value in headers:
        if not isinstance(name, str) or not TOKEN.fullmatch(name):
            raise ValueError(f"the name of a header is a token, not {name!r}")
        if not isinstance(value, str) or CONTROL.search(value):
            raise ValueError(f"the header {name} is text without control characters, not {value!r}")
        content = value.strip(" \t").encode("latin-1")
        try:
            lines.setdefault(name.lower(), []).append(content.decode("utf-8"))
        except UnicodeDecodeError:
            lines.setdefault(name.lower(), []).append(content)
    return {name: values[0] if len(values) == 1 else values for name, values in lines.items()}
