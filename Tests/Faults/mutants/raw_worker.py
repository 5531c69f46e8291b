#!/usr/bin/python3
"""A small raw worker of tier 1 with one slot, as somebody might write it from protocol/README.md; and with a known mistake.

    TEMPEST_PROCESS=name REDIS_URL=… raw_worker.py QUEUE --journal FILE --mistake none|blpop|adopt-by-position
"""
import argparse
import json
import os
import secrets
import select
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
from wire import ErrorReply, Gone, Wire  # noqa: E402

LEVELS = ("high", "default", "low")


class Fenced(Exception):
    pass


class RawWorker:
    def __init__(self, queue, journal, mistake, url, name):
        self.queue, self.mistake, self.url, self.name = queue, mistake, url, name
        self.journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.stopping = False
        self.p = None

    def wire(self):
        address = self.url[7:] if self.url.startswith("unix://") else tuple(self.url[8:].split(":"))
        if isinstance(address, tuple):
            address = (address[0], int(address[1]))
        wire = Wire(address, 10.0)
        wire.open()
        if self.p:
            wire.call("CLIENT", "SETNAME", f"tempest:{self.p}")
        return wire

    def key(self, level):
        return self.queue if level == "default" else f"{{{self.queue}}}:{level}"

    def call(self, name, *arguments):
        try:
            return self.main.call("FCALL", f"tempest1_{name}", 1, self.queue, *arguments)
        except ErrorReply as error:
            if error.word == "FENCED":
                raise Fenced from None
            raise

    # Connections

    def connect(self, new):
        self.main = self.wire()
        self.parks = {level: self.wire() for level in LEVELS}
        server = self.main.call("INFO", "server").decode()
        run_id = next(line[7:] for line in server.splitlines() if line.startswith("run_id:"))
        mine = [f"{run_id}/{wire.call('CLIENT', 'ID')}" for wire in (self.main, *self.parks.values())]
        self.ids = {level: place.split("/")[1] for level, place in zip(LEVELS, mine[1:])}
        if new:
            self.call("hello", self.p, "new", *mine)
            self.call("levels", *LEVELS)
            self.number = 0
            return
        for other in self.call("hello", self.p, "again", *mine)[1:]:
            run, number = other.decode().split("/")
            if run == run_id and f" name=tempest:{self.p} ".encode() in self.main.call("CLIENT", "LIST", "ID", number):
                try:
                    self.main.call("CLIENT", "KILL", "ID", number)
                except ErrorReply:
                    pass
        self.call("hello", self.p, "only", *mine)

    def close(self):
        for wire in (self.main, *self.parks.values()):
            wire.close()

    # Jobs

    def write(self, job, event):
        os.write(self.journal, f"{job} {os.getpid()} {time.monotonic_ns()} {event}\n".encode())

    def handle(self, payload):
        """(inbox, answer)"""
        action, args, inbox, job = json.loads(payload)[:4]
        self.write(job, "begin")
        time.sleep(args[1] / 1000)
        self.write(job, "end")
        return inbox or "", json.dumps([action, job, [args[0]]])

    def run_claim(self, field, payload):
        inbox, answer = self.handle(payload)
        while True:
            try:
                self.call("settle", self.p, field, "done", inbox, answer)
                return
            except Gone:
                self.reconnect()  # the same settle again: if the first arrived, this one is refused as stale

    @staticmethod
    def jobs(reply):
        return [(f"{reply[place].decode()}.{reply[place + 1] + offset}", payload)
                for place in range(1, len(reply), 3) for offset, payload in enumerate(reply[place + 2])]

    def claim(self):
        try:
            reply = self.call("claim", self.p, self.number + 1, 1, 1 << 20, *LEVELS)
        except ErrorReply as error:
            if error.word != "RESYNC":
                raise
            return self.unknown()
        self.number += 1
        return self.jobs(reply)

    def unknown(self):
        """What Redis says that P holds: with one slot, and nothing running, all of it was never seen."""
        run = self.main.call("HGETALL", f"{{{self.queue}}}:!run:{self.p}")
        fields = dict(zip((field.decode() for field in run[::2]), run[1::2]))
        self.number = int(fields.get("#", 0))
        return [(field, payload) for field, payload in fields.items() if "." in field]

    def park(self):
        """Waits on all levels; what is to be run then."""
        for level, wire in self.parks.items():
            wire.send("BLMOVE", self.key(level), f"{{{self.queue}}}:!land:{self.p}:{level}", "LEFT", "RIGHT", 1)
        ready = []
        while not ready and not self.stopping:
            ready = select.select(list(self.parks.values()), [], [], 0.1)[0]
        for level, wire in self.parks.items():
            if wire not in ready:
                self.main.call("CLIENT", "UNBLOCK", self.ids[level])
        replies = [wire.receive() for wire in self.parks.values()]
        returned = [reply for reply in replies if reply is not None and not isinstance(reply, ErrorReply)]
        landed = self.jobs(self.call("adopt", self.p, *LEVELS))
        if self.mistake == "adopt-by-position":
            # The mistake: the replies are taken for what landed, in this order. A reply that was lost shifts them.
            return [(field, payload) for (field, _), payload in zip(landed, returned)]
        return landed

    def reconnect(self):
        self.close()
        while True:
            try:
                return self.connect(False)
            except (Gone, OSError):
                time.sleep(0.05)

    def take_stock(self):
        """After a cut: what landed, and what was claimed by a call whose reply was lost."""
        while True:
            try:
                if self.mistake != "adopt-by-position":  # which believes that what landed comes with the next wake
                    self.call("adopt", self.p, *LEVELS)
                return self.unknown()
            except Gone:
                self.reconnect()

    def work(self):
        while not self.stopping:
            try:
                self.call("beat", self.p)
                found = self.claim() or self.jobs(self.call("suspect", self.p)) or self.park()
            except (Gone, OSError):
                self.reconnect()
                found = self.take_stock()
            except ErrorReply as error:
                if error.word in ("OOM", "MISCONF", "LOADING") or "stumbled" in str(error):
                    time.sleep(0.05)
                    continue
                raise
            # One slot: the others go back to the head, so that another worker may have them.
            if len(found) > 1 and self.mistake == "none":
                try:
                    self.call("giveback", self.p, *[field for field, _ in found[1:]])
                except Gone:
                    continue  # the next call finds the connection broken, and takes stock
                found = found[:1]
            for field, payload in found:
                self.run_claim(field, payload)
        self.call("goodbye", self.p, *LEVELS)

    def run(self):
        while not self.stopping:
            self.p = f"{self.name}.{secrets.token_hex(13).upper()}"
            try:
                self.connect(True)
                self.work()
            except Fenced:
                self.close()

    def run_blpop(self):
        """The mistake: what was popped is nowhere but in this process."""
        self.p = f"{self.name}.{secrets.token_hex(13).upper()}"
        self.connect(True)
        while not self.stopping:
            try:
                popped = self.main.call("BLPOP", *[self.key(level) for level in LEVELS], 0.2)
            except Gone:
                self.reconnect()
                continue
            if popped:
                inbox, answer = self.handle(popped[1])
                self.main.call("RPUSH", f"{{{self.queue}}}:in:{inbox}", answer)
        self.call("goodbye", self.p, *LEVELS)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queue")
    parser.add_argument("--journal", required=True)
    parser.add_argument("--mistake", default="none", choices=["none", "blpop", "adopt-by-position"])
    options = parser.parse_args()
    worker = RawWorker(options.queue, options.journal, options.mistake, os.environ["REDIS_URL"], os.environ["TEMPEST_PROCESS"])

    def stop(*_):
        worker.stopping = True
    signal.signal(signal.SIGTERM, stop)
    worker.run_blpop() if options.mistake == "blpop" else worker.run()


if __name__ == "__main__":
    main()
