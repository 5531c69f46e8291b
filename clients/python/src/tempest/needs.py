"""The packages that this one needs. A checkout on PYTHONPATH brings none of them, so what is missing is said with its cure."""
from __future__ import annotations

import sys
from importlib.util import find_spec

PACKAGES = ("redis", "msgpack")


def check() -> None:
    """Raises ModuleNotFoundError that says what to install for this interpreter."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        packages = f"package {missing[0]}" if len(missing) == 1 else f"packages {' and '.join(missing)}"
        raise ModuleNotFoundError(
            f"tempest needs the {packages}, which {sys.executable or 'this Python'} does not have. Debian, Ubuntu (for /usr/bin/python3): "
            f"sudo apt install {' '.join('python3-' + name for name in missing)}. Anywhere: python3 -m venv .venv && "
            f".venv/bin/pip install {' '.join(missing)}, and run your program with .venv/bin/python", name=missing[0])
