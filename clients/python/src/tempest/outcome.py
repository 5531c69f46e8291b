"""How a claim ends: what execution.py makes of a job, and settler.py applies to Redis."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .addresses import Address
from .keys import inbox_key, inboxes_key
from .link import Link
from .membership import Claim

ORPHAN_SECONDS = 300


@dataclass
class Outcome:
    """`outcome` is a word that settle takes: done, failed, expired, `cancelled <job id>`, `dead <reason> <detail>` or `retry <ms>`.

    Without `address` there is no answer. `again` is the payload that a retry puts in the place of the job.
    """

    claim: Claim
    outcome: str
    address: Optional[Address] = None
    answer: bytes = b""
    again: bytes = b""
    not_before: float = 0.0
    give_up: float = 0.0

    @property
    def inbox(self) -> str:
        return self.address.inbox if self.address is not None and self.address.kind == "inbox" else ""

    @property
    def body(self) -> bytes:
        """What settle gets as the fourth of the job's arguments."""
        return self.again or (self.answer if self.inbox else b"")

    @property
    def size(self) -> int:
        return len(self.answer) + len(self.again) + len(self.outcome) + 100


def push_elsewhere(link: Link, address: Address, *answers: bytes) -> None:
    """Pushes answers into an inbox of the queue that the address names; those that nobody is registered to read expire."""
    key = inbox_key(address.queue, address.inbox)
    link.call("RPUSH", key, *answers)
    if link.call("HEXISTS", inboxes_key(address.queue), address.inbox) == 0:
        link.call("EXPIRE", key, ORPHAN_SECONDS, "NX")
