"""Routes: what is to be done with a job's answer besides sending it, as protocol/routes.md has it. No I/O.

execution.py reads where a job stands in its route; journeys.py pushes what follows, or gathers. A caller's route is checked here too.
"""
from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from .codecs import Codec, detect
from .envelope import Job, JobId, clean, encode_job, envelope_text, is_job_id
from .errors import CodecError, TempestError
from .keys import is_level, is_queue, new_id
from .values import kind_of

STEPS_MOST = 64
DEPTH_MOST = 8
ID_BYTES = 64

Step = Union[str, Mapping[str, Any]]
Route = Sequence[Union[Step, Sequence[Step]]]


class BadRoute(TempestError, ValueError):
    """A route that cannot be followed; the message names the place."""


class Onward(NamedTuple):
    """A job that follows, and where it goes."""

    queue: str
    level: str
    payload: bytes


@dataclass(frozen=True)
class Gather:
    """Which of several steps in parallel a job is, and what follows when all have ended."""

    id: str
    queue: str
    index: int
    count: int
    job_id: JobId
    route: List[Any]
    raw: Dict[str, Any]
    outer: Optional["Gather"]


@dataclass(frozen=True)
class Journey:
    """Where a job stands in its route: in `queue`, as `job_id`, with the steps `route` to go and then `gather`, if any.

    Steps are kept as they came, so that keys unknown here go along.
    """

    job: Job
    queue: str
    job_id: JobId
    route: List[Any]
    gather: Optional[Gather]
    home: str

    def onward(self, args: List[Any], fresh: Optional[str] = None) -> List[Onward]:
        """The jobs of the first step, whose args are these. `fresh`: random text that names steps in parallel, made here if None.

        Raises CodecError if the args have no form in the codec of the job.
        """
        first, rest = self.route[0], self.route[1:]
        if not isinstance(first, list):
            route = [*(first.get("route") or []), *rest]
            return [self._job(first, args, self.job_id, route, self.gather.raw if self.gather else None)]
        name = f"{shortened(self.job_id)}.{fresh or new_id()}"
        jobs = []
        for index, step in enumerate(first):
            gather: Dict[str, Any] = {"id": name, "queue": self.queue, "index": index, "count": len(first), "job_id": self.job_id}
            if rest:
                gather["route"] = rest
            if self.gather:
                gather["gather"] = self.gather.raw
            jobs.append(self._job(step, args, f"{name}.{index}", step.get("route") or [], gather))
        return jobs

    def gathered(self, results: Sequence[bytes]) -> Tuple["Journey", List[Any]]:
        """After the last of the steps in parallel: where the route goes on, and with which args. Raises BadRoute for results that
        no worker has written."""
        assert self.gather is not None
        values = [_first(result) for result in results]
        after = Journey(self.job, self.gather.queue, self.gather.job_id, self.gather.route, self.gather.outer, self.home)
        return after, values if after.route else [values]

    def _job(self, step: Dict[str, Any], args: List[Any], job_id: JobId, route: List[Any],
             gather: Optional[Dict[str, Any]]) -> Onward:
        codec = self.job.codec
        queue = envelope_text(codec, step.get("queue")) or self.queue
        level = envelope_text(codec, step.get("level")) or "default"
        left_out = {"attempt", "last_error", "route", "gather"} | ({"credits"} if queue != self.home else set())
        meta = {key: value for key, value in self.job.meta.items() if key not in left_out}
        if route:
            meta["route"] = route
        if gather:
            meta["gather"] = gather
        address = self.job.address
        respond_to = None
        if address is not None and address.kind == "direct":
            respond_to = self.job.respond_to
        elif address is not None:
            inbox_queue = address.queue or self.home
            respond_to = address.inbox if inbox_queue == queue else f"{address.inbox}@{inbox_queue}"
        action = envelope_text(codec, step["action"])
        assert action is not None
        return Onward(queue, level, encode_job(Job(action, args, respond_to, job_id, meta, codec)))


def journey_of(job: Job, queue: str) -> Optional[Journey]:
    """Where the job, claimed from the queue, stands in its route; None if it has none. BadRoute if that cannot be followed."""
    if "route" not in job.meta and "gather" not in job.meta:
        return None
    # A handler may change the meta that it is shown, and that must not lead the route astray.
    job = replace(job, meta=deepcopy(job.meta))
    budget = _Budget(job.codec)
    route = budget.route(job.meta.get("route", []), "route", 1)
    gather = budget.gather(job.meta["gather"], "gather", 1) if "gather" in job.meta else None
    if not route and gather is None:
        return None
    return Journey(job, queue, job.job_id, route, gather, queue)


def answer_id(job: Job) -> JobId:
    """The id that answers bear: the job's own, or, of one of several steps in parallel, that of the job that the caller knows."""
    found, gather = job.job_id, job.meta.get("gather")
    for _ in range(DEPTH_MOST):
        if not isinstance(gather, dict) or not is_job_id(job.codec, gather.get("job_id")):
            break
        found = _job_id(job.codec, gather["job_id"])
        gather = gather.get("gather")
    return found


def route_meta(route: Route) -> List[Any]:
    """A caller's route as meta has it: a step is an action, or a map of action, queue, level and route. Raises BadRoute."""
    if isinstance(route, (str, bytes)) or not isinstance(route, Sequence):
        raise BadRoute(f"a route is a list of steps, not {route!r}")
    made = [[_step(step) for step in entry] if isinstance(entry, (list, tuple)) else _step(entry) for entry in route]
    _Budget(None).route(made, "route", 1)
    return made


def _step(step: Step) -> Any:
    if isinstance(step, str):
        return {"action": step}
    if isinstance(step, Mapping) and step.get("route"):
        return {**step, "route": route_meta(step["route"])}
    return dict(step) if isinstance(step, Mapping) else step


def shortened(job_id: JobId) -> str:
    """At most 64 bytes of an id, whole characters."""
    return str(job_id).encode("utf-8")[:ID_BYTES].decode("utf-8", "ignore")


def _first(result: bytes) -> Any:
    codec = detect(result)
    try:
        args = codec.decode(result) if codec is not None else None
    except CodecError as error:
        raise BadRoute(f"a result of the steps in parallel cannot be read: {error}") from None
    if not isinstance(args, list):
        raise BadRoute("a result of the steps in parallel is no array")
    return args[0] if args else None


class _Budget:
    """Checks routes, and counts their steps: so many are allowed in one job."""

    def __init__(self, codec: Optional[Codec]) -> None:
        self._codec = codec
        self._left = STEPS_MOST

    def route(self, value: Any, place: str, depth: int) -> List[Any]:
        if not isinstance(value, list):
            raise BadRoute(f"{place}: expected array, found {kind_of(value)}")
        if depth > DEPTH_MOST:
            raise BadRoute(f"{place}: routes nest at most {DEPTH_MOST} deep")
        for number, entry in enumerate(value):
            at = f"{place}[{number}]"
            if not isinstance(entry, list):
                self._step(entry, at, depth)
                continue
            if not entry:
                raise BadRoute(f"{at}: no steps in parallel")
            for index, step in enumerate(entry):
                self._step(step, f"{at}[{index}]", depth)
        return value

    def gather(self, value: Any, place: str, depth: int) -> Gather:
        if not isinstance(value, dict):
            raise BadRoute(f"{place}: expected map, found {kind_of(value)}")
        if depth > DEPTH_MOST:
            raise BadRoute(f"{place}: gathers nest at most {DEPTH_MOST} deep")
        name, queue = self._text(value.get("id")), self._text(value.get("queue"))
        if name is None or not clean(name, 128):
            raise BadRoute(f"{place}.id: expected 1 to 128 bytes without control characters")
        if queue is None or not is_queue(queue):
            raise BadRoute(f"{place}.queue: expected the name of a queue")
        index, count = value.get("index"), value.get("count")
        if type(count) is not int or not 1 <= count <= STEPS_MOST:
            raise BadRoute(f"{place}.count: expected an integer from 1 to {STEPS_MOST}")
        if type(index) is not int or not 0 <= index < count:
            raise BadRoute(f"{place}.index: expected an integer from 0 to below count")
        if not is_job_id(self._codec, value.get("job_id")):
            raise BadRoute(f"{place}.job_id: expected a job's id")
        route = self.route(value.get("route", []), f"{place}.route", 1)
        outer = self.gather(value["gather"], f"{place}.gather", depth + 1) if "gather" in value else None
        return Gather(name, queue, index, count, _job_id(self._codec, value["job_id"]), route, value, outer)

    def _step(self, step: Any, place: str, depth: int) -> None:
        if not isinstance(step, dict):
            raise BadRoute(f"{place}: expected map, found {kind_of(step)}")
        self._left -= 1
        if self._left < 0:
            raise BadRoute(f"{place}: a job has at most {STEPS_MOST} steps")
        action = self._text(step.get("action"))
        if action is None or not clean(action, 255):
            raise BadRoute(f"{place}.action: expected text of 1 to 255 bytes without control characters")
        for key, rule in (("queue", is_queue), ("level", is_level)):
            if step.get(key) is not None:
                name = self._text(step[key])
                if name is None or not rule(name):
                    raise BadRoute(f"{place}.{key}: expected the name of a {key}")
        if "route" in step:
            self.route(step["route"], f"{place}.route", depth + 1)

    def _text(self, value: Any) -> Optional[str]:
        return value if isinstance(value, str) or self._codec is None else envelope_text(self._codec, value)


def _job_id(codec: Optional[Codec], value: Any) -> JobId:
    text = None if codec is None else envelope_text(codec, value)
    return value if text is None else text
