"""How far a worker of another system is: a time for each hundred jobs, appended to a file that the measurement reads."""
import os
import struct
import threading
import time

EVERY = 100

_file = os.open(os.environ["STAMPS"], os.O_WRONLY | os.O_APPEND)
_lock = threading.Lock()
_count = 0


def stamp():
    """One more job is done. A write a job would cost more than some systems do: there is one for a hundred of a process."""
    global _count
    with _lock:
        _count += 1
        is_full = _count % EVERY == 0
    if is_full:
        os.write(_file, struct.pack("<Q", time.monotonic_ns()))


def argument(number):
    return {"id": number, "name": "tempest", "n": [1, 2, 3]}
