"""rediss:// against a real redis-server, with certificates that openssl makes for the test."""
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from redis_server import RedisServer
from tempest import Client, Worker
from tempest.errors import RedisUnavailable
from tempest.link import Link

SCRIPT = """
set -e
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $key -days 2 -subj /CN=ca -keyout ca.key -out ca.crt
openssl req -x509 $key -days 2 -subj /CN=x -keyout x.key -out other.crt
for who in server named client; do
  openssl req $key -subj /CN=$who -keyout $who.key -out $who.csr
  echo "subjectAltName=DNS:redis.test$(test $who = named || echo ,IP:127.0.0.1)" > $who.ext
  openssl x509 -req -in $who.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile $who.ext -out $who.crt
done
"""


class TLS(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="tempest-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        subprocess.run(["sh", "-c", SCRIPT], cwd=cls.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def file(self, name):
        return os.path.join(self.folder, name)

    def server(self, who="server"):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        redis = RedisServer("--tls-port", str(port), "--bind", "127.0.0.1", "--tls-ca-cert-file", self.file("ca.crt"),
                            "--tls-cert-file", self.file(f"{who}.crt"), "--tls-key-file", self.file(f"{who}.key"))
        self.addCleanup(redis.stop)
        redis.client.execute_command("SELECT", "3")
        redis.client.set("place", "three")
        return f"rediss://127.0.0.1:{port}/3?"

    def get(self, url):
        link = Link(url)
        try:
            return link.call("GET", "place")
        finally:
            link.close()

    def test_the_files_of_the_url_are_used_and_both_ends_are_verified(self):
        url, mine = self.server(), f"&cert={self.file('client.crt')}&key={self.file('client.key')}"
        authority = f"cacert={self.file('ca.crt')}"
        self.assertEqual(self.get(url + authority + mine), b"three")
        self.assertEqual(self.get(url + authority + mine + "&servername=redis.test"), b"three")
        for query, reason in ((mine, "certificate"), (f"cacert={self.file('other.crt')}{mine}", "certificate"), (authority, ""),
                              (f"cacert={self.file('none.crt')}{mine}", "none.crt"), (authority + mine + "&servername=other", "other"),
                              (f"{authority}&cert={self.file('no')}&key={self.file('no')}", "no")):
            with self.subTest(query), self.assertRaises(RedisUnavailable) as caught:
                self.get(url + query)
            self.assertIn(reason, str(caught.exception))

    def test_the_name_of_the_certificate_may_be_another_than_the_hosts(self):
        query = f"cacert={self.file('ca.crt')}&cert={self.file('client.crt')}&key={self.file('client.key')}"
        url = self.server("named") + query
        self.assertRaises(RedisUnavailable, self.get, url)
        self.assertEqual(self.get(url + "&servername=redis.test"), b"three")

    def test_a_url_that_is_wrong_is_refused_before_anything_is_sent(self):
        for url in ("http://h", "redis://h/abc", "rediss://h?cert=x"):
            for make in (Link, Client, lambda url: Worker("q", redis_url=url)):
                self.assertRaises(ValueError, make, url)


if __name__ == "__main__":
    unittest.main()
