"""Measures libraries of Python for `tempest bench codecs`.

    python_peer.py peers            orjson and others, for --compare
    python_peer.py client [folder]  the codecs of Tempest's Python client: the installed package, or else that of a checkout

Reads requests from standard input, a line of JSON each, and answers each with a line of JSON:

  {"do": "versions"}  -> {"versions": {"python": "3.11.2", "orjson": "3.13.0", ...}, "reason": "why the client is not there"}
  {"do": "load", "library": "orjson", "codec": "json", "kind": "value", "payload": "job", "file": "/tmp/...", "written": "/tmp/..."}
                      -> {"bytes": 119}    the file is decoded and encoded again, into `written`; how long that is
  {"do": "time", "library": "orjson", "codec": "json", "kind": "value", "direction": "decode", "iterations": 1000}
                      -> {"nanoseconds": 1234567}

The kind `tokens` is a type of msgspec_types.py, the one of that payload; `value` is dictionaries and lists.

What fails is answered with {"error": "..."}. Times are processor time of the thread: what others do on the machine is not in them.
Garbage collection is off while a batch runs, as in the standard library's timeit: results are freed by their reference counts all
the same. Ends with its standard input.
"""

import gc
import importlib
import importlib.metadata
import itertools
import json
import os
import platform
import signal
import sys
import time

CLIENT = "tempest (Python)"


def python_json(module):
    # Compact and UTF-8, as the others write; bytes in and bytes out.
    encoder = module.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return module.loads, lambda value: encoder.encode(value).encode()


# (library, codec) -> (module, its functions: decode, encode).
LIBRARIES = {
    ("json (Python)", "json"): ("json", python_json),
    ("orjson", "json"): ("orjson", lambda module: (module.loads, module.dumps)),
    ("ormsgpack", "msgpack"): ("ormsgpack", lambda module: (module.unpackb, module.packb)),
    ("msgpack (Python)", "msgpack"): ("msgpack", lambda module: (module.unpackb, module.packb)),
    ("msgspec", "json"): ("msgspec.json", lambda module: (module.decode, module.encode)),
    ("msgspec", "msgpack"): ("msgspec.msgpack", lambda module: (module.decode, module.encode)),
    ("tnetstring3", "tnetstring"): ("tnetstring", lambda module: (module.loads, module.dumps)),
}
# Where the package is not called as the module.
PACKAGES = {"tnetstring": "tnetstring3", "msgspec.json": "msgspec", "msgspec.msgpack": "msgspec"}

functions = {}
loaded = {}


def versions(request):
    found = {"python": platform.python_version()}
    if sys.argv[1:2] == ["client"]:
        return client_versions(found, sys.argv[2:3])
    for (library, codec), (name, make) in LIBRARIES.items():
        try:
            functions[library, codec] = make(importlib.import_module(name))
        except ImportError:
            continue
        if name == "json":
            found[library] = platform.python_version()
        else:
            found[library] = importlib.metadata.version(PACKAGES.get(name, name))
    return {"versions": found}


def client_versions(found, checkout):
    try:
        client = import_client()
    except ImportError as error:
        if not checkout:
            return {"versions": found, "reason": str(error)}
        # Not there, or another package of that name.
        for name in [name for name in sys.modules if name.split(".")[0] == "tempest"]:
            del sys.modules[name]
        sys.path.insert(0, checkout[0])
        try:
            client = import_client()
        except ImportError as error:
            return {"versions": found, "reason": str(error)}
    for name, codec in client.codecs.CODECS.items():
        functions[CLIENT, name] = (codec.decode, codec.encode)
    found[CLIENT] = client.__version__
    return {"versions": found}


def import_client():
    client = importlib.import_module("tempest")
    codecs = importlib.import_module("tempest.codecs")
    if not hasattr(codecs, "CODECS"):
        raise ImportError("the package tempest that is installed is another one")
    return client


def typed(codec, payload):
    """The functions of msgspec for the type of a payload."""
    folder = os.path.dirname(os.path.abspath(__file__))
    if folder not in sys.path:
        sys.path.append(folder)  # an isolated interpreter does not look beside its script
    types = importlib.import_module("msgspec_types")
    module = importlib.import_module("msgspec." + codec)
    return module.Decoder(types.TYPES[payload]).decode, module.Encoder().encode


def key(request):
    return request["library"], request["codec"], request["kind"]


def load(request):
    library, codec, kind = key(request)
    decode, encode = typed(codec, request["payload"]) if kind == "tokens" else functions[library, codec]
    loaded.pop(key(request), None)
    with open(request["file"], "rb") as file:
        data = file.read()
    value = decode(data)
    written = encode(value)
    loaded[key(request)] = (decode, encode, data, value)
    with open(request["written"], "wb") as file:
        file.write(written)
    gc.collect()
    return {"bytes": len(written)}


def timed(request):
    decode, encode, data, value = loaded[key(request)]
    function, argument = (decode, data) if request["direction"] == "decode" else (encode, value)
    times = itertools.repeat(None, request["iterations"])
    gc.disable()
    try:
        start = time.thread_time_ns()
        for _ in times:
            function(argument)
        return {"nanoseconds": time.thread_time_ns() - start}
    finally:
        gc.enable()


def main():
    # Ctrl-C is for the program that asks: its end closes standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    what = {"versions": versions, "load": load, "time": timed}
    for line in sys.stdin.buffer:
        try:
            request = json.loads(line)
            answer = what[request["do"]](request)
        except Exception as error:  # whatever a library throws: the answer says it, and the next request is served
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
