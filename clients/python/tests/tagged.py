"""The notation of protocol/vectors: bytes as {"utf8": …} or {"hex": …}, and values with their types written out."""
import json

import checkout
from tempest.values import ExtType

VECTORS = checkout.ROOT / "protocol" / "vectors"


def load(name):
    return json.loads((VECTORS / name).read_text("utf-8"))


def to_bytes(entry):
    return entry["utf8"].encode("utf-8") if "utf8" in entry else bytes.fromhex(entry["hex"])


def from_tagged(entry):
    """The Python value that a tagged one means."""
    if entry is None or isinstance(entry, bool):
        return entry
    ((kind, content),) = entry.items()
    if kind == "array":
        return [from_tagged(item) for item in content]
    if kind == "map":
        return {key: from_tagged(item) for key, item in content}
    if kind == "ext":
        return ExtType(content[0], bytes.fromhex(content[1]))
    return {"int": int, "float": float, "text": str, "binary": bytes.fromhex}[kind](content)


def exact(value):
    """What two values must share to be the same in type, sign of zero and order of keys, which == forgives."""
    if isinstance(value, list):
        return "array", [exact(item) for item in value]
    if isinstance(value, dict):
        return "map", [(key, exact(item)) for key, item in value.items()]
    return type(value).__name__, repr(value)
