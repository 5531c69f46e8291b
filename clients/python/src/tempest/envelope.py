"""Jobs and answers as arrays on the wire: `[action, args, respond_to, job_id, meta?]` and `[action, job_id, args, meta?]`.

A worker's handler thread parses the job that was claimed and encodes its answers; a client does the reverse.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Union

from .addresses import Address, parse_address
from .codecs import JSON, MSGPACK, Codec, detect
from .errors import CodecError, EnvelopeError, RemoteError
from .values import INT_LEAST, INT_MOST, STANDARD, Limits, kind_of

JobId = Union[str, int]

# Why a node at this host and port is not answered directly, if the job has this action; None: it is.
DirectRule = Callable[[str, int, str], Optional[str]]


@dataclass
class Job:
    """A job. `job_id` is text, or an integer from producers that make such; `codec` is the one that it came in."""

    action: str
    args: List[Any]
    respond_to: Optional[str]
    job_id: JobId
    meta: Dict[str, Any] = field(default_factory=dict)
    codec: Codec = JSON

    @property
    def address(self) -> Optional[Address]:
        """Where its answers go, or None: nobody waits."""
        return parse_address(self.respond_to)


@dataclass
class Answer:
    """An answer. `args` holds the one value, or none; `more`, `seq` and `token` look into `meta` and forgive wrong types."""

    action: str
    job_id: JobId
    args: List[Any]
    meta: Dict[str, Any] = field(default_factory=dict)
    codec: Codec = JSON

    @property
    def more(self) -> bool:
        return self.meta.get("more") is True

    @property
    def place(self) -> Optional[int]:
        """`seq`, if it says one."""
        seq = self.meta.get("seq")
        return seq if type(seq) is int and seq >= 0 else None

    @property
    def seq(self) -> int:
        return self.place or 0

    @property
    def token(self) -> Optional[str]:
        return envelope_text(self.codec, self.meta.get("token"))

    @property
    def error(self) -> Optional[RemoteError]:
        """Why the job failed; None if it did not. One that is not as the protocol says is still an error."""
        error = self.meta.get("error")
        if error is None:
            return None
        parts = error if isinstance(error, dict) else {}
        code, message = (envelope_text(self.codec, parts.get(key)) for key in ("code", "message"))
        return RemoteError(code or "handler", "the handler failed" if message is None else message, parts.get("details"))


def encode_job(job: Job, limits: Limits = STANDARD) -> bytes:
    """The job's bytes in its codec; CodecError if an argument has no form there."""
    fields = [job.action, job.args, job.respond_to, job.job_id]
    return job.codec.encode(fields + [job.meta] if job.meta else fields, limits=limits)


def encode_answer(answer: Answer, limits: Limits = STANDARD) -> bytes:
    """The answer's bytes in its codec; CodecError if its value has no form there."""
    fields = [answer.action, answer.job_id, answer.args]
    return answer.codec.encode(fields + [answer.meta] if answer.meta else fields, limits=limits)


def parse_job(data: bytes, limits: Limits = STANDARD, direct: Optional[DirectRule] = None) -> Job:
    """The job in these bytes, or EnvelopeError with a reason of the protocol and a sentence.

    With a rule for direct answers it may ask for one, and its args may be a single argument that is no array, as callers of the original
    write them.
    """
    codec, fields = _array(data, limits, "a job", 4, 5)
    action = _action(codec, fields[0])
    args = _args(fields[1], "element 1 (args)") if direct is None else _single_or_args(fields[1])
    job_id = _job_id(codec, fields[3], "element 3 (job_id)")
    meta = _meta(fields[4], "element 4 (meta)") if len(fields) == 5 else {}
    return Job(action, args, _respond_to(codec, fields[2], action, direct), job_id, meta, codec)


def reread_job(data: bytes) -> Job:
    """As `parse_job`, for bytes of which another place decides whether they may be run: whatever a worker of any settings takes."""
    return parse_job(data, direct=lambda host, port, action: None)


def parse_answer(data: bytes, limits: Limits = STANDARD) -> Answer:
    """The answer in these bytes, or EnvelopeError."""
    codec, fields = _array(data, limits, "an answer", 3, 4)
    action = _action(codec, fields[0])
    job_id = _job_id(codec, fields[1], "element 1 (job_id)")
    args = _args(fields[2], "element 2 (args)")
    return Answer(action, job_id, args, _meta(fields[3], "element 3 (meta)") if len(fields) == 4 else {}, codec)


def _bad(message: str) -> EnvelopeError:
    return EnvelopeError("bad_envelope", message)


def _array(data: bytes, limits: Limits, what: str, least: int, most: int) -> Any:
    codec = detect(data)
    if codec is None:
        first = f"the first byte, 0x{data[0]:02X}, begins" if data else "there is no byte that could begin"
        raise EnvelopeError("bad_codec", f"{first} no codec")
    try:
        fields = codec.decode(data, limits=limits)
    except CodecError as error:
        raise EnvelopeError("bad_codec", str(error)) from None
    if isinstance(fields, (dict, bytes)) and (isinstance(fields, dict) or codec is JSON):
        # A JSON marker for binary is a map to everybody who does not know it.
        raise EnvelopeError("foreign", "a map, as other systems send; an envelope is an array")
    if not isinstance(fields, list):
        raise _bad(f"{what} is an array, found {kind_of(fields)}")
    if not least <= len(fields) <= most:
        raise _bad(f"{what} has {least} or {most} elements, found {len(fields)}")
    return codec, fields


def envelope_text(codec: Codec, value: Any) -> Optional[str]:
    """Text, or what counts as text: MessagePack's bin that is valid UTF-8, as Ruby packs ASCII-8BIT."""
    if isinstance(value, bytes) and codec is MSGPACK:
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return None
    return value if isinstance(value, str) else None


def clean(text: str, most: int) -> bool:
    """Whether text is 1 to so many bytes long, and without control characters."""
    return 1 <= len(text.encode("utf-8")) <= most and not any(char < " " or char == "\x7f" for char in text)


def _action(codec: Codec, value: Any) -> str:
    action = envelope_text(codec, value)
    if action is None:
        raise _bad(f"element 0 (action): expected text, found {kind_of(value)}")
    if not clean(action, 255):
        raise _bad("element 0 (action): expected 1 to 255 bytes without control characters")
    return action


def _args(value: Any, place: str) -> List[Any]:
    if not isinstance(value, list):
        raise _bad(f"{place}: expected array, found {kind_of(value)}")
    return value


def _single_or_args(value: Any) -> List[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _respond_to(codec: Codec, value: Any, action: str, direct: Optional[DirectRule]) -> Optional[str]:
    respond_to = None if value is None else envelope_text(codec, value)
    if value is not None and respond_to is None:
        raise EnvelopeError("bad_address", f"element 2 (respond_to): expected text or null, found {kind_of(value)}")
    address = parse_address(respond_to)
    if address is not None and address.kind == "direct":
        refusal = "direct answers are not allowed here" if direct is None else direct(address.host, address.port, action)
        if refusal is not None:
            raise EnvelopeError("bad_address", f"element 2 (respond_to) is a direct address: {refusal}")
    if address is not None and address.kind == "invalid":
        raise EnvelopeError("bad_address", "element 2 (respond_to): expected null, an inbox id, or an inbox id @ queue")
    return respond_to


def is_job_id(codec: Optional[Codec], value: Any) -> bool:
    """Whether the value may be a job's id."""
    if type(value) is int:
        return INT_LEAST <= value <= INT_MOST
    text = value if codec is None else envelope_text(codec, value)
    return isinstance(text, str) and clean(text, 128)


def _job_id(codec: Codec, value: Any, place: str) -> JobId:
    if type(value) is int and INT_LEAST <= value <= INT_MOST:
        return value
    job_id = envelope_text(codec, value)
    if job_id is None:
        raise _bad(f"{place}: expected text or integer, found {kind_of(value)}")
    if not clean(job_id, 128):
        raise _bad(f"{place}: expected 1 to 128 bytes without control characters")
    return job_id


def _meta(value: Any, place: str) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(f"{place}: expected map, found {kind_of(value)}")
    return value
