"""A real front with a folder for uploads, its Redis, and applications behind the gateways of Python and Ruby.

TEMPEST says which program is the front.
"""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE / ".venv" / "bin" / "python"
sys.path.insert(0, str(ROOT / "clients" / "python" / "tests"))

import checkout  # noqa: E402, F401 -- says where tempest is
from redis_server import RedisServer, wait_for  # noqa: E402

TEMPEST = os.environ.get("TEMPEST", str(ROOT / ".build" / "debug" / "tempest"))


def wsgi(app, queue, *options):
    """The command of a worker for a WSGI application of this folder."""
    return [str(PYTHON), "-m", "tempest.wsgi", app, "--queue", queue, *options]


def rack(config, queue, *options):
    """The command of a worker for a Rack application of this folder."""
    ruby = ROOT / "clients" / "ruby"
    return [os.environ.get("RUBY", "ruby"), "-I", str(ruby / "lib"), str(ruby / "exe" / "tempest-rack"), str(HERE / config), "--queue", queue,
            *options]


class Fronted:
    """`routes` are maps as in the front's file; `workers` are commands, which get --uploads, and `environment`."""

    def __init__(self, routes, workers, **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="tempest-gateways-")
        self.uploads = os.path.join(self.folder.name, "uploads")
        os.mkdir(self.uploads)
        self.redis, self.log, self.processes = RedisServer(), [], []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = os.path.join(self.folder.name, "front.yaml")
        with open(config, "w", encoding="utf-8") as file:
            # JSON is YAML.
            routes = [{"uploads": True, **route} for route in routes]
            json.dump({"listen": f"127.0.0.1:{self.port}", "uploads": {"folder": self.uploads}, "routes": routes}, file)
        env = {**os.environ, "REDIS_URL": self.redis.url, "PYTHONPATH": f"{ROOT / 'clients' / 'python' / 'src'}:{HERE}", **environment}
        self.start([TEMPEST, "front", "--config", config], env)
        for command in workers:
            self.start([*command, "--uploads", self.uploads], env)
        wait_for(lambda: sum("ready" in line for line in self.log) >= len(workers) and self.listens(), "they are not ready", 60)

    def start(self, command, env):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=env)
        reader = threading.Thread(target=lambda: self.log.extend(iter(process.stdout.readline, "")), daemon=True)
        reader.start()
        self.processes.append((process, reader))

    def listens(self):
        for process, _ in self.processes:
            if process.poll() is not None:
                raise AssertionError("ended: " + "".join(self.log))
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        for process, _ in self.processes:
            process.terminate()
        for process, reader in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            reader.join(5)
            process.stdout.close()
        self.redis.stop()
        self.folder.cleanup()
