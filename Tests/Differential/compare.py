"""Compares the codecs of Swift, Python and Ruby with each other, on values and on mutants. Run by Tests/Differential/run.

Every answer of a peer holds the value as tokens, and the bytes that it writes for it in each codec and canonically: two peers agree
only if all of that is the same. Refusals agree if all refuse; the words may differ.
"""
import argparse
import pathlib
import random
import struct
import subprocess
import sys
import time

import mutation
import oracles

HERE = pathlib.Path(__file__).resolve().parent
CODECS = {"json": b"j", "msgpack": b"m", "tnetstring": b"t"}
FORMS = ("tokens", "json", "msgpack", "tnetstring", "canonical")
BATCH = 200
SHOWN = 20


class Peer:
    """A process that answers frames."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, payload):
        self.process.stdin.write(struct.pack(">I", len(payload)) + payload)
        self.process.stdin.flush()

    def receive(self):
        head = self.process.stdout.read(4)
        if len(head) < 4:
            sys.exit(f"the {self.name} peer ended with status {self.process.wait()} in the middle of the comparison")
        payload = self.process.stdout.read(int.from_bytes(head, "big"))
        return list(blocks(payload))

    def close(self):
        self.process.stdin.close()
        if self.process.wait(timeout=30) != 0:
            sys.exit(f"the {self.name} peer ended with status {self.process.returncode}")


def blocks(payload):
    at = 0
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 4], "big")
        at += 4
        if size == 0xFFFFFFFF:
            yield None
        else:
            yield payload[at : at + size]
            at += size


def forms(answer):
    """The forms of a value that was read, by name."""
    return dict(zip(FORMS, blocks(answer[1:])))


class Comparison:
    def __init__(self, options):
        self.options = options
        self.peers = [
            Peer("Swift", [options.swift]),
            Peer("Python", [sys.executable, str(HERE / "peer.py")]),
            Peer("Ruby", [options.ruby, f"-I{HERE.parents[1] / 'clients/ruby/lib'}", str(HERE / "peer.rb")]),
        ]
        self.differences = []
        self.counts = {}
        self.undecided = 0

    def count(self, *what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def differs(self, codec, data, what):
        self.differences.append((codec, data, what))
        if len(self.differences) <= SHOWN:
            more = "" if len(data) <= 200 else f"… of {len(data)} bytes"
            print(f"DIFFERENCE in {codec}: {what}\n  {data[:200]!r}{more}\n  hex {data[:200].hex()}{more}", flush=True)

    def generate(self, first, count):
        self.peers[0].send(b"G%d %d %d" % (self.options.seed, first, count))
        return [forms(answer) for answer in self.peers[0].receive()]

    def read(self, items):
        """What each peer makes of (codec, bytes)."""
        request = b"D" + b"".join(CODECS[codec] + struct.pack(">I", len(data)) + data for codec, data in items)
        for peer in self.peers:
            peer.send(request)
        return zip(items, zip(*[peer.receive() for peer in self.peers]))

    def judge(self, codec, data, answers):
        """Compares the answers; hands out the forms if the bytes were accepted."""
        accepted = [answer[0] == 1 for answer in answers]
        if not any(accepted):
            self.oracle(codec, data, None)
            return None
        if not all(accepted):
            said = "; ".join(
                f"{peer.name} {'accepts' if answer[0] else 'refuses: ' + answer[1:].decode('utf-8', 'replace')}"
                for peer, answer in zip(self.peers, answers))
            self.differs(codec, data, said)
            return None
        first = forms(answers[0])
        for peer, answer in zip(self.peers[1:], answers[1:]):
            if answer != answers[0]:
                other = forms(answer)
                for form in FORMS:
                    if other[form] != first[form]:
                        self.differs(codec, data, f"{form}: Swift {_short(first[form])}, {peer.name} {_short(other[form])}")
        self.oracle(codec, data, first["tokens"])
        return first

    def oracle(self, codec, data, tokens):
        if codec not in oracles.READERS:
            return
        said = oracles.disagreement(codec, data, tokens)
        if said == "":
            self.undecided += 1
        elif said:
            self.differs(codec, data, f"ours: {_short(tokens)}; {said}")

    def values(self):
        """Generated values: written in every codec, read by everybody, and written again the same."""
        for first in range(0, self.options.values, BATCH):
            written = self.generate(first, min(BATCH, self.options.values - first))
            items = [(codec, value[codec]) for value in written for codec in CODECS if value[codec] is not None]
            expected = [value for value in written for codec in CODECS if value[codec] is not None]
            for ((codec, data), answers), value in zip(self.read(items), expected):
                found = self.judge(codec, data, answers)
                if found is None:
                    if answers[0][0] != 1:
                        self.differs(codec, data, "nobody reads what Swift wrote: " + answers[0][1:].decode("utf-8", "replace"))
                    continue
                self.count("values", codec)
                self.same(codec, data, value, found)
            self.progress("values", first + BATCH)

    def same(self, codec, data, value, found):
        """What was read is what was generated."""
        # Binary that is UTF-8 comes back from tnetstring as text.
        lossy = codec == "tnetstring" and b"b64" in value["json"]
        for form in ["tnetstring"] if lossy else FORMS[:4]:
            if found[form] != value[form]:
                self.differs(codec, data, f"{form} was {_short(value[form])} and came back as {_short(found[form])}")

    def mutants(self):
        """Bytes that are almost documents: everybody accepts the same value, or everybody refuses."""
        rng = random.Random(self.options.seed)
        written = self.generate(1 << 40, 600)
        pools = {codec: [v[codec] for v in written if v[codec] is not None and len(v[codec]) <= 3000] for codec in CODECS}
        for first in range(0, self.options.mutants, BATCH):
            if first % (BATCH * 20) == 0 and first:
                written = self.generate((1 << 40) + first, 200)
                for codec, pool in pools.items():
                    pool[:200] = [v[codec] for v in written if v[codec] is not None and len(v[codec]) <= 3000]
            items = []
            for number in range(first, min(first + BATCH, self.options.mutants)):
                codec = list(CODECS)[number % 3]
                items.append((codec, mutation.mutant(rng, codec, pools[codec])))
            for (codec, data), answers in self.read(items):
                found = self.judge(codec, data, answers)
                if found is not None:
                    self.count("accepted", codec)
                elif all(answer[0] == 0 for answer in answers):
                    self.count("refused", codec)
            self.progress("mutants", first + BATCH)

    def progress(self, what, done):
        if sys.stderr.isatty() or done % 20000 == 0:
            print(f"  {what}: {done}", file=sys.stderr, flush=True)

    def close(self):
        for peer in self.peers:
            peer.close()


def _short(content):
    return "no form" if content is None else repr(content[:200])


def main():
    parser = argparse.ArgumentParser(prog="Tests/Differential/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=100_000, help="generated values (100000)")
    parser.add_argument("--mutants", type=int, default=100_000, help="mutated documents of all codecs together (100000)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32), help="random; it is printed")
    parser.add_argument("--swift", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--ruby", default="ruby", help=argparse.SUPPRESS)
    options = parser.parse_args()
    began = time.monotonic()
    print(f"seed {options.seed}: {options.values} values, {options.mutants} mutants", flush=True)
    comparison = Comparison(options)
    comparison.values()
    comparison.mutants()
    comparison.close()
    for codec in CODECS:
        read, accepted, refused = (comparison.counts.get((what, codec), 0) for what in ("values", "accepted", "refused"))
        print(f"{codec:11} values read back {read:7}   mutants accepted {accepted:6} refused {refused:6}")
    print(f"json and msgpack of Python, as oracles, could not say in {comparison.undecided} cases")
    print(f"differences: {len(comparison.differences)}, in {time.monotonic() - began:.0f} s, seed {options.seed}")
    sys.exit(1 if comparison.differences else 0)


if __name__ == "__main__":
    main()
