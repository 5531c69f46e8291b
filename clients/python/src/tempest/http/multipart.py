"""A multipart form, put together again from what a front took apart: for applications that read forms by themselves.

Request.content makes it; files come from where the front put them, piece by piece.
"""
from __future__ import annotations

import io
import secrets
from typing import Any, BinaryIO, Callable, Deque, List, Mapping, Optional, Sequence, Union
from collections import deque

from .upload import Upload

Piece = Union[bytes, Upload]


class Multipart:
    """`length` in bytes, and `content_type` with the boundary."""

    def __init__(self, form: Mapping[str, str], uploads: Sequence[Upload]) -> None:
        # 128 random bits: nobody who wrote the content can have known it.
        boundary = f"tempest-{secrets.token_hex(16)}"
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._pieces: List[Piece] = []
        for name, value in form.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n'
            self._pieces.append(head.encode("utf-8") + value.encode("utf-8") + b"\r\n")
        for upload in uploads:
            disposition = f'form-data; name="{_quoted(upload.field or "")}"; filename="{_quoted(upload.filename or "upload")}"'
            kind = _one_line(upload.type or "application/octet-stream")
            head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {kind}\r\n\r\n"
            self._pieces += [head.encode("utf-8"), upload, b"\r\n"]
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


def _quoted(text: str) -> str:
    """As browsers write names in forms."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _one_line(text: str) -> str:
    return "".join(char if " " <= char <= "~" else " " for char in text)
