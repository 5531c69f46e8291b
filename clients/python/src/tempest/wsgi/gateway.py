"""A handler that is a WSGI application: job in, environ, application, answers out.

Registered with `context=True`; before it environ.py, after it response.py. What the application raises stays in the log.
"""
from __future__ import annotations

from typing import Any, Callable, List, Optional

from ..context import Context
from ..elements import Elements
from ..errors import CallerStalled, ClaimLost, JobCancelled
from ..http.request import Request
from .environ import environ_of
from .response import Response, failed, log_failure

# What ends a handler from outside: nothing that an application did wrong.
_ENDS = (JobCancelled, ClaimLost, CallerStalled)


class Gateway:
    """Answers HTTP jobs by the application `app`.

    - `script_name`: where it is mounted, such as `/shop`; "" for the root.
    - `threads`: whether several requests may be in it at a time; False if the worker's concurrency is 1.
    - `uploads`, `upload_origins`: the shared folder of uploads, and the fronts that may be asked for them, as in `Upload.open`.

    An application finds in its environ, besides what PEP 3333 names, `tempest.session`, `tempest.request`, `tempest.context`
    and `tempest.uploads`, the uploads of the request: they are removed when it ends, unless `keep()` was called on them.
    """

    def __init__(self, app: Callable[..., Any], script_name: str = "", threads: bool = True, uploads: Optional[str] = None,
                 upload_origins: Optional[List[str]] = None) -> None:
        if not callable(app):
            raise TypeError(f"a WSGI application can be called, and {app!r} cannot")
        if script_name and (not script_name.startswith("/") or script_name.endswith("/")):
            raise ValueError(f"script_name begins with a slash and does not end with one, not {script_name!r}")
        self.app = app
        self.script_name = script_name
        self._threads = threads
        self._uploads, self._origins = uploads, upload_origins

    def __call__(self, context: Context, job: Any) -> Elements:
        request = Request.of(job, context)
        response = Response(context, request.method)
        try:
            self._serve(request, context, response)
            return response.finish()
        except _ENDS:
            raise
        except Exception:
            if response.head_sent:
                raise  # the answer says that it failed, and the front breaks off what it began
            log_failure(context, "the application failed", request)
            return failed()

    def _serve(self, request: Request, context: Context, response: Response) -> None:
        length, content_type, content = request.content(self._uploads, self._origins)
        with content:
            environ = environ_of(request, length, content_type, content, self.script_name, self._threads)
            result = self.app(environ, response.start)
            try:
                response.take(result)
            finally:
                close = getattr(result, "close", None)
                if close is not None:
                    _close(close, context)


def _close(close: Callable[[], Any], context: Context) -> None:
    try:
        close()
    except _ENDS:
        raise
    except Exception:
        # All that it had to say has been said.
        log_failure(context, "the body of the application could not be closed")
