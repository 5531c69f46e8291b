"""Where the nodes of a cluster of node-tempest may be: the list against which the address of a job is held before anything is looked up.

The worker's option `direct_answers`. Only the plain forms of addresses are read; `127.1`, `0x7f.0.0.1` or `2130706433` are names, and
names are compared as text.
"""
from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple, Union

_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}")
_LENGTH = re.compile(r"[0-9]{1,3}")
_MAPPED = bytes(10) + b"\xff\xff"


@dataclass(frozen=True)
class IPAddress:
    """An address as a number of 32 or 128 bits. IPv4-mapped IPv6 (`::ffff:10.0.0.1`) is the IPv4 that it is."""

    bits: int
    width: int

    @classmethod
    def read(cls, text: str) -> Optional["IPAddress"]:
        """Of `10.0.0.1` or `fd00::1`, without brackets; None for everything else."""
        if len(text) > 45 or not text.isascii() or "\0" in text:
            return None
        try:
            packed = socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
        except (OSError, ValueError):
            return None
        if packed.startswith(_MAPPED) and len(packed) == 16:
            packed = packed[12:]
        return cls(int.from_bytes(packed, "big"), 8 * len(packed))


@dataclass(frozen=True)
class IPNetwork:
    """All addresses that begin with the same bits."""

    address: IPAddress
    length: int

    @classmethod
    def read(cls, text: str) -> Optional["IPNetwork"]:
        """Of `10.0.0.0/8`, or an address alone. None for everything else, also when bits are set beyond the length (`10.0.0.1/8`): a
        slip of the pen that would open more than was meant."""
        written, slash, digits = text.partition("/")
        address = IPAddress.read(written)
        if address is None or (slash and not _LENGTH.fullmatch(digits)):
            return None
        length = int(digits) if slash else address.width
        if length > address.width or address.bits & ((1 << (address.width - length)) - 1):
            return None
        return cls(address, length)

    def has(self, address: IPAddress) -> bool:
        shift = self.address.width - self.length
        return address.width == self.address.width and address.bits >> shift == self.address.bits >> shift

    def holds(self, other: "IPNetwork") -> bool:
        return self.length <= other.length and self.has(other.address)


def _networks(*texts: str) -> List[IPNetwork]:
    return [network for network in map(IPNetwork.read, texts) if network is not None]


# Nobody's: no address to connect to.
_NEVER = _networks("0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8")
# Allowed only by networks that lie within: this machine, link-local (where clouds keep their secrets), addresses that carry others.
_SPECIAL = _networks("127.0.0.0/8", "169.254.0.0/16", "::/96", "fe80::/10", "64:ff9b::/96", "2002::/16", "2001::/32")


@dataclass(frozen=True)
class Target:
    """What the host of an address stands for: an address to connect to, or, if `is_name`, a name to look up."""

    host: str
    is_name: bool = False


class AllowedNetworks:
    """Where the nodes of a cluster of node-tempest live: the only places to which a worker sends answers directly.

        Worker("tempest", direct_answers=AllowedNetworks(["10.0.0.0/8", "127.0.0.1/32", "front.internal"]))

    - `networks`: networks (`10.0.0.0/8`, `fd00::/8`), addresses, and names of hosts, each of which is exactly what a job may name. A
      network that holds this machine's own addresses, link-local or other special ones among others, such as `0.0.0.0/0`, does not allow
      those: they are named themselves.
    - `any_host`: the host that stands for `0.0.0.0` and `[::]`, which the nodes of the original write for themselves: an address or a name,
      which has to be among `networks` as well.

    ValueError for what is none of these.
    """

    def __init__(self, networks: Sequence[str], any_host: str = "127.0.0.1") -> None:
        if isinstance(networks, str):
            raise ValueError(f"give a list of networks, not the text {networks!r}")
        read = [(entry, IPNetwork.read(entry)) for entry in networks]
        for entry, network in read:
            if network is None and not _is_name(entry):
                raise ValueError(f"{entry[:80]!r} is not a network such as 10.0.0.0/8 (no bits beyond its length), an address or the name of a host")
        address = IPAddress.read(any_host)
        if (address is None and not _is_name(any_host)) or (address is not None and address.bits == 0):
            raise ValueError(f"any_host is the address or the name of a machine, not {any_host[:80]!r}")
        self.description = ", ".join(networks)
        self._networks: Tuple[IPNetwork, ...] = tuple(network for _, network in read if network is not None)
        self._names = frozenset(entry.lower() for entry, network in read if network is None)
        self._any_host = any_host

    def __repr__(self) -> str:
        return f"AllowedNetworks({self.description}; 0.0.0.0 is {self._any_host})"

    def target(self, host: str) -> Optional[Target]:
        """What the host of a job stands for; None: it is not allowed. Looks nothing up."""
        bare = _bare(host)
        address = IPAddress.read(bare)
        if address is not None and address.bits == 0:
            bare, address = self._any_host, IPAddress.read(self._any_host)
            host = bare
        if address is not None:
            return Target(bare) if self._has(address) else None
        return Target(host, is_name=True) if host.isascii() and host.lower() in self._names else None

    def _has(self, address: IPAddress) -> bool:
        if is_nobodys(address):
            return False
        special = next((network for network in _SPECIAL if network.has(address)), None)
        return any(network.has(address) and (special is None or special.holds(network)) for network in self._networks)


def is_nobodys(address: Union[IPAddress, str]) -> bool:
    """Whether nothing is to connect there, also where a name leads there."""
    read = IPAddress.read(address) if isinstance(address, str) else address
    return read is None or any(network.has(read) for network in _NEVER)


def _bare(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") and len(host) > 1 else host


def _is_name(text: str) -> bool:
    """A name that could be mistaken for an address is none: whoever looks it up might read it as one."""
    labels = [label for label in text.split(".") if label]
    return bool(_NAME.fullmatch(text)) and bool(labels) and labels[-1][0].isalpha()
