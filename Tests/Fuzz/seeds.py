#!/usr/bin/env python3
"""Writes the fuzzers' first inputs: every vector of protocol/vectors, and what the packed corpora hold; packs corpora.

    seeds.py write FOLDER CODEC     one file an input, named by its hash
    seeds.py large FOLDER CODEC     documents of 10,000 bytes and more, made of the vectors
    seeds.py pack FOLDER CODEC      the files of a folder into corpus/CODEC.txt, a line of base64 each
"""
import base64
import hashlib
import json
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent.parent / "protocol" / "vectors"
LONGEST = 4096


def content(entry):
    return entry["utf8"].encode("utf-8") if "utf8" in entry else bytes.fromhex(entry["hex"])


def vectors(codec):
    """The bytes of all vectors, valid ones and others."""
    entries = json.loads((VECTORS / f"{codec}.json").read_text("utf-8"))
    if codec == "envelope":
        return [content(vector["bytes"]) for part in entries.values() for vector in part]
    found = [content(encoding) for vector in entries["valid"] for encoding in vector["encodings"]]
    return found + [content(vector["bytes"]) for part in ("invalid", "deep") for vector in entries[part]]


def packed(codec):
    path = HERE / "corpus" / f"{codec}.txt"
    return [base64.b64decode(line) for line in path.read_text("ascii").split()] if path.exists() else []


def write(folder, codec):
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {data for data in vectors(codec) + packed(codec) if len(data) <= LONGEST}
    for data in inputs:
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    print(f"{codec}: {len(inputs)} inputs to begin with")


def array(codec, items):
    if codec == "json":
        return b"[" + b",".join(items) + b"]"
    if codec == "msgpack":
        return b"\xdd" + len(items).to_bytes(4, "big") + b"".join(items)
    content = b"".join(items)
    return b"%d:%b]" % (len(content), content)


def map_of(codec, items):
    keys = [b"key %d" % number for number in range(len(items))]
    if codec == "json":
        return b"{" + b",".join(b'"%b":%b' % pair for pair in zip(keys, items)) + b"}"
    if codec == "msgpack":
        pairs = b"".join(bytes([0xA0 + len(key)]) + key + item for key, item in zip(keys, items))
        return b"\xdf" + len(items).to_bytes(4, "big") + pairs
    content = b"".join(b"%d:%b,%b" % (len(key), key, item) for key, item in zip(keys, items))
    return b"%d:%b}" % (len(content), content)


def large(folder, codec):
    """Wide and nested documents of the valid vectors, the same every time."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    made = 0
    for each in [codec] if codec != "envelope" else ["json", "msgpack", "tnetstring"]:
        entries = json.loads((VECTORS / f"{each}.json").read_text("utf-8"))["valid"]
        valid = [content(vector["encodings"][0]) for vector in entries]
        for count in (50, 200, 800, 2000):
            items = [rng.choice(valid) for _ in range(count)]
            document = rng.choice((array, map_of))(each, items)
            for _ in range(rng.randrange(40)):
                document = rng.choice((array, map_of))(each, [document, rng.choice(valid)])
            if codec == "envelope":
                text = {"json": b'"%b"', "msgpack": b"\xa4%b", "tnetstring": b"4:%b,"}[each]
                document = array(each, [text % b"echo", array(each, [document]), text % b"abcd", text % b"1234"])
            if len(document) <= 250_000:
                (folder / hashlib.sha1(document).hexdigest()).write_bytes(document)
                made += 1
    print(f"{codec}: {made} large inputs to begin with")


def pack(folder, codec):
    inputs = sorted((path.read_bytes() for path in folder.iterdir()), key=lambda data: (len(data), data))
    # The vectors come anyway.
    known = set(vectors(codec))
    found = [data for data in inputs if data not in known and len(data) <= 512]
    # At most 200 of all lengths alike.
    kept = [found[number * len(found) // 200] for number in range(200)] if len(found) > 200 else found
    lines = [base64.b64encode(data).decode("ascii") for data in kept if data]
    (HERE / "corpus" / f"{codec}.txt").write_text("".join(line + "\n" for line in lines), "ascii")
    print(f"{codec}: {len(lines)} of {len(inputs)} inputs packed")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("write", "large", "pack"):
        sys.exit(__doc__)
    {"write": write, "large": large, "pack": pack}[sys.argv[1]](pathlib.Path(sys.argv[2]), sys.argv[3])
