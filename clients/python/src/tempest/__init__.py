"""Tempest: jobs on Redis, answered by programs in any language.

`Worker` answers actions, `Client` pushes jobs and calls actions; the rest are their errors and the values they exchange.
"""
from __future__ import annotations

from .client import Client, Stream
from .context import Context
from .errors import (
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
    TempestError,
)
from .routes import BadRoute
from .values import ExtType, Limits
from .worker import Worker

__version__ = "0.1.0"

__all__ = [
    "BadRoute", "CallTimeout", "ClaimLost", "Client", "ClientClosed", "CodecError", "Context", "EnvelopeError", "ExtType", "HandlerError",
    "JobCancelled", "JobTimedOut", "Limits", "NameRefused", "RedisRefused", "RedisTooOld", "RedisUnavailable", "RemoteError",
    "Retry", "Stream", "TempestError", "Worker", "__version__",
]
