"""What a browser uploaded and a front put aside: its description in the job, and the way to its content.

Request.of makes them. The content comes from the folder that front and workers share, or from the front over HTTP, by reader.py.
"""
from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from typing import Any, BinaryIO, List, Optional

from ..errors import HandlerError, UploadError
from .checks import map_in, refuse, text_in
from .kept import delete_in, keep_in
from .reader import FolderSource, RemoteSource, Source, UploadReader

BUFFER = 256 * 1024

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Upload:
    """`token` names the content. `field` of the form, `filename` as the browser calls it and `type` are what a stranger says, or
    None: never make a path of them. `size` in bytes; `sha256`, hexadecimal; `url`, where the front serves it, or None."""

    token: str
    size: int
    sha256: str
    field: Optional[str] = None
    filename: Optional[str] = None
    type: Optional[str] = None
    url: Optional[str] = None

    @classmethod
    def of(cls, argument: Any, path: str = "upload") -> "Upload":
        """The upload in a job's argument. HandlerError `bad_args` if there is none in it."""
        members = map_in(argument, path)
        token, sha256 = text_in(members, "token", path), text_in(members, "sha256", path)
        size = members.get("size")
        if not _TOKEN.fullmatch(token):
            raise HandlerError("bad_args", f"{path}.token: expected 43 characters of base64url")
        if not _SHA256.fullmatch(sha256):
            raise HandlerError("bad_args", f"{path}.sha256: expected 64 hexadecimal digits")
        if type(size) is not int or not 0 <= size < 2**53:
            raise refuse(f"{path}.size", "integer from 0", size)
        texts: List[Optional[str]] = []
        for key in ("field", "filename", "type", "url"):
            texts.append(None if members.get(key) is None else text_in(members, key, path))
        return cls(token, size, sha256, *texts)

    def open(self, folder: Optional[str] = None, origins: Optional[List[str]] = None) -> BinaryIO:
        """A file to read the content from, forwards: `with upload.open() as file: shutil.copyfileobj(file, …)`.

        It is looked for in `folder`, by default TEMPEST_UPLOADS of the environment, and then at `url`, if that belongs to one
        of `origins` (such as `http://front:8080`), by default those of TEMPEST_UPLOAD_ORIGINS, with spaces between them: a
        job must not send workers to any place of the network. Reading raises UploadError if the content cannot be had, and at its
        end if size or sha256 are not those that the front wrote down: what was read before counts only then.
        """
        return io.BufferedReader(UploadReader(self._source(folder, origins), self.token, self.size, self.sha256), BUFFER)

    def keep(self, folder: Optional[str] = None, origins: Optional[List[str]] = None) -> None:
        """Keeps the content when its request ends. Without this it is removed once the browser has its answer, or was told that there
        is none, or went away. What is kept stays until `delete` is called or the front sweeps it (after a day).

        May be called again, also by a worker that runs the job after another has died. UploadError if the request has ended already,
        or the content cannot be reached; `folder` and `origins` are those of `open`.
        """
        folder = _folder(folder)
        if folder and keep_in(folder, self.token):
            return
        with self._remote(folder, origins) as front:
            front.change("POST")

    def delete(self, folder: Optional[str] = None, origins: Optional[List[str]] = None) -> None:
        """Removes the content, kept or not. Nothing happens if it is not there any more; whoever has it open reads on. UploadError if
        it cannot be reached; `folder` and `origins` are those of `open`."""
        folder = _folder(folder)
        if folder and (delete_in(folder, self.token) or self.url is None):
            return
        with self._remote(folder, origins) as front:
            front.change("DELETE")

    def _source(self, folder: Optional[str], origins: Optional[List[str]]) -> Source:
        folder = _folder(folder)
        if folder:
            source = FolderSource.find(folder, self.token, self.size)
            if source is not None:
                return source
        return self._remote(folder, origins)

    def _remote(self, folder: Optional[str], origins: Optional[List[str]]) -> RemoteSource:
        if origins is None:
            origins = os.environ.get("TEMPEST_UPLOAD_ORIGINS", "").split()
        if self.url is None:
            if not folder:
                raise UploadError(f"the upload {self.token} cannot be found: TEMPEST_UPLOADS is not set, and its front serves it "
                                  "nowhere else")
            raise UploadError(f"the upload {self.token} is not in {folder}: its request has ended and nobody kept it, it was deleted "
                              "or swept, or its front has another folder")
        return RemoteSource.of(self.url, origins, self.token, self.size)


def _folder(folder: Optional[str]) -> Optional[str]:
    return folder or os.environ.get("TEMPEST_UPLOADS")
