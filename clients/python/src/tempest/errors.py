"""The errors of the library, each saying what was wrong, where, and what to do.

Codecs and envelopes raise the first three while a job is read or written; handlers raise `HandlerError` for their caller;
callers meet `RemoteError`, `CallTimeout` and the two of Redis when an answer does not come.
"""
from __future__ import annotations

import re
from typing import Any, Optional

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
# What the protocol itself decides, and no handler (protocol/envelope.md).
_RESERVED = frozenset((
    "unknown_action", "expired", "cancelled", "poison", "interrupted", "exhausted", "bad_answer", "bad_route", "bad_codec", "bad_envelope",
    "bad_address", "foreign", "refused", "wrong_type"))


class TempestError(Exception):
    """Everything that this library raises on purpose."""


class CodecError(TempestError, ValueError):
    """Bytes that are not valid in a codec, or a value that cannot be written in it.

    `codec` is its name, `offset` the byte in the input where reading stopped (None where there is none to name).
    """

    def __init__(self, codec: str, message: str, offset: Optional[int] = None) -> None:
        self.codec = codec
        self.message = message
        self.offset = offset
        super().__init__(codec, message, offset)

    def __str__(self) -> str:
        place = "" if self.offset is None else f", at byte {self.offset}"
        return f"{self.codec}: {self.message}{place}"


class EnvelopeError(TempestError, ValueError):
    """Bytes that are no job or no answer. `reason` is one of bad_codec, foreign, bad_envelope, bad_address."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = message
        super().__init__(reason, message)

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class NameRefused(TempestError, ValueError):
    """A name of a queue, a level or an inbox that the protocol does not allow."""


class HandlerError(TempestError):
    """Raised by a handler, for its caller to see.

    `code` matches `[a-z][a-z0-9_]{0,63}`, and is none of the words that the protocol keeps for itself, such as `expired` or
    `cancelled`: with such a code, or one that is no such word, the caller is told `handler`, and the worker's log has a warning.
    `bad_args` is never tried again. `message` is text; `details` is any value that the job's codec can write.
    Any other exception reaches the caller as `handler`, "the handler failed", without its text.
    """

    def __init__(self, code: str, message: str, details: Any = None) -> None:
        self.code = code
        self.message = str(message)
        self.details = details
        super().__init__(code, message, details)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def answered_code(self) -> str:
        """The code that the caller is told."""
        code = self.code
        return code if isinstance(code, str) and _CODE.fullmatch(code) and code not in _RESERVED else "handler"


class CallerStalled(HandlerError):
    """Raised by `context.send`: the caller has used none of the answers that it holds for so long that the rest is given up."""

    def __init__(self, held: int, seconds: float) -> None:
        super().__init__("stalled", f"the caller holds {held} answers and has used none of them for {seconds:g} s")
        self.args = (held, seconds)  # what it is made of again, when it is pickled


class Retry(TempestError):
    """Raised by a handler that wants another attempt: after so many seconds, or when its policy says if `after` is None.

    It counts as an attempt. Where neither the job nor its handler says how many there are, there are 25, and a caller waits on. On the
    last one it is a failure like any other. No delay is longer than 365 days: more, also infinity, counts as these. `message` is kept in
    the job's `last_error`, and on the last attempt it is what the caller is told.
    """

    def __init__(self, after: Optional[float] = None, message: str = "") -> None:
        if after is not None and not after >= 0:
            raise ValueError(f"after is a number of seconds from 0, not {after!r}")
        self.after = after
        self.message = str(message)
        super().__init__(after, message)

    def __str__(self) -> str:
        return self.message or "the handler asked for another attempt"


class JobCancelled(TempestError):
    """The job in hand is to end: it was cancelled, its time is over, or it is no longer this worker's. Handlers let it pass."""


class JobTimedOut(TempestError, TimeoutError):
    """A run took longer than the job's time-out; what `retry_on` may name."""


class RemoteError(TempestError):
    """The job failed in the worker that ran it, or its answers were cut short (code `interrupted`)."""

    def __init__(self, code: str, message: str, details: Any = None) -> None:
        self.code = code
        self.message = message
        self.details = details
        super().__init__(code, message, details)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class CallTimeout(TempestError, TimeoutError):
    """No answer came in time. The job may still run; its answer will be dropped and counted as late."""


class ClientClosed(TempestError):
    """The client was closed while, or before, the call waited."""


class UploadError(TempestError):
    """What a browser uploaded cannot be had, or is not what the front wrote down of it. The message names the token, and why."""


class SessionError(TempestError):
    """A use of a session that comes too late, or a value in it that is none. The message says which."""


class RedisUnavailable(TempestError, ConnectionError):
    """Redis cannot be reached, broke the connection, or cannot serve now. A command that was sent may have run."""


class RedisRefused(TempestError):
    """Redis answered a command with an error. `word` is its first word: OOM, FENCED, RESYNC, WRONGTYPE, ERR …"""

    def __init__(self, word: str, message: str) -> None:
        self.word = word
        self.message = message
        super().__init__(word, message)

    def __str__(self) -> str:
        return f"{self.word} {self.message}"


class RedisTooOld(TempestError):
    """The server has no functions: Redis 7.0 or newer (or Valkey) is needed."""


class ClaimLost(TempestError):
    """The job in hand was given to another process, so nothing more may be sent for it. Handlers let it pass."""
