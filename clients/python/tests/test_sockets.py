"""Jobs of WebSocket connections, and frames that are told to a connection at any later time."""
import base64
import json
import unittest

from redis_server import RedisServer
from served import Served
from tempest import Client, HandlerError, RedisRefused, sockets
from tempest.codecs import named

KNOWN = []


@sockets.endpoint
def chat(event):
    KNOWN.append(event)
    if event.kind == "open":
        if event.request.path == "/secret":
            raise HandlerError("forbidden", "not for you")
        if event.request.path == "/choose":
            return [sockets.choose(event.protocols[0]), "welcome"]
        return None
    if event.kind == "close":
        return None
    return {"one": "1", "two": ["1", b"\xff"], "end": sockets.close(4000, "bye"), "wrong": 7}.get(event.data, event.data)


@sockets.endpoint
def streams(event):
    yield "a"
    yield ["b", "c"]
    yield None


@sockets.endpoint
async def later(event):
    return event.data


def as_bytes(value):
    return value.encode() if isinstance(value, str) else value


class Sockets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer()
        cls.addClassCleanup(cls.server.stop)
        cls.served = Served(cls.server, {"websocket": chat, "streams": streams, "later": later})
        cls.addClassCleanup(cls.served.stop)

    def say(self, action="websocket", **event):
        return self.served.answers(action, event)

    def test_each_event_is_answered_by_frames(self):
        self.assertEqual(self.say(event="open", method="GET", url="/chat?a=1", headers={}), ([[]], {}))
        self.assertEqual((KNOWN[-1].request.path, KNOWN[-1].request.query), ("/chat", {"a": "1"}))
        self.assertEqual(self.say(event="message", data="one")[0], [["1"]])
        self.assertEqual(self.say(event="message", data="two")[0], [["1", {"binary": {"$b64": "/w=="}}]])
        self.assertEqual(self.say(event="message", data="/w==", data_encoding="base64")[0], [[{"binary": {"$b64": "/w=="}}]])
        self.assertEqual(self.say(event="message", data="end")[0], [[{"close": 4000, "reason": "bye"}]])
        self.assertEqual(self.say("later", event="message", data="x")[0], [["x"]])
        self.assertEqual(self.say("streams", event="message", data="x")[0], [["a"], ["b", "c"], [], []])
        self.assertEqual(self.say(event="close", code=1001, reason="away")[0], [[]])
        self.assertEqual((KNOWN[-1].code, KNOWN[-1].reason), (1001, "away"))

    def test_text_stays_text_and_bytes_stay_bytes_in_every_codec(self):
        self.server.client.execute_command("FCALL", "tempest1_listen", 1, "q", "front")
        for codec in map(named, ("json", "msgpack", "tnetstring")):
            for data in ("grüße", "", b"abc", b"", b"\xff\x00", "gr\u00fc\u00dfe".encode()):
                told = [data] if isinstance(data, str) else [{"binary": data}]
                event = {"event": "message", "data": data}
                if isinstance(data, bytes) and codec.name != "msgpack":
                    event = {"event": "message", "data": base64.b64encode(data).decode(), "data_encoding": "base64"}
                self.server.client.rpush("q", codec.encode(["websocket", [event], "front", "typed"]))
                args = codec.decode(self.server.client.blpop("{q}:in:front", 10)[1])[2]
                self.assertEqual((type(KNOWN[-1].data), KNOWN[-1].data), (type(data), data), codec.name)
                if codec.name == "tnetstring":  # what is UTF-8 is read as text there: the map says what it is
                    args = [frame if isinstance(frame, str) else {"binary": as_bytes(frame["binary"])} for frame in args]
                self.assertEqual(args, told, codec.name)
                with Client(self.server.url, queue="q") as client:
                    self.assertTrue(client.tell("q", "front", "typed", [data], codec=codec.name))
                raw = self.server.client.lpop("{q}:in:front")
                self.assertEqual(raw, codec.encode(["websocket", "typed", told]), codec.name)
        self.server.client.execute_command("FCALL", "tempest1_unlisten", 1, "q", "front")

    def test_a_worker_chooses_the_subprotocol(self):
        headers = {"sec-websocket-protocol": "graphql-ws, chat.1"}
        answer = self.say(event="open", method="GET", url="/choose", headers=headers, protocol="chat.1")
        self.assertEqual(answer, ([[{"protocol": "graphql-ws"}, "welcome"]], {}))
        self.assertEqual((KNOWN[-1].protocols, KNOWN[-1].protocol), (["graphql-ws", "chat.1"], "chat.1"))
        self.say(event="open", method="GET", url="/chat", headers={})
        self.assertEqual((KNOWN[-1].protocols, KNOWN[-1].protocol), ([], None))
        for bad in ("", "a b", "a,b", 7):
            self.assertRaises(ValueError, sockets.choose, bad)

    def test_a_connection_may_be_refused(self):
        _, meta = self.say(event="open", method="GET", url="/secret", headers={})
        self.assertEqual(meta["error"]["code"], "forbidden")

    def test_what_is_no_event_is_refused(self):
        for bad in ({}, {"event": "ping"}, {"event": "message"}, {"event": "message", "data": 1}, {"event": "close"},
                    {"event": "open"}, {"event": "close", "code": "1"}, {"event": "message", "data": "?", "data_encoding": "base64"}):
            self.assertEqual(self.say(**bad)[1]["error"]["code"], "bad_args", bad)

    def test_what_is_no_frame_is_an_error_of_the_handler(self):
        self.assertEqual(self.say(event="message", data="wrong")[1]["error"]["code"], "handler")
        self.assertTrue(self.served.log.said("a frame is text"))

    def test_telling_a_connection_later(self):
        self.server.client.execute_command("FCALL", "tempest1_listen", 1, "q", "front")
        self.served.job("websocket", {"event": "message", "data": "hello"}, inbox="front", job_id="conn")
        self.assertEqual(self.served.answer("front"), (["hello"], {}))
        connection = KNOWN[-1].connection
        self.assertEqual((connection.queue, connection.respond_to, connection.job_id), ("q", "front", "conn"))
        with Client(self.server.url, queue="other") as client:
            self.assertTrue(client.tell(connection.queue, connection.respond_to, connection.job_id, ["a", b"\xff", sockets.close()]))
            self.assertEqual(json.loads(self.server.client.lpop("{q}:in:front")),
                             ["websocket", "conn", ["a", {"binary": {"$b64": "/w=="}}, {"close": 1000, "reason": ""}]])
            self.server.client.execute_command("FCALL", "tempest1_unlisten", 1, "q", "front")
            self.assertFalse(client.tell("q", "front", "conn", ["a"]))
            self.assertEqual(self.server.client.exists("{q}:in:front"), 0)

    def test_telling_a_front_on_another_queue(self):
        self.server.client.execute_command("FCALL", "tempest1_listen", 1, "far", "front")
        with Client(self.server.url, queue="q") as client:
            self.assertTrue(client.tell("q", "front@far", 7, ["a"]))
        self.assertEqual(self.server.client.lrange("{far}:in:front", 0, -1), [b'["websocket",7,["a"]]'])

    def test_what_cannot_be_told(self):
        with Client(self.server.url, queue="q") as client:
            for respond_to in (None, "", "a b", "10.0.0.5:80", "{q}:!procs", 7):
                self.assertRaises(ValueError, client.tell, "q", respond_to, "conn", ["a"])
            self.assertRaises(TypeError, client.tell, "q", "front", "conn", [7])
            self.assertRaises(ValueError, client.tell, "a b", "front", "conn", ["a"])
        self.assertRaises(ValueError, sockets.close, 999)
        self.assertRaises(ValueError, sockets.close, 1000, "x" * 124)

    def test_a_full_redis_says_so(self):
        self.server.client.config_set("maxmemory", "1")
        self.addCleanup(self.server.client.config_set, "maxmemory", "0")
        with Client(self.server.url, queue="q") as client, self.assertRaises(RedisRefused) as caught:
            client.tell("q", "front", "conn", ["a"])
        self.assertEqual(caught.exception.word, "OOM")


if __name__ == "__main__":
    unittest.main()
