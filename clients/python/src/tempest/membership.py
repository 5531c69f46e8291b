"""One process P on one queue: its claims, by the functions of the library, and what it still holds.

The dispatcher alone claims, adopts and recovers; the settler takes a job out of `held` once Redis has said that its
claim ended. A P that was fenced is never used again: a new Membership takes its place.
"""
from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, Iterable, List, Sequence, Set, Tuple

from . import functions
from .connections import cut, name_of
from .envelope import reread_job
from .errors import EnvelopeError, RedisRefused
from .keys import QUEUES, new_process, run_key
from .link import Link

CLAIM_BYTES = 1024 * 1024
CLAIM_MOST = 1000


@dataclass(frozen=True)
class Claim:
    """A claimed job: the `field` of P's run hash names it, `payload` is the envelope's bytes. `cancelled`: not to be begun."""

    membership: "Membership"
    field: str
    level: str
    payload: bytes
    cancelled: bool = False

    @property
    def token(self) -> str:
        """What the answers of this attempt have in common."""
        return f"{self.membership.process}/{self.field}"


class Membership:
    """`process` is P, `lease` the seconds after which others may presume it dead. `fenced` is set by whoever hears FENCED
    first; the dispatcher then replaces the membership."""

    def __init__(self, queue: str, levels: Sequence[str], actions: Sequence[str], name: str, lease: float) -> None:
        self.queue = queue
        self.levels = tuple(levels)
        self.actions = tuple(actions)
        self.lease = lease
        self.process = new_process(name)
        self.fenced = False
        self.connections: Set[str] = set()
        self._last_claim = 0
        self._held: Set[str] = set()
        self._marking: Set[str] = set()  # fields of a `begin` whose reply has not come: marked or not, nothing of them was run
        self._lock = threading.Lock()

    @property
    def holds(self) -> bool:
        """Whether Redis keeps a job for P, as far as it is known here."""
        return bool(self._held)

    def join(self, link: Link) -> None:
        """Registers P, its levels and the queue."""
        functions.ensure(link)
        self._hello(link, "new", f"lease/{round(self.lease * 1000)}", *(f"level/{level}" for level in self.levels),
                    *(f"action/{action}" for action in self.actions))
        functions.call(link, "levels", self.queue, *self.levels)
        try:
            # Only for people who look: a full Redis, or a user without the right, must not keep a worker from working.
            link.call("SADD", QUEUES, self.queue)
        except RedisRefused:
            pass

    def connect(self, link: Link) -> None:
        """Registers a connection that parks for P, so that whoever buries P can cut it first."""
        identity = link.identify()
        try:
            link.call("CLIENT", "SETNAME", name_of(self.process))
        except RedisRefused:
            pass  # no right to: its name does not show whose it is, and nobody cuts it
        if identity is not None:
            self.connections.add(identity)
            self._hello(link, "again", identity)

    def know_nothing(self, link: Link) -> None:
        """P claims no more: nobody is to wait for it."""
        if not self.fenced:
            self._hello(link, "again", "actions/none")

    def claim(self, link: Link, want: int, levels: Sequence[str]) -> Tuple[List[Claim], Set[str], bool]:
        """Up to `want` jobs of the levels (perhaps written `level=quota`), those that are closed, and whether there may be more."""
        number = self._last_claim + 1
        reply = self._call(link, "claim", number, min(want, CLAIM_MOST), CLAIM_BYTES, *levels)
        self._last_claim = number
        claims, closed = self._taken(link, reply)
        size = sum(len(claim.payload) for claim in claims)
        return claims, closed, len(claims) >= min(want, CLAIM_MOST) or size >= CLAIM_BYTES

    def adopt(self, link: Link) -> Tuple[List[Claim], Set[str]]:
        """What the parked connections dropped; only this may be run, never what BLMOVE returned."""
        return self._taken(link, self._call(link, "adopt", *self.levels))

    def suspect(self, link: Link) -> List[Claim]:
        """The next job that is to be run alone, or none. P holds nothing, and runs nothing beside it."""
        return self._taken(link, self._call(link, "suspect", *self.levels))[0]

    def unknown(self, link: Link) -> List[Claim]:
        """Some jobs that have waited long enough for a process that has a handler for their action, and there is none."""
        return self._taken(link, self._call(link, "unknown"))[0]

    def begin(self, link: Link, claims: Sequence[Claim]) -> Set[str]:
        """Marks jobs that are to be run once, before they are: the fields of those that are still P's."""
        fields = [claim.field for claim in claims]
        self._marking.update(fields)
        words = self._call(link, "begin", *fields)
        self._marking.difference_update(fields)
        return {field for field, word in zip(fields, words) if word == 1}

    def recover(self, link: Link, numbered: int = -1) -> List[Claim]:
        """After a lost reply: the jobs that P holds and that nobody here has seen. `numbered` is RESYNC's number."""
        if numbered < 0:
            # On a new connection: a Redis that has forgotten gives P's jobs other numbers from here on.
            self._hello(link, "again")
        with self._lock:
            known = set(self._held)
        # Known is taken before the hash is read: a job that is settled in between is then in the first and not new.
        reply = link.call("HGETALL", run_key(self.queue, self.process))
        fields = {bytes(reply[i]).decode(): reply[i + 1] for i in range(0, len(reply), 2)}
        self._last_claim = numbered if numbered >= 0 else int(fields.get("#", b"0"))
        alone = bytes(fields.get("!", b"")).decode()
        self._marking.intersection_update(fields)
        if alone and alone not in known:
            # It came to be run alone, and nobody here made room for that: the next one who did takes it.
            self._marking.add(alone)
        gone = self._renounce(link)
        lost = [field for field in fields if field not in ("#", "@", "!") and field not in known | gone]
        claims = [Claim(self, field, field.rpartition(".")[0], fields[field]) for field in lost]
        return self._hold(self.ranked(self._checked(link, claims)))

    def _renounce(self, link: Link) -> Set[str]:
        """Gives back what may be marked and was not run: as it is, it would pass for a job whose handler was called. It is never marked
        again, because this call may arrive late too."""
        fields = sorted(self._marking, key=lambda field: int(field.rpartition(".")[2]))
        if fields:
            self._call(link, "giveback", *(f"~{field}" for field in fields))
            self._marking.difference_update(fields)
        return set(fields)

    def _checked(self, link: Link, claims: List[Claim]) -> List[Claim]:
        """The claims, marked where their jobs were cancelled: asked only when somebody cancelled any."""
        ids = [_id_of(claim) for claim in claims]
        known = [id for id in ids if id]
        if not known:
            return claims
        gone = set(self.cancelled(link, known))
        return [replace(claim, cancelled=True) if id in gone else claim for claim, id in zip(claims, ids)]

    def ranked(self, claims: Iterable[Claim]) -> List[Claim]:
        """The claims in the order in which they are to run: by level, and within one as they came."""
        order = {level: place for place, level in enumerate(self.levels)}
        return sorted(claims, key=lambda claim: (order.get(claim.level, len(order)), int(claim.field.rpartition(".")[2])))

    def cancelled(self, link: Link, ids: Sequence[str]) -> List[str]:
        """Those of the job ids that were cancelled."""
        return [id for id, word in zip(ids, functions.call(link, "cancelled", self.queue, *ids)) if word == 1]

    def giveback(self, link: Link, claims: Iterable[Claim]) -> None:
        """Returns jobs that were claimed and not begun to the heads of their levels."""
        fields = [claim.field for claim in claims]
        for field in fields:
            self.ended(field)
        # If this reply is lost, recover finds those that are still P's.
        self._call(link, "giveback", *fields)

    def ended(self, field: str) -> None:
        with self._lock:
            self._held.discard(field)

    def cut(self, link: Link) -> None:
        """Closes every connection that ever parked for P, on the server's side: none may land a job after the end."""
        known = list(self.connections)
        cut(link, self.process, known)
        self.connections.difference_update(known)

    def leave(self, link: Link) -> int:
        """Ends P: what it still holds goes back to the heads. How many jobs that were."""
        if not self.fenced:
            self._renounce(link)
        return int(self._call(link, "goodbye", *self.levels))

    def _hello(self, link: Link, mode: str, *words: str) -> None:
        """Each says the database: the functions cannot know on whose channel the queue's news are heard."""
        self._call(link, "hello", mode, f"database/{link.database}", *words)

    def _call(self, link: Link, name: str, *arguments: Any) -> Any:
        try:
            return functions.call(link, name, self.queue, self.process, *arguments)
        except RedisRefused as refused:
            if refused.word == "FENCED":
                self.fenced = True
            raise

    def _taken(self, link: Link, reply: List[Any]) -> Tuple[List[Claim], Set[str]]:
        closed = {bytes(level).decode() for level in reply[0]}
        claims: List[Claim] = []
        for i in range(1, len(reply), 3):
            level, first = bytes(reply[i]).decode(), int(reply[i + 1])
            claims += [Claim(self, f"{level}.{first + n}", level, payload) for n, payload in enumerate(reply[i + 2])]
        if "~" in closed:
            closed.discard("~")
            claims = self._checked(link, claims)
        return self._hold(claims), closed

    def _hold(self, claims: List[Claim]) -> List[Claim]:
        with self._lock:
            self._held.update(claim.field for claim in claims)
        return claims


def _id_of(claim: Claim) -> str:
    """The id under which the claim's job may have been cancelled; "" for bytes that are no job."""
    try:
        return str(reread_job(claim.payload).job_id)
    except EnvelopeError:
        return ""
