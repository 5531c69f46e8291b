"""Reads the content of an upload piece by piece, and holds it against the size and the digest that its front wrote down.

Upload.open makes it, over a file of the shared folder or over ranged requests to the front.
"""
from __future__ import annotations

import hashlib
import http.client
import io
import os
import re
import stat
from typing import Any, List, Optional, Protocol
from urllib.parse import urlsplit

from ..errors import UploadError
from .kept import KEPT

PIECE = 1024 * 1024
SECONDS = 30.0
TRIES = 3

_RANGE = re.compile(r"bytes (\d{1,16})-\d{1,16}/(\d{1,16}|\*)", re.IGNORECASE)


class Source(Protocol):
    def read(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start` on, b"" at the end. UploadError or OSError if that fails."""
        ...

    def close(self) -> None:
        ...


class UploadReader(io.RawIOBase):
    """The raw end of the file that Upload.open returns."""

    def __init__(self, source: Source, token: str, size: int, sha256: str) -> None:
        super().__init__()
        self._source, self._token, self._size, self._sha256 = source, token, size, sha256
        self._digest = hashlib.sha256()
        self._place = 0
        self._checked = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._size - self._place)
        piece = b""
        if count > 0:
            try:
                piece = self._source.read(self._place, count)
            except OSError as error:
                raise UploadError(f"the upload {self._token} cannot be read on at byte {self._place}: {error}") from error
            if not piece:
                raise UploadError(f"the upload {self._token} ends at byte {self._place} of {self._size}")
            self._digest.update(piece)
            self._place += len(piece)
        if self._place == self._size and not self._checked:
            # Before the last bytes are handed out: nobody shall take content for whole that is not.
            self._check()
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def _check(self) -> None:
        if self._digest.hexdigest() != self._sha256:
            raise UploadError(f"the upload {self._token} is not what came: its sha256 is another")
        self._checked = True


class FolderSource:
    """The file of that name in the folder which the front shares."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def find(cls, folder: str, token: str, size: int) -> Optional["FolderSource"]:
        """None if it is not there. `token` has been looked at: it is letters, digits, `-` and `_`, so it stays in the folder."""
        descriptor = None
        # In this order: between the two, somebody may keep it.
        for name in (token, token + KEPT):
            try:
                descriptor = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                break
            except FileNotFoundError:
                continue
            except OSError as error:
                raise UploadError(f"the upload {token} cannot be opened: {error}") from error
        if descriptor is None:
            return None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            os.close(descriptor)
            what = f"a file of {found.st_size} bytes, not {size}," if stat.S_ISREG(found.st_mode) else "no file"
            raise UploadError(f"the upload {token} is {what} in {folder}")
        return cls(descriptor)

    def read(self, start: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, start)

    def close(self) -> None:
        os.close(self._descriptor)


class RemoteSource:
    """The front, asked for one range after the other, so that a slow reader holds no connection up."""

    def __init__(self, scheme: str, host: str, port: Optional[int], target: str, token: str, size: int) -> None:
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        self._connection = kind(host, port, timeout=SECONDS)
        self._target, self._token, self._size = target, token, size
        self._piece, self._from = b"", 0

    @classmethod
    def of(cls, url: str, origins: List[str], token: str, size: int) -> "RemoteSource":
        """UploadError if the URL is none that this worker may ask."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise UploadError(f"the upload {token} has a URL that cannot be read") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or any(char <= " " or char > "~" for char in url):
            raise UploadError(f"the upload {token} has a URL that is none of http or https")
        if _origin(url) not in [_origin(each) for each in origins]:
            raise UploadError(f"the upload {token} is at {_origin(url)}, which is none of the origins that this worker may ask: "
                              "name it in TEMPEST_UPLOAD_ORIGINS, or the shared folder in TEMPEST_UPLOADS")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, parts.hostname, port, target, token, size)

    def read(self, start: int, count: int) -> bytes:
        if not self._from <= start < self._from + len(self._piece):
            self._piece, self._from = self._fetch(start, max(count, PIECE)), start
        offset = start - self._from
        return self._piece[offset:offset + count]

    def change(self, method: str) -> None:
        """Keeps the content (POST) or deletes it (DELETE). To delete what is not there is no error."""
        for attempt in range(TRIES):
            try:
                self._connection.request(method, self._target, headers={"content-length": "0"})
                response = self._connection.getresponse()
                response.read(PIECE)
                break
            except (OSError, http.client.HTTPException) as error:
                # To keep or to delete it twice harms nothing.
                self._connection.close()
                if attempt == TRIES - 1:
                    raise UploadError(f"the front of the upload {self._token} cannot be reached: {error!r}") from error
        if response.status == 404 and method == "DELETE" or response.status == 204:
            return
        raise UploadError(self._refusal(response.status))

    def __enter__(self) -> "RemoteSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def _refusal(self, status: int) -> str:
        if status == 404:
            return (f"the upload {self._token} is not at its front any more: its request has ended and nobody kept it, or it was deleted "
                    "or swept")
        return f"the front of the upload {self._token} answers {status}"

    def _fetch(self, start: int, count: int) -> bytes:
        for attempt in range(TRIES):
            try:
                return self._ask(start, count)
            except (OSError, http.client.HTTPException) as error:
                # A front that was started anew, or let an idle connection go; to ask for a range twice harms nothing.
                self._connection.close()
                if attempt == TRIES - 1:
                    raise UploadError(f"the upload {self._token} cannot be had from its front: {error!r}") from error
        raise AssertionError("unreachable")

    def _ask(self, start: int, count: int) -> bytes:
        self._connection.request("GET", self._target, headers={"range": f"bytes={start}-{start + count - 1}", "accept": "*/*",
                                                               "accept-encoding": "identity"})
        response = self._connection.getresponse()
        if response.status == 206:
            found = _RANGE.fullmatch((response.getheader("content-range") or "").strip())
            if found is None or int(found[1]) != start or found[2] not in (str(self._size), "*"):
                self._connection.close()
                raise UploadError(f"the front of the upload {self._token} answers with another range, or of another content, "
                                  "than it was asked for")
        elif response.status != 200 or start != 0:
            self._connection.close()
            raise UploadError(self._refusal(response.status))
        # A front that knows no ranges sends all of it: what is longer than was asked for is left.
        body = response.read(count)
        if not response.isclosed():
            self._connection.close()
        if not body:
            raise http.client.IncompleteRead(body, count)
        return body


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"
