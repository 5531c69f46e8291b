"""The words of a direct answer: the command that a node gets, made of an answer in its envelope (protocol/answers.md)."""
from __future__ import annotations

from typing import Any, Dict, List, Optional

from .codecs import JSON
from .envelope import Answer, Job

_PAGES = {
    **dict.fromkeys(("expired", "timeout"), (504, "Gateway Timeout")),
    "cancelled": (503, "Service Unavailable"),
    **dict.fromkeys(("unknown_action", "poison", "interrupted", "bad_answer"), (502, "Bad Gateway")),
}


def words(answer: Answer, is_request: bool, reads_meta: bool) -> Optional[List[bytes]]:
    """What is sent; None: a node of the original, which knows no errors, cannot be told. CodecError: the answer has no form in JSON."""
    start = [answer.action.encode(), str(answer.job_id).encode()]
    error = answer.error
    if error is not None and not reads_meta:
        return [*start, JSON.encode(_page(error.code))] if is_request else None
    payload = JSON.encode(answer.args[0] if _is_page(answer.args) else answer.args)
    return [*start, payload, JSON.encode(answer.meta)] if reads_meta and answer.meta else [*start, payload]


def is_request(job: Job) -> bool:
    """Whether the job is a browser's request, whose front can be told of a failure by a page."""
    request: Any = job.args[0] if len(job.args) == 1 else None
    return isinstance(request, dict) and all(isinstance(request.get(key), str) for key in ("method", "url"))


def _page(code: str) -> List[Any]:
    """`[status, headers, body]` with no word of what happened: that is for the log."""
    status, reason = _PAGES.get(code, (500, "Internal Server Error"))
    headers: Dict[str, str] = {"content-type": "text/plain; charset=utf-8"}
    return [status, headers, reason + "\n"]


def _is_page(args: List[Any]) -> bool:
    """A sole `[status, headers, body]` takes the place of the args, because the fronts of the original look for its elements there."""
    page = args[0] if len(args) == 1 else None
    return (isinstance(page, list) and len(page) in (2, 3) and type(page[0]) is int and 100 <= page[0] <= 599
            and isinstance(page[1], dict))
