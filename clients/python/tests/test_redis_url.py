"""Redis URLs: what they mean is in the vectors; here they are also used, and their passwords looked for."""
import unittest

from tagged import load
from tempest import redis_url


class Vectors(unittest.TestCase):
    def test_a_url_names_the_redis_that_the_vectors_say(self):
        for entry in load("urls.json")["valid"]:
            with self.subTest(entry["url"]):
                found = redis_url.read(entry["url"])
                tls = entry["tls"] and redis_url.TLS(**entry["tls"])
                wanted = redis_url.RedisURL(tls=tls, **{key: entry[key] for key in ("host", "port", "socket", "user", "password", "database")})
                self.assertEqual(found, wanted)

    def test_a_url_that_is_wrong_is_refused_with_the_reason_and_nothing_of_it_is_said_again(self):
        for entry in load("urls.json")["invalid"]:
            with self.subTest(entry["url"]), self.assertRaises(ValueError) as caught:
                redis_url.read(entry["url"])
            self.assertIn(entry["says"], str(caught.exception), entry["url"])
            self.assertNotIn("sesame", repr(caught.exception))
            self.assertIsNone(caught.exception.__cause__)

    def test_the_first_variable_counts_that_says_something(self):
        for entry in load("urls.json")["environment"]:
            self.assertEqual(redis_url.read(redis_url.environment(entry["variables"])), redis_url.read(entry["url"]))

    def test_an_error_names_the_variable_that_was_read_and_the_password_of_services_of_2012_may_stand_alone(self):
        for entry in load("urls.json")["origins"]:
            variables = entry["variables"]
            url = redis_url.read(redis_url.environment(variables), variables)
            self.assertEqual((url.origin, url.may_lose_user), (entry["origin"], entry["may_lose_user"]), variables)
        self.assertEqual(redis_url.read("redis://elsewhere", {"REDIS_URL": "redis://here"}).origin, "the URL of Redis")
        with self.assertRaisesRegex(ValueError, "^REDISTOGO_URL: "):
            redis_url.read("sesame", {"REDISTOGO_URL": "sesame"})

    def test_no_password_is_shown(self):
        for url in ("redis://me:sesame@h:1/2", "unix:///s?password=sesame", "rediss://:sesame@[::1]"):
            self.assertNotIn("sesame", repr(redis_url.read(url)))


if __name__ == "__main__":
    unittest.main()
