"""`tempest front` as a process of its own: on a free loopback port, before a scenario's private Redis, with a log in its folder."""
from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from typing import Any, Dict, List, Optional, Tuple

LISTENING = re.compile(rb"listening on 127\.0\.0\.1:(\d+)")


class FrontProcess:
    """`routes`: as in the front's file, a dict each. It dies with the thread that started it."""

    def __init__(self, folder: str, tempest: str, redis: str, routes: List[Dict[str, Any]]) -> None:
        self.log = os.path.join(folder, "front.log")
        self.port = 0
        self.process: Optional[subprocess.Popen] = None
        self._tempest, self._redis = tempest, redis
        self._file = os.path.join(folder, "front.yaml")
        with open(self._file, "w", encoding="utf-8") as file:
            # JSON is YAML, too.
            # Redis is away for longer than a browser would wait by default.
            settings = {"listen": "127.0.0.1:0", "access_log": False, "grace": 10, "lame": 0, "patience": 30, "routes": routes}
            json.dump(settings, file)

    @property
    def address(self) -> Tuple[str, int]:
        return ("127.0.0.1", self.port)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, patience: float = 20.0) -> None:
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self._tempest, "front", "--config", self._file, "--redis", self._redis],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = time.monotonic() + patience
        while True:
            with open(self.log, "rb") as file:
                found = LISTENING.search(file.read())
            if found:
                self.port = int(found[1])
                return
            if self.process.poll() is not None:
                raise RuntimeError(f"the front ended with {self.process.returncode}; see {self.log}")
            if time.monotonic() > end:
                raise RuntimeError(f"the front does not listen within {patience:g} s; see {self.log}")
            time.sleep(0.01)

    def stop(self, patience: float = 15.0) -> str:
        """SIGTERM; what was wrong with its end, or nothing."""
        assert self.process is not None
        if self.process.poll() is not None:
            return f"the front ended by itself with {self.process.returncode} ({self.log})"
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.close()
            return f"the front did not end within {patience:g} s of SIGTERM ({self.log})"
        return f"the front ended with {code} on SIGTERM ({self.log})" if code != 0 else ""

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
