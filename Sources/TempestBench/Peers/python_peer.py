"""Measures Python's libraries for `tempest bench codecs --compare`.

Reads requests from standard input, a line of JSON each, and answers each with a line of JSON:

  {"do": "versions"}                                        -> {"versions": {"python": "3.11.2", "orjson": "3.13.0", ...}}
  {"do": "load", "library": "orjson", "file": "/tmp/..."}   -> {"bytes": 119}    the file is decoded; how long it is written again
  {"do": "time", "library": "orjson", "direction": "decode", "iterations": 1000}  -> {"nanoseconds": 1234567}

What fails is answered with {"error": "..."}. Times are processor time of the thread: what others do on the machine is not in them.
Garbage collection is off while a batch runs, as in the standard library's timeit: results are freed by their reference counts all
the same. Ends with its standard input.
"""

import gc
import importlib
import importlib.metadata
import itertools
import json
import platform
import signal
import sys
import time


def python_json(module):
    # Compact and UTF-8, as the others write; bytes in and bytes out.
    encoder = module.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return module.loads, lambda value: encoder.encode(value).encode()


# Name of the library -> (module, its functions: decode, encode).
LIBRARIES = {
    "json (Python)": ("json", python_json),
    "orjson": ("orjson", lambda module: (module.loads, module.dumps)),
    "ormsgpack": ("ormsgpack", lambda module: (module.unpackb, module.packb)),
    "msgpack (Python)": ("msgpack", lambda module: (module.unpackb, module.packb)),
    "tnetstring3": ("tnetstring", lambda module: (module.loads, module.dumps)),
}
# Where the package is not called as the module.
PACKAGES = {"tnetstring": "tnetstring3"}

functions = {}
loaded = {}


def versions(request):
    found = {"python": platform.python_version()}
    for library, (name, make) in LIBRARIES.items():
        try:
            functions[library] = make(importlib.import_module(name))
        except ImportError:
            continue
        if name == "json":
            found[library] = platform.python_version()
        else:
            found[library] = importlib.metadata.version(PACKAGES.get(name, name))
    return {"versions": found}


def load(request):
    library = request["library"]
    decode, encode = functions[library]
    loaded.pop(library, None)
    with open(request["file"], "rb") as file:
        data = file.read()
    value = decode(data)
    written = encode(value)
    loaded[library] = (data, value)
    if "written" in request:
        with open(request["written"], "wb") as file:
            file.write(written)
    gc.collect()
    return {"bytes": len(written)}


def timed(request):
    decode, encode = functions[request["library"]]
    data, value = loaded[request["library"]]
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
