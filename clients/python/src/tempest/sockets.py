"""Jobs of WebSocket connections: the opening, each message, the end; and the frames that answer them.

    @worker.handler("websocket", context=True)
    @sockets.endpoint
    def chat(event):
        if event.kind == "message":
            return f"you said {event.data}"

Later, from anywhere: `client.tell(queue, respond_to, job_id, ["hello again"])`, with the three of `event.connection`.
"""
from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Dict, List, Optional, Union

from .context import Context
from .elements import Elements
from .envelope import JobId
from .errors import HandlerError
from .http.checks import TOKEN, bytes_in, map_in, refuse, text_in
from .http.request import Request
from .session import Session

Frame = Union[str, bytes, Dict[str, Any]]

# The keys of frames that are maps.
FRAMES = {"binary", "close", "protocol"}


@dataclass(frozen=True)
class Connection:
    """What it takes to send to a connection later: the arguments of `Client.tell`. All three go into JSON."""

    queue: str
    respond_to: Optional[str]
    job_id: JobId


@dataclass(frozen=True)
class SocketEvent:
    """`kind` is open, message or close. `request` is how the connection began (open); `protocol` the subprotocol that the front has
    chosen for it by its route, None: none; `data` of a message, text or bytes as it was sent; `code` and `reason` of the end.
    `connection.job_id` is the same for all events of one connection."""

    kind: str
    context: Context
    request: Optional[Request] = None
    data: Union[str, bytes, None] = None
    code: Optional[int] = None
    reason: str = ""
    protocol: Optional[str] = None

    @classmethod
    def of(cls, argument: Any, context: Context, path: str = "args[0]") -> "SocketEvent":
        """The event in a job's argument. HandlerError `bad_args` if there is none in it."""
        members = map_in(argument, path)
        kind = text_in(members, "event", path)
        if kind == "open":
            return cls(kind, context, request=Request.of(members, context, path),
                       protocol=text_in(members, "protocol", path, "") or None)
        if kind == "message":
            data = members.get("data")
            if not isinstance(data, str) or members.get("data_encoding") is not None:
                data = bytes_in(members, "data", path)
                if data is None:
                    raise refuse(f"{path}.data", "text or binary", None)
            return cls(kind, context, data=data)
        if kind == "close":
            code = members.get("code")
            if type(code) is not int:
                raise refuse(f"{path}.code", "integer", code)
            return cls(kind, context, code=code, reason=text_in(members, "reason", path, ""))
        raise HandlerError("bad_args", f"{path}.event: expected open, message or close")

    @property
    def connection(self) -> Connection:
        return Connection(self.context.queue, self.context.respond_to, self.context.job_id)

    @property
    def protocols(self) -> List[str]:
        """The subprotocols that the page offers, in the order of its preference; of the event `open`."""
        offered = self.request.headers.get("sec-websocket-protocol", "") if self.request else ""
        return [name.strip() for name in offered.split(",") if name.strip()]

    @property
    def session(self) -> Optional[Session]:
        return self.context.session


def close(code: int = 1000, reason: str = "") -> Frame:
    """The frame that ends a connection. `code` is 1000, or 3000 to 4999 for reasons of your own; `reason` at most 123 bytes."""
    if type(code) is not int or not 1000 <= code <= 4999:
        raise ValueError(f"a code of a WebSocket is an integer from 1000 to 4999, not {code!r}")
    if len(reason.encode("utf-8")) > 123:
        raise ValueError("the reason for closing a WebSocket has at most 123 bytes")
    return {"close": code, "reason": reason}


def choose(protocol: str) -> Frame:
    """Chooses the subprotocol of a connection, one of `event.protocols`: a frame for the answer to the event `open`, and for no other.
    ValueError for a name that no page can offer."""
    if not isinstance(protocol, str) or not TOKEN.fullmatch(protocol):
        raise ValueError(f"a subprotocol is a word such as graphql-ws, not {protocol!r}")
    return {"protocol": protocol}


def frames(*each: Frame) -> Elements:
    """An answer of these frames, each text, bytes or what `close` or `choose` returns; without any it sends nothing. TypeError for
    others."""
    return Elements(*checked_frames(each))


def checked_frames(each: Any) -> List[Any]:
    """The frames as they are written: bytes as a map, since tnetstring has one type for text and bytes. TypeError if one is none."""
    written: List[Any] = []
    for frame in each:
        if isinstance(frame, (bytes, bytearray, memoryview)):
            written.append({"binary": bytes(frame)})
        elif isinstance(frame, str) or isinstance(frame, dict) and not FRAMES.isdisjoint(frame):
            written.append(frame)
        else:
            raise TypeError(f"a frame is text, bytes or what sockets.close returns, not {type(frame).__name__}")
    return written


def endpoint(function: Callable[[SocketEvent], Any]) -> Callable[[Context, Any], Any]:
    """A handler of a function that takes a SocketEvent, and returns a frame, a list of frames or None; a generator yields those.

    HandlerError raised at the event `open` refuses the connection.
    """
    async def later(result: Awaitable[Any]) -> Any:
        return _frames(await result)

    def handler(context: Context, job: Any) -> Any:
        result = function(SocketEvent.of(job, context))
        if inspect.isawaitable(result):
            return later(result)
        if not inspect.isgenerator(result):
            return _frames(result)
        try:
            for each in result:
                context.send(*_frames(each).values)
        finally:
            result.close()
        return Elements()
    return handler


def _frames(result: Any) -> Elements:
    if isinstance(result, Elements):
        return frames(*result.values)
    if result is None:
        return Elements()
    return frames(*result) if isinstance(result, (list, tuple)) else frames(result)
