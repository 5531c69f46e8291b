"""Whether a Redis throws keys away when it is full: then jobs vanish that it has acknowledged.

A worker asks when it starts, and says so: everything else would go on as if nothing were wrong.
"""
from __future__ import annotations

from typing import Dict, Optional

from .errors import RedisRefused
from .link import Link


def warning(link: Link) -> Optional[str]:
    """What to say of it, or None: it keeps what it has, or this user may not ask."""
    try:
        info = link.call("INFO", "memory")
    except RedisRefused:
        return None
    fields: Dict[str, str] = dict(line.partition(":")[::2] for line in bytes(info).decode("utf-8", "replace").splitlines())
    policy = fields.get("maxmemory_policy", "")
    if fields.get("maxmemory", "0") == "0" or not policy.startswith("allkeys-"):
        return None
    return f"this Redis throws jobs away when it is full: its maxmemory-policy is {policy}; set it to noeviction"
