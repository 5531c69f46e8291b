"""A Python that does not have the packages that the client needs."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import checkout


def import_without(*present):
    """Imports tempest in an interpreter whose only packages are these, which are empty."""
    with tempfile.TemporaryDirectory() as folder:
        for name in present:
            (Path(folder) / f"{name}.py").write_text("", encoding="utf-8")
        code = f"import sys; sys.path[:0] = [{str(checkout.ROOT / 'clients/python/src')!r}, {folder!r}]; import tempest"
        # No site-packages, no PYTHONPATH.
        return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60, check=False)


class Missing(unittest.TestCase):
    def test_what_is_missing_is_said_with_what_to_install(self):
        found = import_without()
        last = found.stderr.strip().splitlines()[-1]
        self.assertEqual(found.returncode, 1)
        self.assertTrue(last.startswith("ModuleNotFoundError: tempest needs the packages redis and msgpack, which " + sys.executable), last)
        self.assertIn("sudo apt install python3-redis python3-msgpack", last)
        self.assertIn("python3 -m venv .venv && .venv/bin/pip install redis msgpack", last)

    def test_only_what_is_missing_is_named(self):
        last = import_without("msgpack").stderr.strip().splitlines()[-1]
        self.assertIn("tempest needs the package redis, which", last)
        self.assertNotIn("msgpack", last)


if __name__ == "__main__":
    unittest.main()
