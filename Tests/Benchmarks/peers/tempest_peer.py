"""Tempest's Python worker: at least once."""
import logging
import os

import tempest

logging.basicConfig(level=logging.WARNING)
worker = tempest.Worker(["bench"], levels=["default"], concurrency=int(os.environ.get("CONCURRENCY", "25")))
worker.handler("note")(lambda number, name, numbers: number)
worker.run()
