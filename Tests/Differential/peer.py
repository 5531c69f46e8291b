"""The Python side of the comparison of languages: reads bytes, and writes what it read in every codec.

Started by compare.py; Sources/Frames.swift and Sources/Tokens.swift say what goes through the pipes.
"""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python" / "src"))

from tempest import CodecError, codecs  # noqa: E402

NAMES = {b"j": codecs.JSON, b"m": codecs.MSGPACK, b"t": codecs.TNETSTRING}


def put_tokens(value, put):
    kind = type(value)
    if value is None:
        put(b"n")
    elif kind is bool:
        put(b"t" if value else b"f")
    elif kind is int:
        put(b"i%d;" % value)
    elif kind is float:
        put(b"d" + struct.pack(">d", value).hex().encode("ascii"))
    elif kind is str:
        content = value.encode("utf-8")
        put(b"s%d:%b" % (len(content), content))
    elif kind is bytes:
        put(b"b%d:%b" % (len(value), value))
    elif kind is list:
        put(b"[")
        for item in value:
            put_tokens(item, put)
        put(b"]")
    elif kind is dict:
        put(b"{")
        for key, item in value.items():
            put_tokens(key, put)
            put_tokens(item, put)
        put(b"}")
    else:
        put(b"e%d,%d:%b" % (value.code, len(value.data), value.data))


def block(content):
    return b"\xff\xff\xff\xff" if content is None else struct.pack(">I", len(content)) + content


def written(value, codec, canonical=False):
    try:
        return codec.encode(value, canonical=canonical)
    except CodecError:
        return None


def answer(data, codec):
    try:
        value = codec.decode(data)
    except CodecError as error:
        return b"\x00" + str(error).encode("utf-8", "backslashreplace")
    tokens = []
    put_tokens(value, tokens.append)
    forms = [written(value, each) for each in (codecs.JSON, codecs.MSGPACK, codecs.TNETSTRING)]
    return b"\x01" + b"".join(block(form) for form in [b"".join(tokens), *forms, written(value, codec, canonical=True)])


def main():
    pipe_in, pipe_out = sys.stdin.buffer, sys.stdout.buffer
    while head := pipe_in.read(4):
        frame = pipe_in.read(int.from_bytes(head, "big"))
        at, answers = 1, []
        while at < len(frame):
            codec, size = NAMES[frame[at : at + 1]], int.from_bytes(frame[at + 1 : at + 5], "big")
            answers.append(block(answer(frame[at + 5 : at + 5 + size], codec)))
            at += 5 + size
        pipe_out.write(block(b"".join(answers)))
        pipe_out.flush()


if __name__ == "__main__":
    main()
