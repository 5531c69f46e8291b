"""Names and values in the order in which a browser sent them, as those of a query.

Request makes them of queries and forms.
"""
from __future__ import annotations

from typing import Iterator, List, Mapping, Sequence, Tuple


class Fields(Mapping[str, str]):
    """`fields["tag"]` is the first value of a name, `fields.all("tag")` all of them; `pairs` is everything in order."""

    def __init__(self, pairs: Sequence[Tuple[str, str]] = ()) -> None:
        self.pairs: List[Tuple[str, str]] = list(pairs)

    def __getitem__(self, name: str) -> str:
        for each, value in self.pairs:
            if each == name:
                return value
        raise KeyError(name)

    def all(self, name: str) -> List[str]:
        """The values of that name, in order; none if there are none."""
        return [value for each, value in self.pairs if each == name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def __repr__(self) -> str:
        return f"Fields({self.pairs!r})"
