"""examples/front as a person starts it, and a Chromium that looks at it. Before it: Tests/run. After it: test_front.py."""
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / ".build" / "screenshots"
PATIENCE = 15  # seconds that a page has, on a machine that does much else


class Showcase:
    """run.sh in a session of its own, with a folder for what it leaves behind: nothing, once it has ended."""

    def __init__(self, **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="tempest-browser-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        # Where this runs in the background SIGINT is ignored, and so it would be by the script.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        kept = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        self.process = subprocess.Popen(
            [str(ROOT / "examples" / "front" / "run.sh"), str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
            env={**kept, "TMPDIR": self.folder.name, **environment})
        self.lines = []
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            if "Ctrl-C ends it" in line:
                self.ready.set()
        self.ready.set()

    @property
    def log(self):
        return "".join(self.lines)

    def wait(self, seconds=90):
        if not self.ready.wait(seconds) or self.process.poll() is not None:
            raise AssertionError(f"examples/front/run.sh is not ready:\n{self.log}")

    def interrupt(self, seconds=30):
        """Ctrl-C, as a terminal sends it. The status of run.sh, what is left in its folder, and the processes that are left."""
        os.killpg(self.process.pid, signal.SIGINT)
        status = self.process.wait(seconds)
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        return status, os.listdir(self.folder.name), left

    def processes(self):
        """The command lines of all processes that were started by run.sh: they have its TMPDIR."""
        mark, found = f"TMPDIR={self.folder.name}\0".encode(), []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if not entry.name.isdigit() or mark not in (entry / "environ").read_bytes():
                    continue
                if command := (entry / "cmdline").read_bytes():  # a zombie has none
                    found.append(command.replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                pass  # it has ended, or it is another user's
        return found

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(5)
        self.process.stdout.close()
        self.folder.cleanup()


def chromium(folder):
    """A headless Chromium that needs neither a display nor a sandbox (root in a container has none), and asks nobody else."""
    options = Options()
    options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--no-proxy-server",
                     "--force-color-profile=srgb", "--hide-scrollbars", "--window-size=1280,1180", f"--user-data-dir={folder}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")), options=options)
    driver.set_page_load_timeout(PATIENCE * 2)
    driver.set_script_timeout(PATIENCE)
    return driver
