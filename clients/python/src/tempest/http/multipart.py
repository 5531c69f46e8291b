"""A multipart form, put together again from what a front took apart: for applications that read forms by themselves.

Request.content makes it; files come from where the front put them, piece by piece.
"""
from __future__ import annotations

import io
import secrets
from typing import Any, BinaryIO, Callable, Deque, List, Optional, Sequence, Union
from collections import deque

from .form import Part
from .upload import Upload

Piece = Union[bytes, Upload]


class Multipart:
    """`length` in bytes, and `content_type` with the boundary."""

    def __init__(self, form: Sequence[Part]) -> None:
        # 128 random bits: nobody who wrote the content can have known it.
        boundary = f"tempest-{secrets.token_hex(16)}"
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._pieces: List[Piece] = []
        for part in form:
            self._pieces.append(f"--{boundary}\r\n".encode("ascii") + (part.head or plain_head(part)) + b"\r\n\r\n")
            self._pieces += [part.content if part.upload is None else part.upload, b"\r\n"]
        self._pieces.append(f"--{boundary}--\r\n".encode("ascii"))
        self.length = sum(piece.size if isinstance(piece, Upload) else len(piece) for piece in self._pieces)

    def open(self, folder: Optional[str] = None, origins: Optional[List[str]] = None) -> BinaryIO:
        """A file to read it from, once and forwards. Reading raises as that of an Upload does."""
        return io.BufferedReader(_Joined(self._pieces, lambda upload: upload.open(folder, origins)))


class _Joined(io.RawIOBase):
    def __init__(self, pieces: Sequence[Piece], open_upload: Callable[[Upload], BinaryIO]) -> None:
        super().__init__()
        self._left: Deque[Piece] = deque(pieces)
        self._open = open_upload
        self._file: Optional[BinaryIO] = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._file is None:
                if not self._left:
                    return 0
                piece = self._left.popleft()
                self._file = io.BytesIO(piece) if isinstance(piece, bytes) else self._open(piece)
            chunk = self._file.read(len(buffer))
            if chunk:
                buffer[: len(chunk)] = chunk
                return len(chunk)
            self._file.close()
            self._file = None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        super().close()


def plain_head(part: Part) -> bytes:
    """The header lines of a part as browsers write them."""
    head = b"Content-Disposition: form-data"
    for key, value in ((b"name", part.raw_name), (b"filename", part.raw_filename)):
        if value is not None:
            head += b"; " + key + b'="' + value.replace(b"\r", b"%0D").replace(b"\n", b"%0A").replace(b'"', b"%22") + b'"'
    return head if part.raw_type is None else head + b"\r\nContent-Type: " + _one_line(part.raw_type)


def _one_line(value: bytes) -> bytes:
    return bytes(byte if byte >= 0x20 and byte != 0x7F else 0x20 for byte in value)
