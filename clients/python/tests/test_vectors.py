"""Runs all of protocol/vectors; a file that is missing, or there and not run here, is a failure."""
import contextlib
import hashlib
import json
import re
import struct
import time
import unittest
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import checkout
from decisions import Decisions
from redis_server import RedisServer
from tagged import VECTORS, exact, from_tagged, load, to_bytes
from tempest import Worker, addresses, codecs, envelope, values
from tempest.client import Stream, _value
from tempest.errors import CallTimeout, CodecError, EnvelopeError, RemoteError
from tempest.inbox import Inbox
from tempest.observer import Observer
from tempest.outage import Outage
from tempest.weights import Shares


class Vectors(unittest.TestCase):
    def each(self, entries, check, name="name"):
        self.assertTrue(entries, "no vectors")
        for entry in entries:
            with self.subTest(entry[name]):
                check(entry)

    def test_every_file_is_run(self):
        run = {f"{name}.json" for name in [*codecs.CODECS, "assembly", "detect", "direct", "envelope", "addresses", "functions", "floats", "forms", "observer",
                                           "rights", "routes", "types", "urls", "weights", "decisions", "retries", "limits"]}
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

    def test_types(self):
        epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)

        def check(entry):
            kind, form = entry["type"], entry["form"]
            if kind == "moment":
                moment = epoch + timedelta(seconds=entry["unix"], microseconds=entry["nanoseconds"] // 1000)
                self.assertEqual(datetime.fromisoformat(re.sub("Z$", "+00:00", form)), moment)
                # In whatever zone it is, as far as the calendar goes.
                natural = [moment] if moment.year in (1, 9999) else [moment, moment.astimezone(timezone(timedelta(hours=5, minutes=30)))]
            elif kind == "decimal":
                natural = [Decimal(entry["digits"])]
                self.assertEqual(Decimal(form), natural[0])
            else:
                natural = [uuid.UUID(entry["digits"]) if kind == "uuid" else entry["text"]]
            for value in natural:
                for codec in codecs.CODECS.values():
                    self.assertEqual(codec.decode(codec.encode({"a": [value]})), {"a": [form]})

        self.each(load("types.json"), check, "form")

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
            addresses.Address(entry["kind"], entry.get("inbox", ""), entry.get("queue", ""), entry.get("host", ""),
                              entry.get("port", 0))), "respond_to")

    def test_weights(self):
        def valid(entry):
            shares = Shares([level for level, _ in entry["weights"]], dict(entry["weights"]))
            for number, claim in enumerate(entry["claims"]):
                self.assertEqual(shares.next(claim["want"]), claim["quotas"], f"claim {number}")
                if "came" in claim:
                    shares.cut_short({level: came for (level, _), came in zip(entry["weights"], claim["came"])})

        vectors = load("weights.json")
        self.each(vectors["valid"], valid)
        self.each(vectors["refused"], lambda entry: self.assertRaises(
            ValueError, Worker, "q", entry["levels"], weights=dict(entry["weights"])))

    def test_assembly(self):
        class Silent:
            def _say(self, *_):
                pass

        def key(job_id):
            return (type(job_id).__name__, job_id)

        def check(entry):
            inbox = Inbox("redis://127.0.0.1:1", "q", Outage())  # never started: it is given what comes
            waiting = {}
            for job in entry["jobs"]:
                job_id = from_tagged(job["job_id"])
                reply = inbox.expect(job_id, job["wants"] == "last")
                waiting[key(job_id)] = reply, None if job["wants"] == "last" else Stream(Silent(), inbox, job_id, reply, 0.0)

            def take(reply, stream):
                return next(stream) if stream else _value(reply.take(time.monotonic()))

            def waits(reply, stream):
                # By the reply itself: a stream that has waited in vain is over. What has no value is passed over as it is there.
                while True:
                    try:
                        answer = reply.take(time.monotonic())
                    except CallTimeout:
                        return
                    self.assertTrue(answer.more and not answer.args, "there is an answer")

            for number, step in enumerate(entry["steps"]):
                with self.subTest(step=number):
                    if "answer" in step:
                        inbox.deliver(to_bytes(step["answer"]))
                        continue
                    reply, stream = waiting[key(from_tagged(step["take"]))]
                    if "waits" in step:
                        waits(reply, stream)
                    elif "end" in step:
                        self.assertRaises(StopIteration, take, reply, stream)
                    elif "error" in step:
                        with self.assertRaises(RemoteError) as caught:
                            take(reply, stream)
                        self.assertEqual(caught.exception.code, step["error"]["code"])
                        if "message" in step["error"]:
                            self.assertEqual(caught.exception.message, step["error"]["message"])
                            self.assertEqual(exact(caught.exception.details), exact(from_tagged(step["error"].get("details"))))
                    else:
                        self.assertEqual(exact(take(reply, stream)), exact(from_tagged(step["value"] if "value" in step else None)))
            self.assertEqual(inbox.late, entry["late"])

        with self.assertLogs("tempest", "WARNING") as logged:
            self.each(load("assembly.json")["inboxes"], check)
        self.assertEqual(len(logged.records), 12, "what is no answer is logged once each")

    def test_observer(self):
        def check(entry):
            observer = Observer()
            for number, look in enumerate(entry["looks"]):
                if "failed" in look:
                    observer.restart()
                    continue
                others = [(process, counter, lease / 1000) for process, counter, lease in look["processes"]]
                dead = observer.looked(look["sent"] / 1000, look["received"] / 1000, others)
                self.assertEqual([process for process, _ in dead], look["dead"], f"look {number}")

        self.each(load("observer.json")["observers"], check)

    def test_limits(self):
        wide = values.Limits(depth=100, values=2_000_000, bytes=2**25)

        def check(entry):
            data = b"".join(to_bytes(part) * times for part, times in entry["parts"])
            if "envelope" in entry:
                try:
                    envelope.parse_job(data)
                    found = None
                except EnvelopeError as error:
                    found = error.reason
                self.assertEqual(found, entry.get("reason"))
                self.assertEqual(found is None, entry["accepted"])
                return
            codec = codecs.named(entry["codec"])
            if entry["accepted"]:
                self.assertTrue(codec.encode(codec.decode(data)) == data)
            else:
                self.assertRaises(CodecError, codec.decode, data)
                self.assertRaises(CodecError, codec.encode, codec.decode(data, limits=wide))

        self.each(load("limits.json"), check)

    def test_decisions(self):
        decisions = Decisions()
        self.addCleanup(decisions.close)
        for file in ("decisions.json", "retries.json"):
            self.each(sorted(load(file), key=lambda entry: json.dumps(entry.get("worker", {}))), lambda entry: decisions.run(self, entry))
        answered, retried = ({entry["name"]: entry for entry in load("decisions.json")}[name] for name in (
            "json: a value", "a handler asks for another attempt, without a time"))
        for entry, wrong in [(answered, {"outcome": "failed"}), (answered, {"outcome": "dead exhausted *"}), (answered, {"inbox": "other"}),
                             (answered, {"answer": {"utf8": "[]"}}), (answered, {"pushes": {"x": [{"utf8": "[]"}]}}), (retried, {"ms": [0, 7499]}),
                             (retried, {"answer": {"codec": "msgpack", "value": {"any": True}}})]:
            with self.subTest(wrong), self.assertRaises(AssertionError, msg="the runner sees no fault"):
                decisions.run(self, {**entry, "then": {**entry["then"], **wrong}})

    def test_functions(self):
        with RedisServer() as server:
            entries = load("functions.json")
            self.each([entry for entry in entries if "published" not in entry], lambda entry: server.run_vector(self, entry))
            with contextlib.closing(server.listening()) as listener:
                self.each([entry for entry in entries if "published" in entry],
                          lambda entry: server.run_vector(self, entry, listener))


class Library(unittest.TestCase):
    def test_the_revision_rises_whenever_the_functions_change(self):
        """A server keeps a library whose revision is not lower: workers would go on with the old one."""
        source = (checkout.ROOT / "protocol" / "tempest.lua").read_text(encoding="utf-8")
        code = "\n".join(line for line in (re.sub(r"(^|\s)--.*$", "", line).rstrip() for line in source.split("\n")) if line)
        found = {"revision": int(re.search(r"(?m)^local REVISION = (\d+)$", source)[1]), "sha256": hashlib.sha256(code.encode()).hexdigest()}
        kept = json.loads((checkout.ROOT / "protocol" / "revision.json").read_text(encoding="utf-8"))
        self.assertEqual(found, kept, "the code of protocol/tempest.lua has changed: raise REVISION (also in Swift's FunctionLibrary and in "
                                      "vectors/functions.json), and write both down in protocol/revision.json")
