"""A form that a browser sent: its parts in their order.

Request makes one of the parts that a front has read, or of a body.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Sequence, overload
import io

from ..errors import HandlerError
from .checks import bytes_in, map_in, refuse
from .fields import Fields
from .upload import Upload


@dataclass(frozen=True)
class Part:
    """A field or a file. `raw_name`, `raw_filename` and `raw_type` are the bytes that came, or None; `content` is the value of a field, or
    a file that came in the job; `upload` is a file that the front has put aside. `head`: the part's header lines, if they are not
    those that browsers write. All of it is what a stranger says: never make a path of a file name."""

    raw_name: Optional[bytes] = None
    content: bytes = b""
    raw_filename: Optional[bytes] = None
    raw_type: Optional[bytes] = None
    upload: Optional[Upload] = None
    head: Optional[bytes] = None

    @property
    def name(self) -> str:
        """Of the field; what is no UTF-8 in it is replaced."""
        return (self.raw_name or b"").decode("utf-8", "replace")

    @property
    def value(self) -> str:
        """The content as text; what is no UTF-8 in it is replaced."""
        return self.content.decode("utf-8", "replace")

    @property
    def filename(self) -> Optional[str]:
        """What the browser calls the file; "" if no file was chosen; None if the part is a field."""
        return None if self.raw_filename is None else self.raw_filename.decode("utf-8", "replace")

    @property
    def type(self) -> Optional[str]:
        """The content type that the browser gave, or None."""
        return None if self.raw_type is None else self.raw_type.decode("utf-8", "replace")

    @property
    def is_file(self) -> bool:
        """Whether it is a file input, with or without a chosen file."""
        return self.raw_filename is not None

    @property
    def chosen(self) -> bool:
        """Whether it is a file input in which a file was chosen."""
        return self.is_file and bool(self.raw_filename or self.upload or self.content)

    def open(self, folder: Optional[str] = None, origins: Optional[List[str]] = None) -> BinaryIO:
        """A file to read the content from, wherever it is; as `Upload.open`."""
        return io.BytesIO(self.content) if self.upload is None else self.upload.open(folder, origins)

    @classmethod
    def of(cls, argument: Any, uploads: Sequence[Upload], path: str = "part") -> "Part":
        """The part in a job's argument. HandlerError `bad_args` if there is none in it."""
        members: Dict[str, Any] = map_in(argument, path)
        place = members.get("upload")
        if place is not None and (type(place) is not int or not 0 <= place < len(uploads)):
            raise HandlerError("bad_args", f"{path}.upload: expected the place of an upload")
        head = bytes_in(members, "head", path)
        if head is not None and (not head or b"\r\n\r\n" in head or head.startswith(b"\r\n") or head.endswith(b"\r\n")):
            raise HandlerError("bad_args", f"{path}.head: expected header lines without an empty one")
        return cls(bytes_in(members, "name", path), bytes_in(members, "value", path) or b"", bytes_in(members, "filename", path),
                   bytes_in(members, "type", path), None if place is None else uploads[place], head)


class Form(Sequence[Part]):
    """The parts of a form in the order in which the browser sent them; a name may come several times.

    `form["title"]` is the value of the first field of that name (KeyError if there is none), `form.all("tag")` those of all of
    them, `form.file("photo")` the first file that was chosen. `form[0]` and iteration are parts. `problem`: why the body could not be
    read although it says that it is a form; then there are no parts. None: nothing is wrong.
    """

    def __init__(self, parts: Sequence[Part] = (), problem: Optional[str] = None) -> None:
        self._parts, self.problem = list(parts), problem

    @property
    def fields(self) -> Fields:
        """All that are no files, by name."""
        return Fields([(part.name, part.value) for part in self._parts if not part.is_file])

    @property
    def files(self) -> List[Part]:
        """All files that were chosen, in order."""
        return [part for part in self._parts if part.chosen]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of the first field of that name, or `default`."""
        return next(iter(self.all(name)), default)

    def all(self, name: str) -> List[str]:
        """The values of all fields of that name, in order."""
        return [part.value for part in self._parts if not part.is_file and part.name == name]

    def file(self, name: str) -> Optional[Part]:
        """The first file that was chosen in the input of that name, or None."""
        return next((part for part in self.files if part.name == name), None)

    @overload
    def __getitem__(self, key: str) -> str: ...
    @overload
    def __getitem__(self, key: int) -> Part: ...
    @overload
    def __getitem__(self, key: slice) -> List[Part]: ...

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self._parts[key]
        values = self.all(key)
        if not values:
            raise KeyError(key)
        return values[0]

    def __contains__(self, key: object) -> bool:
        return any(part.name == key for part in self._parts) if isinstance(key, str) else key in self._parts

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"Form({self._parts!r})"

    @classmethod
    def of(cls, argument: Any, uploads: Sequence[Upload], path: str) -> "Form":
        """The form in a job's argument. HandlerError `bad_args` if there is none in it."""
        if not isinstance(argument, list):
            raise refuse(path, "array", argument)
        return cls([Part.of(each, uploads, f"{path}[{index}]") for index, each in enumerate(argument)])
