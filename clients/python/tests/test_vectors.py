"""Runs all of protocol/vectors; a file that is there and not run here is a failure, and so is one that is missing."""
import struct
import unittest

from redis_server import RedisServer
from tagged import VECTORS, exact, from_tagged, load, to_bytes
from tempest import addresses, codecs, envelope, values
from tempest.errors import CodecError, EnvelopeError


class Vectors(unittest.TestCase):
    def each(self, entries, key="name"):
        self.assertTrue(entries, "an empty file of vectors")
        for entry in entries:
            with self.subTest(entry[key]):
                yield entry

    def test_every_file_is_run(self):
        run = {f"{name}.json" for name in [*codecs.CODECS, "detect", "envelope", "addresses", "functions", "floats"]}
        self.assertEqual(run, {path.name for path in VECTORS.glob("*.json")})

    def test_codecs(self):
        for name, codec in codecs.CODECS.items():
            vectors = load(f"{name}.json")
            for entry in self.each(vectors["valid"]):
                value, encodings = from_tagged(entry["value"]), [to_bytes(e) for e in entry["encodings"]]
                self.assertEqual(codec.encode(value), encodings[0])
                self.assertEqual(codec.encode(value, canonical=True), to_bytes(entry.get("canonical") or entry["encodings"][0]))
                for data in encodings:
                    self.assertEqual(exact(codec.decode(data)), exact(value))
            for entry in self.each(vectors["invalid"]):
                self.assertRaises(CodecError, codec.decode, to_bytes(entry["bytes"]))
            for entry in self.each(vectors["unencodable"]):
                self.assertRaises(CodecError, codec.encode, from_tagged(entry["value"]))
            for entry in self.each(vectors.get("deep", [{"name": "none"}])):
                if entry.get("accepted"):
                    self.assertEqual(codec.encode(codec.decode(to_bytes(entry["bytes"]))), to_bytes(entry["bytes"]))
                elif "bytes" in entry:
                    self.assertRaises(CodecError, codec.decode, to_bytes(entry["bytes"]))

    def test_detect(self):
        for entry in self.each(load("detect.json")):
            self.assertEqual(getattr(codecs.detect(to_bytes(entry["bytes"])), "name", None), entry["codec"])

    def test_floats(self):
        for entry in self.each(load("floats.json"), "text"):
            self.assertEqual(values.float_text(struct.unpack(">d", bytes.fromhex(entry["bits"]))[0]), entry["text"])

    def test_envelopes(self):
        vectors = load("envelope.json")
        for kind, parse, encode in [("job", envelope.parse_job, envelope.encode_job),
                                    ("answer", envelope.parse_answer, envelope.encode_answer)]:
            for entry in self.each(vectors[f"{kind}s"]):
                parsed = parse(to_bytes(entry["bytes"]))
                self.assertEqual(parsed.codec.name, entry["codec"])
                for field, value in entry[kind].items():
                    self.assertEqual(exact(getattr(parsed, field) or None), exact(from_tagged(value) or None), field)
                self.assertEqual(encode(parsed), to_bytes(entry["bytes"]))
        for entry in self.each(vectors["invalid"]):
            with self.assertRaises(EnvelopeError) as caught:
                envelope.parse_job(to_bytes(entry["bytes"]))
            self.assertEqual(caught.exception.reason, entry["reason"])

    def test_addresses(self):
        for entry in self.each(load("addresses.json"), "respond_to"):
            address = addresses.parse_address(entry["respond_to"])
            self.assertEqual((address.kind, address.inbox, address.queue),
                             (entry["kind"], entry.get("inbox", ""), entry.get("queue", "")))

    def test_functions(self):
        with RedisServer() as server:
            for entry in self.each(load("functions.json")):
                server.run_vector(self, entry)
