"""Serves any WSGI application (PEP 3333) from a queue: what fronts put on it becomes requests, what the application says answers.

    python3 -m tempest.wsgi module:app --queue web --concurrency 8

or, beside other actions of a program's own:

    worker = tempest.Worker("web", concurrency=8)
    worker.handler("url", context=True)(tempest.wsgi.Gateway(app))
"""
from __future__ import annotations

from .gateway import Gateway

__all__ = ["Gateway"]
