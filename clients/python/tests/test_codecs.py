"""What the vectors do not reach: Python's own types, messages with their place, limits, and hostile sizes in little time."""
import enum
import time
import unittest
from collections import OrderedDict, namedtuple
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import checkout
import msgpack
from tempest import CodecError, ExtType, Limits, codecs, functions


class Codecs(unittest.TestCase):
    def refused(self, call, *args, **options):
        with self.assertRaises(CodecError) as caught:
            call(*args, **options)
        return caught.exception

    def test_python_types_that_are_values(self):
        point = namedtuple("Point", "x y")(1, 2)
        color = enum.IntEnum("Color", "RED")
        for codec in codecs.CODECS.values():
            back = codec.decode(codec.encode([(1, 2), point, color.RED, bytearray(b"\xff"), OrderedDict(b=1, a=2)]))
            self.assertEqual(back, [[1, 2], [1, 2], 1, b"\xff", {"b": 1, "a": 2}])
            self.assertIs(type(back[2]), int)
            self.assertIs(codec.decode(codec.encode(True)), True)

    def test_what_is_no_value_is_named_with_its_place(self):
        for codec in codecs.CODECS.values():
            self.assertIn("give it a tzinfo at value.a", str(self.refused(codec.encode, {"a": datetime(2026, 11, 30)})))
            self.assertIn("not finite", str(self.refused(codec.encode, Decimal("NaN"))))
            for huge in ("1e999999999", "-1e-999999999", "1e1001"):
                self.assertIn("1000 places", str(self.refused(codec.encode, Decimal(huge))))
            east = timezone(timedelta(hours=5))
            self.assertIn("years 1 to 9999", str(self.refused(codec.encode, datetime(1, 1, 1, tzinfo=east))))
            self.assertIn("a date is no value", str(self.refused(codec.encode, date(2026, 11, 30))))
            self.assertIn("a set is no value at value[1].a", str(self.refused(codec.encode, [0, {"a": {1}}])))
            self.assertIn("keys are text", str(self.refused(codec.encode, {1: 2})))
            self.assertIn("surrogate", str(self.refused(codec.encode, ["\ud800"])))
            self.assertIn("integer", str(self.refused(codec.encode, 2**64)))
        endless = []
        endless.append(endless)
        self.assertIn("deeper", str(self.refused(codecs.JSON.encode, endless)))

    def test_errors_name_the_byte(self):
        for codec, data, offset in [(codecs.JSON, '["é",x]'.encode(), 6), (codecs.MSGPACK, b"\x92\x01\xc1", 2),
                                    (codecs.MSGPACK, b"\xdd\xff\xff\xff\xff", 5), (codecs.TNETSTRING, b"6:1:1#9:]", 6)]:
            self.assertEqual(self.refused(codec.decode, data).offset, offset, data)

    def test_extensions_and_timestamps_are_carried_as_they_are(self):
        for value in (ExtType(-128, b""), ExtType(127, b"x" * 300), ExtType(-1, b"\x00" * 12)):
            data = codecs.MSGPACK.encode([value])
            self.assertEqual(codecs.MSGPACK.decode(data), [value])
        self.assertEqual(codecs.MSGPACK.decode(codecs.MSGPACK.encode(msgpack.ExtType(5, b"a"))), ExtType(5, b"a"))
        self.assertRaises(ValueError, ExtType, 128, b"")

    def test_a_binary_marker_is_no_level_of_depth(self):
        value = b"x"
        for _ in range(64):
            value = [value]
        self.assertEqual(codecs.JSON.decode(codecs.JSON.encode(value)), value)
        self.refused(codecs.JSON.decode, b"[" * 64 + b'{"a":1}' + b"]" * 64)

    def test_limits_may_be_set(self):
        for codec in codecs.CODECS.values():
            data = codec.encode([1, 2, [3]])
            codec.decode(data, limits=Limits(depth=2, values=5, bytes=len(data)))
            for limits in (Limits(depth=1), Limits(values=4), Limits(bytes=len(data) - 1)):
                self.refused(codec.decode, data, limits=limits)
                self.refused(codec.encode, [1, 2, [3]], limits=limits)

    def test_a_million_values_and_no_more(self):
        for codec in codecs.CODECS.values():
            whole = codec.encode([0] * 999_999)
            self.assertEqual(len(codec.decode(whole)), 999_999)
            self.refused(codec.encode, [0] * 1_000_000)
        self.refused(codecs.JSON.decode, b"[" + b"0," * 999_999 + b"0]")
        self.refused(codecs.MSGPACK.decode, b"\xdd\x00\x0f\x42\x40" + b"\x00" * 1_000_000)

    def test_what_is_too_large_is_refused_before_the_rest_of_it_is_looked_at(self):
        text, wire = "x" * 1_000_000, object()  # whoever comes to the wire says that it is no value
        for codec in codecs.CODECS.values():
            for large in ([text] * 40 + [wire], [text.encode()] * 40 + [wire], {**{f"{text}{i}": 0 for i in range(40)}, "": wire},
                          [[text] * 30, {"a": wire}]):
                self.assertIn("more than 16777216 bytes", str(self.refused(codec.encode, large)))
            for many in ([wire] + [0] * 1_000_000, {"a": [wire] * 1_000_000}, dict.fromkeys(map(str, range(500_000)), wire)):
                self.assertIn("more than 1000000 values", str(self.refused(codec.encode, many)))
            began = time.process_time()
            self.refused(codec.encode, ["x" * 100] * 400_000)  # 40 MB
            self.refused(codec.encode, "x" * 40_000_000)
            self.assertLess(time.process_time() - began, 3, codec.name)

    def test_no_error_carries_a_whole_value(self):
        long = "secret" * 100_000
        for codec in codecs.CODECS.values():
            for value in ({long: {1}}, {long: {"a": {1}}}, [long, {1}], {(long,): 1}, {long + " ": {1}}, Decimal("NaN" + "1" * 10_000), {1, long}):
                self.assertLess(len(str(self.refused(codec.encode, value))), 1000)
            twice = {"json": b'{"%b":1,"%b":2}', "msgpack": b"\x82\xdb\x00\x09\x27\xc0%b\x01\xdb\x00\x09\x27\xc0%b\x01",
                     "tnetstring": b"1200024:600000:%b,1:1#600000:%b,1:2#}"}[codec.name]
            error = self.refused(codec.decode, twice % (long.encode(), long.encode()))
            self.assertIn("comes twice", str(error))
            self.assertLess(len(str(error)), 1000)

    def test_json_names_a_byte_order_mark(self):
        error = self.refused(codecs.JSON.decode, b"\xef\xbb\xbf{}")
        self.assertEqual(str(error), "json: begins with a byte order mark: remove its three bytes, at byte 0")
        for encoding in ("utf-16", "utf-32"):
            self.assertIn("looks like UTF-16 or UTF-32", str(self.refused(codecs.JSON.decode, '{"a":1}'.encode(encoding))))

    def test_hostile_bytes_are_refused_in_no_time(self):
        size = 4 * 1024 * 1024
        for codec, data in [(codecs.JSON, b"[" * size), (codecs.JSON, b'["' + b'\\"' * (size // 2)),
                            (codecs.JSON, b'{"a":' * (size // 5)), (codecs.JSON, b"[" + b"9" * size + b"]"),
                            (codecs.JSON, b"[]" * (size // 2)), (codecs.JSON, b'["' * (size // 2)),
                            (codecs.MSGPACK, b"\x91" * size), (codecs.MSGPACK, b"\xdd\x00\x3f\xff\xf0" * (size // 5)),
                            (codecs.TNETSTRING, b"9" * size), (codecs.TNETSTRING, b"%d:%b#" % (size, b"9" * size))]:
            began = time.process_time()  # others may have the machine meanwhile
            self.refused(codec.decode, data)
            self.assertLess(time.process_time() - began, 3, (codec.name, data[:20]))


class Package(unittest.TestCase):
    def test_the_library_that_it_carries_is_the_protocol_s(self):
        self.assertEqual(functions.source(), (checkout.ROOT / "protocol" / "tempest.lua").read_text("utf-8"))
        self.assertGreaterEqual(functions.revision(), 1)
