"""The environ that PEP 3333 asks for, made of a request.

gateway.py calls it for each job. Native strings of WSGI are bytes in disguise: each character is one byte.
"""
from __future__ import annotations

import re
import sys
from typing import Any, BinaryIO, Dict, Optional, Tuple
from urllib.parse import unquote_to_bytes

from ..http.request import Request

BLOCK = 256 * 1024

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@/?#\s]+)(?::([0-9]{1,5}))?")
# httpoxy: programs take HTTP_PROXY of their environment for a proxy to use.
_LEFT_OUT = {"content-type", "content-length", "proxy"}


class FileWrapper:
    """`wsgi.file_wrapper`: reads files in blocks that are worth an answer each, whatever size is asked for."""

    def __init__(self, file: Any, block_size: int = BLOCK) -> None:
        self._file = file
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> "FileWrapper":
        return self

    def __next__(self) -> bytes:
        block = self._file.read(BLOCK)
        if block:
            return bytes(block)
        raise StopIteration


def environ_of(request: Request, length: Optional[int], content_type: str, input: BinaryIO, script_name: str,
               threads: bool) -> Dict[str, Any]:
    """The environ. `script_name` is where the application is mounted; of a path outside of it, all is PATH_INFO."""
    path = native(unquote_to_bytes(request.raw_path))
    mounted = bool(script_name) and (path == script_name or path.startswith(script_name + "/"))
    name, port = _server(request)
    environ: Dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": script_name if mounted else "",
        "PATH_INFO": path[len(script_name):] if mounted else path,
        "QUERY_STRING": native(request.query_string.encode("utf-8")),
        "REQUEST_URI": native(request.target.encode("utf-8")),
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.remote_address,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": input,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": threads,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "tempest.request": request,
        "tempest.context": request.context,
        "tempest.session": request.session,
        "tempest.uploads": request.uploads,
    }
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    if content_type:
        same = content_type == request.headers.get("content-type")
        environ["CONTENT_TYPE"] = native(request.header_bytes("content-type") if same else content_type.encode("ascii"))
    for header in request.headers:
        # `x_name` would be taken for `x-name`, which a proxy in front may have checked.
        if header not in _LEFT_OUT and "_" not in header:
            environ["HTTP_" + header.upper().replace("-", "_")] = native(request.header_bytes(header))
    return environ


def native(content: bytes) -> str:
    return content.decode("latin-1")


def _server(request: Request) -> Tuple[str, str]:
    usual = "443" if request.scheme == "https" else "80"
    found = _HOST.fullmatch(request.headers.get("host", ""))
    return (found.group(1), found.group(2) or usual) if found else ("localhost", usual)
