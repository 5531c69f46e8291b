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

    def _source(self, folder: Optional[str], origins: Optional[List[str]]) -> Source:
        folder = folder or os.environ.get("TEMPEST_UPLOADS")
        if folder:
            source = FolderSource.find(folder, self.token, self.size)
            if source is not None:
                return source
        if origins is None:
            origins = os.environ.get("TEMPEST_UPLOAD_ORIGINS", "").split()
        if self.url is None:
            place = f"in {folder}" if folder else "where TEMPEST_UPLOADS is not set"
            raise UploadError(f"the upload {self.token} is not {place}, and its front serves it nowhere else")
        return RemoteSource.of(self.url, origins, self.token, self.size)
