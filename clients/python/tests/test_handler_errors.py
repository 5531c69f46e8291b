"""The errors that handlers raise for their callers, with codes of all kinds."""
import unittest

from redis_server import RedisServer
from served import Served
from tempest import HandlerError


def fails(context, code):
    raise HandlerError(code, "gone", {"left": 0})


class Codes(unittest.TestCase):
    def test_a_code_that_a_handler_may_not_choose_is_told_as_handler_and_logged_once(self):
        server = RedisServer()
        self.addCleanup(server.stop)
        served = Served(server, {"fails": fails})
        self.addCleanup(served.stop)
        for code, told in (("expired", "handler"), ("Two words", "handler"), (None, "handler"), ("not_found", "not_found"), ("timeout", "timeout")):
            with self.subTest(code):
                lines = len(served.log.lines)
                _, meta = served.answer(served.job("fails", code))
                self.assertEqual(meta["error"], {"code": told, "message": "gone", "details": {"left": 0}})
                warnings = [line for line in served.log.lines[lines:] if "has a code that is kept" in line]
                self.assertEqual(len(warnings), told != code, warnings)


if __name__ == "__main__":
    unittest.main()
