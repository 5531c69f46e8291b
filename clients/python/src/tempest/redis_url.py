"""Redis URLs, which mean the same in every language of Tempest (docs/redis-url.md, protocol/vectors/urls.json).

The redis package reads URLs too, and some of them otherwise than the other languages; so a URL is read here, and the package gets its parts.
"""
from __future__ import annotations

import logging
import os
import re
import threading
from dataclasses import dataclass, field, replace
from typing import Dict, Mapping, Optional, Set, Tuple
from urllib.parse import unquote_to_bytes

log = logging.getLogger("tempest")

_SERVICES_OF_2012 = ("REDISTOGO_URL", "REDISCLOUD_URL")
VARIABLES = ("REDIS_URL", *_SERVICES_OF_2012)
DEFAULT = "redis://127.0.0.1:6379"

_BLANK = " \t\r\n\v\f"
_TLS = {"cacert": "ca", "cert": "cert", "key": "key", "servername": "name"}
_NAMES = {"db": "db", "user": "user", "username": "user", "password": "password", **{name: name for name in _TLS}}
_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True)
class TLS:
    """Files of rediss://, and the name that the server's certificate must carry (None: the host)."""

    ca: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None
    name: Optional[str] = None


@dataclass(frozen=True)
class RedisURL:
    """Where Redis is, and how to come in."""

    host: str = "127.0.0.1"
    port: int = 6379
    socket: Optional[str] = None
    user: Optional[str] = None
    password: Optional[str] = None
    database: int = 0
    tls: Optional[TLS] = None
    # Where it was read, for messages: a variable, or "the URL of Redis".
    origin: str = field(default="the URL of Redis", compare=False)
    # Whether the password may stand alone where Redis refuses it together with the user (docs/redis-url.md).
    may_lose_user: bool = field(default=False, compare=False)

    def __repr__(self) -> str:
        return f"<RedisURL {self.place}>"

    @property
    def place(self) -> str:
        """What messages call the server; never with a password."""
        if self.socket is not None:
            return self.socket
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def environment(variables: Mapping[str, str]) -> str:
    """The URL of the first variable that says something, else this host's."""
    return next((variables[name] for name in VARIABLES if variables.get(name, "").strip(_BLANK)), DEFAULT)


def read(url: str, variables: Mapping[str, str] = os.environ) -> RedisURL:
    """Takes a URL apart. ValueError says what is wrong with it, and repeats nothing that could be a piece of a password.

    A URL that is the value of a variable was read there.
    """
    holders = [name for name in VARIABLES if variables.get(name) == url]
    try:
        found = _read(url)
    except ValueError as error:
        raise (ValueError(f"{holders[0]}: {error}") if holders else error) from None
    origin = holders[0] if holders else "REDIS_URL" if url == environment(variables) else found.origin
    return replace(found, origin=origin, may_lose_user=found.user is not None and not set(holders).isdisjoint(_SERVICES_OF_2012))


_lost: Set[RedisURL] = set()
_lock = threading.Lock()


def without_user(url: RedisURL) -> RedisURL:
    """The same with its password alone."""
    return replace(url, user=None, may_lose_user=False)


def has_lost_user(url: RedisURL) -> bool:
    """Whether Redis has once taken the password alone."""
    return url in _lost


def lose_user(url: RedisURL) -> None:
    """Redis has taken the password alone: the next connections start so."""
    with _lock:
        is_new = url not in _lost
        _lost.add(url)
    if is_new:
        log.warning("Redis does not know the user of %s, but takes its password alone: it is used without the user", url.origin)


def _read(url: str) -> RedisURL:
    scheme, found, rest = url.strip(_BLANK).partition("://")
    if not found:
        raise _wrong("it has no scheme; write redis://host:port, rediss://host:port or unix:///path/to.sock")
    rest, fragment, _ = rest.partition("#")
    if fragment:
        raise _wrong("it has a fragment (#…); a # in the password is written %23")
    body, _, query = rest.partition("?")
    parts: Dict[str, object] = {}
    scheme = scheme.lower()
    if scheme in ("redis", "rediss"):
        _network(body, parts)
    elif scheme in ("unix", "redis+unix"):
        _socket(body, parts)
    else:
        raise _wrong("its scheme is not one of redis, rediss and unix")
    files: Dict[str, str] = {}
    _parameters(query, parts, files, scheme == "rediss")
    if ("cert" in files) != ("key" in files):
        raise _wrong("cert and key belong together, and only one of them is there")
    if parts.get("user") and not parts.get("password"):
        raise _wrong("it has a user but no password; write user:password@host, or :password@host for the default user")
    if scheme == "rediss":
        parts["tls"] = TLS(**files)
    return RedisURL(**parts)  # type: ignore[arg-type]


def _network(body: str, parts: Dict[str, object]) -> None:
    authority, _, path = body.partition("/")
    host, port = _host_and_port(_credentials(authority, parts))
    if host:
        parts["host"] = host = _decoded(host, "the host")
        if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in host):
            raise _wrong("the host has a space or a control character")
    if port is not None:
        number = int(port) if _DIGITS.fullmatch(port) and len(port) <= 10 else 0
        if not 1 <= number <= 65535:
            raise _wrong("the port is not a number from 1 to 65535 (in a password, write @ as %40, : as %3A and / as %2F)")
        parts["port"] = number
    if path:
        parts["database"] = _database(path)


def _socket(body: str, parts: Dict[str, object]) -> None:
    authority, slash, path = body.partition("/")
    if not slash:
        raise _wrong("a unix URL needs an absolute path, as in unix:///run/redis/redis.sock")
    if _credentials(authority, parts):
        raise _wrong("a unix URL has three slashes and no host, as in unix:///run/redis/redis.sock")
    path = _decoded("/" + path, "the path")
    if path == "/" or "\0" in path:
        raise _wrong("the path of the socket is empty")
    parts["socket"] = path


def _credentials(authority: str, parts: Dict[str, object]) -> str:
    """Reads what stands before the last @, and returns what stands after it."""
    before, at, after = authority.rpartition("@")
    if not at:
        return authority
    user, _, password = before.partition(":")
    parts["user"], parts["password"] = _decoded(user, "the user") or None, _decoded(password, "the password") or None
    return after


def _host_and_port(address: str) -> Tuple[str, Optional[str]]:
    if not address.startswith("["):
        host, colon, port = address.partition(":")
        if ":" in port:
            raise _wrong("an IPv6 address is written in brackets, as in redis://[::1]:6379")
        return host, port if colon else None
    host, bracket, rest = address[1:].partition("]")
    if not bracket:
        raise _wrong("the bracket of the IPv6 address is not closed")
    if rest and not rest.startswith(":"):
        raise _wrong("after the bracket of an IPv6 address comes a colon and the port")
    return host, rest[1:] if rest else None


def _parameters(query: str, parts: Dict[str, object], files: Dict[str, str], secure: bool) -> None:
    seen = set()
    for pair in filter(None, query.split("&")):
        name, _, raw = pair.partition("=")
        key = _NAMES.get(name)
        if key is None:
            raise _wrong("it has an unknown parameter; known are db, user, password, cacert, cert, key and servername")
        if key in seen:
            raise _wrong(f"the parameter {name} is there twice")
        seen.add(key)
        value = _decoded(raw, f"the parameter {name}")
        if key == "db":
            parts["database"] = _database(value)
        elif key not in _TLS:
            parts[key] = value or None
        elif not secure:
            raise _wrong("cacert, cert, key and servername need the scheme rediss")
        elif not value:
            raise _wrong(f"the parameter {name} is empty")
        else:
            files[_TLS[key]] = value


def _database(text: str) -> int:
    digits = text[:-1] if text.endswith("/") else text
    number = int(digits) if _DIGITS.fullmatch(digits) and len(digits) <= 10 else -1
    if not 0 <= number < 1 << 31:
        raise _wrong("the database is not a number from 0 (a / in a password is written %2F)")
    return number


def _decoded(text: str, what: str) -> str:
    content = text.encode("utf-8", "surrogateescape")
    if _ESCAPE.search(content):
        raise _wrong(f"{what} has a % that two hexadecimal digits do not follow; a % itself is written %25")
    try:
        return unquote_to_bytes(content).decode("utf-8")
    except UnicodeDecodeError:
        raise _wrong(f"{what} is not UTF-8") from None


def _wrong(what: str) -> ValueError:
    return ValueError(f"the Redis URL is not valid: {what}")
