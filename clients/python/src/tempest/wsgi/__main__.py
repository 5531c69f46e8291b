"""`python3 -m tempest.wsgi module:app --queue web`: a worker whose only action is a WSGI application."""
from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from typing import Any, Callable, List, Optional

from ..keys import LEVELS
from ..worker import Worker
from .gateway import Gateway


def main(arguments: Optional[List[str]] = None) -> None:
    """Runs until SIGTERM or SIGINT; exits with 2 when the arguments are wrong, or the application cannot be had."""
    parser = argparse.ArgumentParser(prog="python3 -m tempest.wsgi", description="Serves a WSGI application from a queue.")
    parser.add_argument("app", help="module:name of the application, or module:name() of a function that makes it")
    parser.add_argument("--queue", action="append", help="the queue that the front puts requests on; may be given again (web)")
    parser.add_argument("--action", default="url", help="the action of the front's jobs (url)")
    parser.add_argument("--levels", default=",".join(LEVELS), help="in the order of their priority (%(default)s)")
    parser.add_argument("--concurrency", type=int, default=4, help="requests at a time (%(default)s)")
    parser.add_argument("--redis", help="redis://, rediss:// or unix:// (REDIS_URL)")
    parser.add_argument("--script-name", default="", help="where the application is mounted, such as /shop")
    parser.add_argument("--uploads", help="the folder of uploads that the front shares (TEMPEST_UPLOADS)")
    parser.add_argument("--upload-origin", action="append", help="a front that may be asked for uploads (TEMPEST_UPLOAD_ORIGINS)")
    parser.add_argument("--chdir", help="the folder in which the module is")
    parser.add_argument("--grace", type=float, default=25.0, help="seconds that requests have after SIGTERM (%(default)s)")
    parser.add_argument("--timeout", type=float, help="seconds that a request may take")
    parser.add_argument("--name", help="what this process is called")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if options.chdir:
        os.chdir(options.chdir)
        sys.path.insert(0, os.getcwd())
    try:
        gateway = Gateway(load(options.app), options.script_name, options.concurrency > 1, options.uploads, options.upload_origin)
        worker = Worker(options.queue or "web", levels=options.levels.split(","), redis_url=options.redis,
                        concurrency=options.concurrency, name=options.name, grace=options.grace)
        worker.handler(options.action, context=True, timeout=options.timeout)(gateway)
    except (ValueError, TypeError) as error:
        parser.error(str(error))
    worker.run()


def load(place: str) -> Callable[..., Any]:
    """The application at `module:name`; name may have dots, and () behind it to be called. ValueError if there is none."""
    module, colon, name = place.partition(":")
    name = name if colon else "app"
    make = name.endswith("()")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise  # the application's own: its trace says where
        raise ValueError(f"there is no module {error.name!r} in {os.getcwd()} or among those installed") from None
    for part in name[:-2].split(".") if make else name.split("."):
        if not hasattr(found, part):
            raise ValueError(f"{place}: there is no {part!r}")
        found = getattr(found, part)
    if make:
        found = found()
    if not callable(found):
        raise ValueError(f"{place} is a {type(found).__name__}, which is no WSGI application")
    return found  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
