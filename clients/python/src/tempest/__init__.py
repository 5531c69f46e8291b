"""Tempest: jobs on Redis, answered by programs in any language.

`Worker` answers actions, `Client` pushes jobs and calls actions; the rest are their errors and the values they exchange.
"""
from __future__ import annotations

from . import needs

needs.check()  # before anything imports them

from .client import Client, Stream
from .context import Context
from .elements import Elements
from .errors import (
    CallerStalled,
    CallTimeout,
    ClaimLost,
    ClientClosed,
    CodecError,
    EnvelopeError,
    HandlerError,
    JobCancelled,
    JobTimedOut,
    NameRefused,
    RedisRefused,
    RedisTooOld,
    RedisUnavailable,
    RemoteError,
    Retry,
    SessionError,
    TempestError,
    UploadError,
)
from .networks import AllowedNetworks
from .routes import BadRoute
from .session import Session
from .values import ExtType, Limits
from .worker import Worker

__version__ = "0.1.0"

__all__ = [
    "AllowedNetworks", "BadRoute", "CallTimeout", "CallerStalled", "ClaimLost", "Client", "ClientClosed", "CodecError", "Context", "Elements", "EnvelopeError",
    "ExtType", "HandlerError", "JobCancelled", "JobTimedOut", "Limits", "NameRefused", "RedisRefused", "RedisTooOld",
    "RedisUnavailable", "RemoteError", "Retry", "Session", "SessionError", "Stream", "TempestError", "UploadError", "Worker",
    "__version__",
]
