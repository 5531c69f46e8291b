"""push.py MODULE JOBS: pushes jobs with the best way to push many that a system documents."""
import asyncio
import importlib
import inspect
import sys

module = importlib.import_module(sys.argv[1])
pushed = module.push(int(sys.argv[2]))
if inspect.iscoroutine(pushed):
    asyncio.run(pushed)
