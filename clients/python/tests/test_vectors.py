"""Runs all of protocol/vectors; a file that is missing, or there and not run here, is a failure."""
import struct
import unittest

from redis_server import RedisServer
from tagged import VECTORS, exact, from_tagged, load, to_bytes
from tempest import addresses, codecs, envelope, values
from tempest.errors import CodecError, EnvelopeError


class Vectors(unittest.TestCase):
    def each(self, entries, check, name="name"):
        self.assertTrue(entries, "no vectors")
        for entry in entries:
            with self.subTest(entry[name]):
                check(entry)

    def test_every_file_is_run(self):
        run = {f"{name}.json" for name in [*codecs.CODECS, "detect", "envelope", "addresses", "functions", "floats", "forms", "routes", "urls"]}
        self.assertEqual(run, {path.name for path in VECTORS.glob("*.json")})

    def test_codecs(self):
        for name, codec in codecs.CODECS.items():
            def valid(entry):
                value, encodings = from_tagged(entry["value"]), [to_bytes(each) for each in entry["encodings"]]
                self.assertEqual(codec.encode(value), encodings[0])
                self.assertEqual(codec.encode(value, canonical=True), to_bytes(entry.get("canonical", entry["encodings"][0])))
                for data in encodings:
                    self.assertEqual(exact(codec.decode(data)), exact(value))

            def invalid(entry):
                self.assertRaises(CodecError, codec.decode, to_bytes(entry["bytes"]))
            def unencodable(entry):
                self.assertRaises(CodecError, codec.encode, from_tagged(entry["value"]))
            def deep(entry):
                data = to_bytes(entry["bytes"])
                self.assertEqual(codec.encode(codec.decode(data)), data) if entry["accepted"] else invalid(entry)

            checks = {"valid": valid, "invalid": invalid, "unencodable": unencodable, "deep": deep}
            for kind, entries in load(f"{name}.json").items():
                self.each(entries, checks[kind])

    def test_detect(self):
        self.each(load("detect.json"), lambda entry: self.assertEqual(
            getattr(codecs.detect(to_bytes(entry["bytes"])), "name", None), entry["codec"]))

    def test_floats(self):
        self.each(load("floats.json"), lambda entry: self.assertEqual(
            values.float_text(struct.unpack(">d", bytes.fromhex(entry["bits"]))[0]), entry["text"]), "text")

    def test_envelopes(self):
        def check(entry, kind, parse, encode=None):
            parsed = parse(to_bytes(entry["bytes"]))
            self.assertEqual(parsed.codec.name, entry["codec"])
            for field, value in entry[kind].items():
                value = {} if field == "meta" and value is None else from_tagged(value)
                self.assertEqual(exact(getattr(parsed, field)), exact(value), field)
            self.assertEqual(encode(parsed) if encode else None, to_bytes(entry["bytes"]) if encode else None)

        def invalid(entry):
            with self.assertRaises(EnvelopeError) as caught:
                envelope.parse_job(to_bytes(entry["bytes"]))
            self.assertEqual(caught.exception.reason, entry["reason"])

        vectors = load("envelope.json")
        self.each(vectors["jobs"], lambda entry: check(entry, "job", envelope.parse_job, envelope.encode_job))
        self.each(vectors["readable"], lambda entry: check(entry, "job", envelope.parse_job))
        self.each(vectors["answers"], lambda entry: check(entry, "answer", envelope.parse_answer, envelope.encode_answer))
        self.each(vectors["invalid"], invalid)

    def test_addresses(self):
        self.each(load("addresses.json"), lambda entry: self.assertEqual(
            addresses.parse_address(entry["respond_to"]),
            addresses.Address(entry["kind"], entry.get("inbox", ""), entry.get("queue", ""))), "respond_to")

    def test_functions(self):
        with RedisServer() as server:
            self.each(load("functions.json"), lambda entry: server.run_vector(self, entry))
