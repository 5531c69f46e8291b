"""Time linear in the input: documents that are made to be slow are read and written at n and at 6n bytes.

Swift's families are in Tests/Fuzz/Growth, Ruby's in clients/ruby/test/test_growth.rb.
"""
import gc
import math
import struct
import time
import unittest

import checkout  # noqa: F401
from tempest import CodecError, codecs

# Linear is 6, quadratic 36; what sorts and asks for memory lies between, and so does what a busy machine adds.
BOUND = 14
# Seconds; below this nothing can be told.
GRAIN = 0.004
# Of measurements that are made again only because the machine was busy.
ATTEMPTS = 8
SIZES = (30_000, 180_000)
LONG = b"3.1415926535897932384626433832795028841971"


def deep(depth, wrap, innermost=None):
    value = [] if innermost is None else innermost
    for _ in range(depth):
        value = wrap(value)
    return value


def in_array(value):
    return [value]


def in_map(value):
    return {"k": value}


# Values of about so many bytes, in every codec.
VALUES = {
    "a flat array": lambda n: [i % 10 for i in range(n // 3)],
    "arrays 63 deep": lambda n: [deep(62, in_array) for _ in range(n // 340)],
    "maps 63 deep": lambda n: [deep(62, in_map) for _ in range(n // 620)],
    "a long text 63 deep": lambda n: deep(62, in_array, "a" * (n // 2)),
    "a wide array 62 deep": lambda n: deep(61, in_array, [None] * (n // 3)),
    "keys with a long common beginning": lambda n: {"p" * 64 + str(100_000 + i): 1 for i in range(n // 90)},
    "keys of six digits": lambda n: {str(100_000 + i): 1 for i in range(n // 16)},
    "maps of one key": lambda n: [{"k": 1} for _ in range(n // 12)],
    "short texts": lambda n: [str(1_000_000 + i) for i in range(n // 10)],
    "quotation marks": lambda n: '"\\' * (n // 4),
    "control characters": lambda n: "\x01" * (n // 6),
    "texts with a line end": lambda n: ["abcdefg\n" for _ in range(n // 12)],
    "one quotation mark in a thousand letters": lambda n: ("é" * 499 + '"') * (n // 1000),
    "letters of four bytes": lambda n: "\U0001f600" * (n // 4),
    "binary": lambda n: b"\xff" * (n * 3 // 4),
    "small binaries": lambda n: [b"\xff" for _ in range(n // 15)],
    "floats of seventeen digits": lambda n: [1.0 / (i + 3) for i in range(n // 20)],
    "floats with exponents": lambda n: [1.0e-300 / (i + 3) for i in range(n // 20)],
}


def array_of(item, count):
    return b"[" + b",".join([item] * count) + b"]"


def packed(count, content):
    return b"\xdd" + struct.pack(">I", count) + content


def framed(content, tag):
    return b"%d:%b%b" % (len(content), content, tag)


# Forms that no writer makes, and forms that are refused: the codec, whether it reads them, and bytes.
BYTES = {
    "escapes of one letter": ("json", True, lambda n: b'"' + b"\\n" * (n // 2) + b'"'),
    "escapes of four digits": ("json", True, lambda n: b'"' + b"\\u00e9" * (n // 6) + b'"'),
    "escapes of pairs": ("json", True, lambda n: b'"' + b"\\ud83d\\ude00" * (n // 12) + b'"'),
    "short strings with escapes": ("json", True, lambda n: array_of(b'"\\u00e9\\n"', n // 11)),
    "a string that does not end": ("json", False, lambda n: b'"' + b"\\n" * (n // 2)),
    "a lone surrogate at the end": ("json", False, lambda n: b'"' + b"\\u0041" * (n // 6) + b'\\ud800"'),
    "an invalid letter at the end": ("json", False, lambda n: b'"' + "é".encode() * (n // 2) + b'\xff"'),
    "brackets that do not end": ("json", False, lambda n: b"[" * n),
    "arrays that do not end, side by side": ("json", False, lambda n: b"[" + b"[]," * (n // 3)),
    "an integer of many digits": ("json", False, lambda n: b"9" * n),
    "a float of many digits": ("json", True, lambda n: b"0." + b"3" * n),
    "a float of many zeros": ("json", True, lambda n: b"0." + b"0" * n + b"1"),
    "floats of 41 digits": ("json", True, lambda n: array_of(LONG, n // 43)),
    "floats in the middle": ("json", True, lambda n: array_of(b"9007199254740993." + b"0" * 25, n // 43)),
    "exponents of a thousand zeros": ("json", True, lambda n: array_of(b"1e" + b"0" * 1000 + b"1", n // 1004)),
    "an exponent of many zeros": ("json", True, lambda n: b"1e" + b"0" * n),
    "an exponent of many digits": ("json", False, lambda n: b"1e" + b"9" * n),
    "white space": ("json", True, lambda n: b"[" + b" \n" * (n // 2) + b"]"),
    "white space behind brackets that open": ("json", False, lambda n: (b"{" + b" " * (n // 60)) * 60),
    "the first key again at the end": ("json", False, lambda n: b"{" + b"".join(b'"%d":1,' % (100_000 + i) for i in range(n // 11)) + b'"100000":1}'),
    "a long key twice": ("json", False, lambda n: b'{"%b":1,"%b":1}' % (b"k" * (n // 2), b"k" * (n // 2))),
    "many maps with one key twice at the end": ("json", False, lambda n: b"[" + b'{"a":1},' * (n // 8) + b'{"a":1,"a":1}]'),
    "a key of dollar signs": ("json", True, lambda n: b'{"' + b"$" * n + b'b64":""}'),
    "markers of binary with one more dollar sign": ("json", True, lambda n: array_of(b'{"$$b64":"YQ=="}', n // 17)),
    "markers of binary that are none": ("json", True, lambda n: array_of(b'{"$b64":"YQ="}', n // 15)),
    "a length of many digits": ("tnetstring", False, lambda n: b"9" * n),
    "lengths that claim everything": ("tnetstring", False, lambda n: b"999999999:" * (n // 10)),
    "lengths that claim what is left": ("tnetstring", False, lambda n: b"".join(b"%d:" % max(n - 9 * i, 10_000) for i in range(n // 9))),
    "an integer of many digits in tnetstring": ("tnetstring", False, lambda n: framed(b"9" * n, b"#")),
    "a float of many digits in tnetstring": ("tnetstring", True, lambda n: framed(b"0." + b"3" * n, b"^")),
    "a float that ends wrongly": ("tnetstring", False, lambda n: framed(b"9" * n + b"x", b"^")),
    "floats of 41 digits in tnetstring": ("tnetstring", True, lambda n: framed(framed(LONG, b"^") * (n // 46), b"]")),
    "values without an end of the array": ("tnetstring", False, lambda n: b"%d:" % n + b"0:~" * (n // 3)),
    "arrays that do not end": ("msgpack", False, lambda n: b"\x91" * n),
    "headers that each claim all the rest": ("msgpack", False, lambda n: b"".join(packed(n - 5 * i - 5, b"") for i in range(n // 5))),
    "0xC1 at the end of many": ("msgpack", False, lambda n: packed(n, b"\x01" * (n - 1) + b"\xc1")),
    "the longest forms": ("msgpack", True, lambda n: packed(n // 9, (b"\xd3" + struct.pack(">q", 1)) * (n // 9))),
    "exts of one byte": ("msgpack", True, lambda n: packed(n // 3, b"\xd4\x05\x00" * (n // 3))),
    "keys of bin": ("msgpack", True, lambda n: packed(n // 5, b"\x81\xc4\x01k\x01" * (n // 5))),
}


def spent(use, given):
    """Seconds of processor time; garbage is not looked for meanwhile."""
    began = time.process_time()
    use(given)
    return time.process_time() - began


class Growth(unittest.TestCase):
    def setUp(self):
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)

    def linear(self, name, given, use):
        """Six times the bytes take about six times the time. A machine that is busy can only make it look worse than it is."""
        first = second = best = math.inf
        for attempt in range(ATTEMPTS):
            # Twice the smaller one, too: if that was disturbed, the larger one would look well.
            first = min(first, spent(use, given[0]), spent(use, given[0]))
            second = min(second, spent(use, given[1]))
            best = second / max(first, GRAIN / BOUND)
            if second < GRAIN or best <= BOUND:
                return
            if attempt >= 2 and best > 2 * BOUND:
                break  # no machine is that busy
        self.fail(f"{name}: {best:.2f} times as long for six times the bytes")

    def test_values_are_written_and_read_in_linear_time(self):
        for codec in codecs.CODECS.values():
            for name, make in VALUES.items():
                with self.subTest(codec=codec.name, of=name):
                    given = [make(n) for n in SIZES]
                    self.linear("written", given, codec.encode)
                    if name.startswith("keys"):
                        self.linear("sorted", given, lambda value: codec.encode(value, canonical=True))
                    self.linear("read", [codec.encode(value) for value in given], codec.decode)

    def test_what_no_writer_makes_is_read_or_refused_in_linear_time(self):
        for name, (codec, read, make) in BYTES.items():
            with self.subTest(codec=codec, of=name):
                self.linear("read", [make(n) for n in SIZES], lambda data: self.used(codecs.named(codec), data, read))

    def used(self, codec, data, read):
        try:
            codec.decode(data)
        except CodecError:
            if read:
                raise
        else:
            self.assertTrue(read, "it should have been refused")

    def test_what_grows_with_the_square_is_noticed(self):
        """The measurement itself."""
        with self.assertRaises(AssertionError):
            self.linear("a search for each element", [list(range(n // 40)) for n in SIZES], lambda every: [each in every for each in every])


if __name__ == "__main__":
    unittest.main()
