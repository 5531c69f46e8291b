"""Sessions in workers: the values, their time, and the word to the front."""
import json
import unittest

from redis_server import RedisServer
from served import Served
from tempest import CodecError, SessionError, http
from tempest.context import Sender
from tempest.session import IDLE_SECONDS, Session, is_session

ID = "s" * 43
KEY = f"session:{ID}"


class SessionsInRedis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer()
        cls.addClassCleanup(cls.server.stop)
        cls.redis = cls.server.client

    def setUp(self):
        self.redis.flushall()
        sender = Sender(self.server.url, lambda: False, lambda seconds: None)
        self.addCleanup(sender.close)
        self.session = Session(ID, sender.pipeline)

    def test_values_are_kept_as_arrays_of_one(self):
        self.assertIsNone(self.session.get("user"))
        self.assertEqual(self.session.get("user", "nobody"), "nobody")
        self.session.set("user", "anna")
        self.session.set("basket", {"ä": [1, 1.5, None, b"\xff"]})
        self.assertEqual(self.redis.hgetall(KEY), {b"user": b'["anna"]', b"basket": '[{"ä":[1,1.5,null,{"$b64":"/w=="}]}]'.encode()})
        self.assertEqual(self.session.all(), {"user": "anna", "basket": {"ä": [1, 1.5, None, b"\xff"]}})
        self.session.delete("user", "nothing")
        self.session.delete()
        self.assertEqual(list(self.session.all()), ["basket"])

    def test_a_new_session_gets_its_time_and_an_old_one_keeps_what_it_has(self):
        self.session.set("a", 1)
        self.assertTrue(IDLE_SECONDS - 10 <= self.redis.ttl(KEY) <= IDLE_SECONDS)
        self.redis.expire(KEY, 100)
        self.session.set("a", 2)
        self.assertLessEqual(self.redis.ttl(KEY), 100)

    def test_what_is_no_value_is_not_taken_for_one(self):
        self.redis.hset(KEY, mapping={"plain": "anna", "two": "[1,2]", "none": "[]", "ok": "[null]", b"\xff": "[1]"})
        for field in ("plain", "two", "none"):
            self.assertRaisesRegex(SessionError, field, self.session.get, field)
        self.assertEqual(self.session.all(), {"ok": None})
        self.assertRaises(CodecError, self.session.set, "a", {1, 2})
        self.assertRaises(SessionError, self.session.set, "", 1)

    def test_a_key_that_is_no_hash_is_said(self):
        self.redis.set(KEY, "x")
        self.assertRaises(SessionError, self.session.set, "a", 1)

    def test_it_survives_a_cut_connection(self):
        self.session.set("a", 1)
        self.redis.client_kill_filter(_type="normal", skipme=True)
        self.assertEqual(self.session.get("a"), 1)

    def test_orders(self):
        self.assertIsNone(self.session.order)
        self.session.rotate()
        self.assertEqual(self.session.order, "rotate")
        self.session.end()
        self.assertRaisesRegex(SessionError, "ended", self.session.set, "a", 1)
        self.session.seal()
        self.assertRaisesRegex(SessionError, "too late", self.session.rotate)

    def test_only_what_has_the_form_of_an_id_is_one(self):
        self.assertTrue(is_session("A-_" + "z" * 40))
        for id in (None, 1, "", "s" * 42, "s" * 44, "s" * 42 + "\n", "s" * 42 + "*", "../" + "s" * 40, ["s"] * 43):
            self.assertFalse(is_session(id), id)


class SessionsOfJobs(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.stop)

        @http.endpoint
        def login(request):
            if request.session is None:
                return "no session"
            request.session.set("visits", request.session.get("visits", 0) + 1)
            getattr(request.session, request.query.get("do", "all"))()
            return http.text(str(request.session.get("visits")))

        @http.endpoint
        def late(request):
            yield http.text("a")
            request.session.rotate()

        self.served = Served(self.server, {"login": login, "late": late})
        self.addCleanup(self.served.stop)

    def ask(self, action, url, session=ID):
        return self.served.answers(action, {"method": "GET", "url": url, "headers": {}}, meta={"session": session})

    def test_a_handler_has_the_session_of_its_job_and_no_other(self):
        self.assertEqual(self.ask("login", "/")[0][0][2], "1")
        self.assertEqual(self.ask("login", "/")[0][0][2], "2")
        self.assertEqual(self.ask("login", "/", "t" * 43)[0][0][2], "1")
        self.assertEqual(self.ask("login", "/", "../../q")[0][0][2], "no session")
        self.assertEqual(json.loads(self.server.client.hget(KEY, "visits")), [2])

    def test_the_answer_tells_the_front_to_rotate_or_to_end(self):
        ((_, headers, _),), _ = self.ask("login", "/?do=rotate")
        self.assertEqual(headers["tempest-session"], "rotate")
        ((_, headers, _),), _ = self.ask("login", "/?do=end")
        self.assertEqual(headers["tempest-session"], "end")
        ((_, headers, _),), _ = self.ask("login", "/")
        self.assertNotIn("tempest-session", headers)

    def test_after_the_head_it_is_too_late(self):
        args, meta = self.ask("late", "/")
        self.assertEqual((args[0][2], args[1], meta["error"]["code"]), ("a", [], "handler"))
        self.assertTrue(self.served.log.said("too late to rotate"))


if __name__ == "__main__":
    unittest.main()
