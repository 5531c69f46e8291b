"""One connection to Redis, used by one thread at a time, which never repeats a command by itself.

Whether a command that was cut off may be sent again is known to its sender alone, so the redis package's pools and
retries stay out: a Link is one of its connections. Everything that talks to Redis does so through a Link.
"""
from __future__ import annotations

import errno
import functools
import socket
import ssl
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import forks, redis_url
from .errors import RedisRefused, RedisUnavailable
from .rights import denial

# The replies of a server that is there but cannot serve now: to reconnect and try later is all that helps.
_NOT_NOW = {"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "BUSY", "NOREPLICAS"}
# The redis package cuts these words off the message and says them by the class of the error.
_WORDS = {"NoPermissionError": "NOPERM", "ReadOnlyError": "READONLY", "OutOfMemoryError": "OOM", "NoScriptError": "NOSCRIPT"}

# Nothing can be done on this connection: its user or password is missing or wrong.
_NOT_LET_IN = {"NOAUTH", "WRONGPASS"}

Argument = Union[bytes, str, int, float]


class NotLetIn(RedisUnavailable):
    """Redis refuses the connection itself: its user, its password or its database. `refused` is what it said."""

    def __init__(self, refused: RedisRefused) -> None:
        self.refused = refused
        super().__init__(str(refused))


class _UnixConnection(redis.UnixDomainSocketConnection):
    """Closes its socket when it cannot connect; that of the redis package 4.3 leaves it to the garbage collector, and looks for these two
    names when it is to say that a connection was reset."""

    host, port = "unix", 0

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.socket_timeout)
            sock.connect(self.path)
        except BaseException:
            sock.close()
            raise
        return sock


class _TLSConnection(redis.Connection):
    """Speaks TLS by a context of its own: that of the redis package knows no name but the host's."""

    def __init__(self, tls: redis_url.TLS, **options: Any) -> None:
        super().__init__(**options)
        self._tls = tls

    def _connect(self) -> socket.socket:
        sock = super()._connect()
        try:
            return self._context().wrap_socket(sock, server_hostname=self._tls.name or self.host)
        except BaseException:
            sock.close()
            raise

    def _context(self) -> ssl.SSLContext:
        """With the files as they are now: they may have been renewed."""
        try:
            context = ssl.create_default_context(cafile=self._tls.ca)
        except OSError as error:
            raise OSError(f"cannot use the certificates in {self._tls.ca}: {error}") from error
        if self._tls.cert is not None and self._tls.key is not None:
            try:
                context.load_cert_chain(self._tls.cert, self._tls.key)
            except OSError as error:
                raise OSError(f"cannot use the certificate in {self._tls.cert} with the key in {self._tls.key}: {error}") from error
        return context


class Link:
    """A connection to the Redis of `url` (docs/redis-url.md); ValueError says what is wrong with it.

    `blocking` is how many seconds its commands may block on the server; a reply may take `patience` more before the link
    counts as broken. After `idle` seconds without a command the link looks whether Redis has closed it meanwhile. Nothing is
    connected before the first call; `connects` counts how often it was. `database` is the number of the database.

    A user, a password or a database that Redis refuses is NotLetIn, which those who try again later take for any other
    trouble; with `at_once` it is the RedisRefused that it holds.
    """

    def __init__(self, url: str, blocking: float = 0.0, idle: float = 1.0, patience: float = 10.0, at_once: bool = False) -> None:
        self._idle = idle
        self._at_once = at_once
        options: Dict[str, Any] = {
            "decode_responses": False,
            "socket_timeout": patience + blocking,
            "retry": Retry(NoBackoff(), 0),
            "health_check_interval": 0,
        }
        where = redis_url.read(url)
        if where.may_lose_user and redis_url.has_lost_user(where):
            where = redis_url.without_user(where)
        self.place = where.place
        self._where = where
        self._user = where.user or "default"
        self._is_unix = where.socket is not None
        self.database = where.database
        self._patience = patience + blocking  # seconds that a reply may take
        options.update(db=where.database, username=where.user, password=where.password)
        if where.socket is None:
            options.update(host=where.host, port=where.port, socket_connect_timeout=min(5.0, patience), socket_keepalive=True)
        if int(redis.__version__.split(".")[0]) >= 5:
            options["protocol"] = 2
        self._connect: Callable[..., Any]
        if where.socket is not None:
            self._connect = functools.partial(_UnixConnection, path=where.socket, **options)
        elif where.tls is not None:
            self._connect = functools.partial(_TLSConnection, where.tls, **options)
        else:
            self._connect = functools.partial(redis.Connection, **options)
        self._connection: Any = None
        self._used = 0.0
        self.identity: Optional[str] = None
        self.connects = 0
        forks.remember(self)

    def begin_anew(self) -> None:
        """In a child: the connection is the parent's. The child's copy of its socket is closed, and nothing is said on it."""
        connection, self._connection = self._connection, None
        sock, self.identity = getattr(connection, "_sock", None), None
        if sock is not None:
            connection._sock = None
            socket.socket.close(sock)

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def open(self) -> None:
        """Connects, if it is not connected; RedisUnavailable if that fails, and NotLetIn if Redis does not want it."""
        self._drop_if_stale()
        if self._connection is not None:
            return
        connection = self._connect(socket_timeout=self._patience)
        try:
            connection.connect()
        except (redis.RedisError, OSError) as error:
            connection.disconnect()
            refused = self._not_let_in(error)
            if refused is not None and refused.word == "WRONGPASS" and self._where.may_lose_user and self._opened_without_user():
                return
            if refused is not None:
                raise self._turned_away(refused) from error
            why = str(error).rstrip(".")
            raise RedisUnavailable(f"cannot connect to Redis at {self.place}: {why}. Is redis-server running there? "
                                   f"Check {self._where.origin}") from error
        except BaseException:
            connection.disconnect()  # it may be open already, and nobody else knows of it
            raise
        self._connection = connection
        self._used = time.monotonic()
        self.identity = None
        self.connects += 1

    def _opened_without_user(self) -> bool:
        """Whether Redis takes the password alone. If not, what it said to both is what counts."""
        where, connect, user = self._where, self._connect, self._user
        self._where, self._connect, self._user = redis_url.without_user(where), functools.partial(connect, username=None), "default"
        try:
            self.open()
        except (RedisUnavailable, RedisRefused):
            self._where, self._connect, self._user = where, connect, user
            return False
        redis_url.lose_user(where)
        return True

    def greet(self, seconds: float) -> None:
        """Connects, if it is not connected, and then makes sure that Redis serves: RedisUnavailable if a reply takes longer than the seconds."""
        usual, self._patience = self._patience, min(seconds, self._patience)
        before = self.connects
        try:
            self.open()
            if self.connects != before:
                self.call("PING")
        except RedisRefused as error:
            if error.word != "NOPERM":  # an answer all the same
                self.close()
                raise
        finally:
            self._patience = usual

    def hurry(self, seconds: float) -> None:
        """From now on a reply may take no longer, nor a connection."""
        if not self._is_unix:
            self._connect = functools.partial(self._connect, socket_connect_timeout=seconds)
        self._patience = seconds

    def close(self) -> None:
        """Disconnects; the next call connects anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def abort(self) -> None:
        """Ends, from another thread, what the link waits for: its call raises RedisUnavailable."""
        sock = getattr(self._connection, "_sock", None)
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already

    def end(self, thread: threading.Thread, seconds: Optional[float] = None) -> None:
        """Ends whatever the thread that uses the link waits for, until it has ended; at most for so many seconds."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while thread.is_alive() and (deadline is None or time.monotonic() < deadline):
            # Again and again, for the thread may be between two commands, where there is nothing to end.
            self.abort()
            thread.join(0.05)

    def call(self, *command: Argument) -> Any:
        """The reply: bytes, int, None or a list. RedisUnavailable or RedisRefused if there is none."""
        reply = self.pipeline([command])[0]
        if isinstance(reply, RedisRefused):
            raise reply
        return reply

    def pipeline(self, commands: Sequence[Sequence[Argument]]) -> List[Any]:
        """The replies to several commands sent at once; those that Redis refused are RedisRefused objects."""
        self.open()
        connection = self._connection
        try:
            self._hurry(connection)
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            replies = [self._reply(connection) for _ in commands]
        except (RedisUnavailable, RedisRefused):
            self.close()
            raise
        except (redis.RedisError, OSError) as error:
            self.close()
            raise RedisUnavailable(f"the connection to Redis at {self.place} broke, and {_named(commands)} may or may not have been "
                                   f"carried out: {error}") from error
        except BaseException:
            # Half a reply may be on its way: this connection can never be used again.
            self.close()
            raise
        self._used = time.monotonic()
        return replies

    def identify(self, anew: bool = False) -> Optional[str]:
        """`<run_id>/<client id>` of this connection, or None where Redis' rights do not allow to ask. `anew`: Redis is asked, even
        if it has said so before; what stands between may have kept the connection, with another Redis behind it."""
        if anew or self.identity is None or not self.is_open:
            client, info = self.pipeline([("CLIENT", "ID"), ("INFO", "server")])
            known = isinstance(client, int) and isinstance(info, bytes)
            self.identity = f"{_run_id(info)}/{client}" if known else None
        return self.identity

    def _hurry(self, connection: Any) -> None:
        """Each time: to look whether it is stale sets the time-out of the connection's beginning, and this one may be another."""
        sock = connection._sock
        if sock is None:
            raise OSError(errno.EBADF, "it was closed meanwhile")
        if sock.gettimeout() != self._patience:
            sock.settimeout(self._patience)

    def _drop_if_stale(self) -> None:
        # A connection that Redis closed while it was idle is replaced before anything is sent, so nothing is in doubt.
        if self._connection is not None and time.monotonic() - self._used >= self._idle:
            try:
                stale = self._connection.can_read(0)
            except (redis.RedisError, OSError):
                stale = True
            if stale:
                self.close()
            self._used = time.monotonic()

    def _reply(self, connection: Any) -> Any:
        try:
            return connection.read_response()
        except (redis.ResponseError, redis.AuthenticationError) as error:
            refused = self._refusal(error)
            if refused.word in _NOT_NOW:
                raise RedisUnavailable(f"Redis cannot serve now: {refused}") from error
            if refused.word in _NOT_LET_IN:
                raise self._turned_away(refused) from error
            return refused

    def _refusal(self, error: Exception) -> RedisRefused:
        """What Redis said. A right that is missing is NOPERM, also where a function met it."""
        refused = _refused(error, self._where.origin)
        missing = denial(str(refused), self._user)
        return refused if missing is None else RedisRefused("NOPERM", missing)

    def _not_let_in(self, error: Exception) -> Optional[RedisRefused]:
        """What Redis said when it was told user, password and database, if that is why there is no connection."""
        if isinstance(error, (redis.ResponseError, redis.AuthenticationError)):
            refused = self._refusal(error)
            return None if refused.word in _NOT_NOW else refused
        return RedisRefused("ERR", "there is no database of this number") if str(error) == "Invalid Database" else None

    def _turned_away(self, refused: RedisRefused) -> Exception:
        return refused if self._at_once else NotLetIn(refused)


def _named(commands: Sequence[Sequence[Argument]]) -> str:
    words = [word.decode("ascii", "replace") if isinstance(word, bytes) else str(word) for word in commands[0][:2]]
    return words[1] if words[0] == "FCALL" else words[0]


def run_of(identity: str) -> str:
    """The run_id in what `identify` returned."""
    return identity.rpartition("/")[0]


def _run_id(info: bytes) -> str:
    for line in info.splitlines():
        if line.startswith(b"run_id:"):
            return line[7:].strip().decode("ascii", "replace")
    return "unknown"


def _refused(error: Exception, origin: str) -> RedisRefused:
    text = str(error)
    if isinstance(error, redis.AuthenticationError) or text.partition(" ")[0] in _NOT_LET_IN:
        # Its classes tell the cases apart no better than this, and which words it leaves off differs between its versions.
        word = "NOAUTH" if "required" in text else "WRONGPASS"
        said = text[len(word):].lstrip() if text.startswith(word) else text
        return RedisRefused(word, f"Redis refuses the user or the password in {origin}: {said}")
    for kind in type(error).__mro__:
        if kind.__name__ in _WORDS:
            return RedisRefused(_WORDS[kind.__name__], text)
    if isinstance(error, (redis.exceptions.MovedError, redis.exceptions.AskError)) or text.startswith(("MOVED ", "ASK ")):
        return RedisRefused("MOVED", f"{text}: this is a Redis Cluster, whose redirections Tempest does not follow; give the URL of a "
                            "Redis that has all keys")
    word, _, rest = text.partition(" ")
    return RedisRefused(word, rest) if word.isupper() and word.isalpha() else RedisRefused("ERR", text)
