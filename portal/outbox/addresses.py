"""Where webhooks may go: public addresses, over https, by a port that is allowed; decided anew at every attempt.

A URL is somebody's input, and the worker stands inside the merchant's network: an address that is not public would let
whoever may add an endpoint make requests to machines that trust this one, or to a cloud's metadata service. So the name
is resolved here, every address it has is checked, and what is handed on is the checked addresses themselves
(``Destination``), never the name: what it resolves to a moment later plays no part.

The tables follow IANA's registries of special-purpose addresses. Of IPv6 only what is allocated for global unicast
(2000::/3) is taken: that leaves out loopback, link-local, unique local, multicast, IPv4 in IPv6 in all its mapped and
translated forms, and whatever will be invented. ``ipaddress.is_global`` is not asked: its answers differ between
releases of Python.
Sources: https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry
"""

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from portal.errors import InvalidInput

LONGEST_URL = 500
RESOLVE_SECONDS = 5.0
HTTPS_PORT, HTTP_PORT = 443, 80

Resolve = Callable[[str, int], Sequence[str]]
"""(host, port) → addresses. Raises OSError when there are none."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; some clouds' metadata (100.100.100.200)
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # public by number, but a cloud's own door to its machines
        "169.254.0.0/16",  # link-local; most clouds' metadata (169.254.169.254)
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata (192.0.0.192)
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays to 6to4, withdrawn
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, with Teredo: IPv4 inside
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: IPv4 inside
        "3fff::/20",  # documentation
    )
)


class AddressNotAllowed(InvalidInput):
    """The URL is none, or leads where webhooks must not go."""

    code = "address_not_allowed"
    sentence = "{problem}"

    def __init__(self, problem: str) -> None:
        super().__init__(field="url", problem=problem)


class NameNotResolved(AddressNotAllowed):
    """The host has no address (now)."""

    code = "name_not_resolved"


@dataclass(frozen=True)
class Rules:
    """What an installation allows: an argument, so that nothing here reads settings."""

    ports: frozenset[int] = frozenset({HTTPS_PORT})
    allow_private: bool = False
    """For a sandbox: this machine and its network, plain http, and any port."""


@dataclass(frozen=True)
class Destination:
    """A URL taken apart, with the addresses it was checked to lead to."""

    is_secure: bool
    host: str
    port: int
    target: str
    """Path and query, as the request line says them."""
    addresses: tuple[str, ...] = ()

    @property
    def host_header(self) -> str:
        """The Host header: with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (HTTPS_PORT if self.is_secure else HTTP_PORT) else f"{host}:{self.port}"


def is_public(text: str) -> bool:
    """Whether an address belongs to the internet at large."""
    try:
        address: _Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    if address.scope_id:
        return False
    return address in _GLOBAL_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


def _is_usable(text: str) -> bool:
    """What even a sandbox does not send to: everybody (multicast, broadcast) and nobody (unspecified)."""
    address = ipaddress.ip_address(text)
    return not (address.is_multicast or address.is_unspecified or text == "255.255.255.255")


def parse(url: str, rules: Rules) -> Destination:
    """Take a URL apart. Raises AddressNotAllowed with a sentence; asks nobody."""
    if len(url) > LONGEST_URL:
        raise AddressNotAllowed(f"An address has at most {LONGEST_URL} characters.")
    if not url.isascii() or not url.isprintable() or any(sign in url for sign in ' "\\<>^`{|}'):
        raise AddressNotAllowed(
            "An address has no blanks, quotes or letters beyond ASCII: write the host as xn--…, the path with %."
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or ""), parts.port
    except ValueError:
        raise AddressNotAllowed("This is no address. Write it like https://shop.example/webhooks.") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and rules.allow_private):
        raise AddressNotAllowed("Use https://. Webhooks say what was paid; nobody on the way is to read or change it.")
    if "@" in parts.netloc:
        raise AddressNotAllowed("An address here has no user name or password; the signature says who we are.")
    if not host or host.strip(".") == "" or "%" in host or port == 0:
        raise AddressNotAllowed("This is no address. Write it like https://shop.example/webhooks.")
    if "#" in url:
        raise AddressNotAllowed("Leave out the # and what follows: it is never sent.")
    is_secure = parts.scheme == "https"
    port = port or (HTTPS_PORT if is_secure else HTTP_PORT)
    if port not in rules.ports and not rules.allow_private:
        allowed = ", ".join(str(number) for number in sorted(rules.ports))
        raise AddressNotAllowed(f"Port {port} is not allowed here; allowed: {allowed}.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(is_secure=is_secure, host=host, port=port, target=target)


def check(url: str, rules: Rules, *, resolve: Resolve | None = None) -> Destination:
    """The destination of a URL, with every address its host has now, each of them checked.

    Raises AddressNotAllowed. One address that is not public is enough: which one is connected to is then chance.
    """
    found = parse(url, rules)
    try:
        addresses = tuple(dict.fromkeys((resolve or system_resolve)(found.host, found.port)))
    except OSError:
        addresses = ()
    if not addresses:
        raise NameNotResolved(f"The name {found.host} leads to no address.")
    for address in addresses:
        if not (is_public(address) or (rules.allow_private and _is_usable(address))):
            raise AddressNotAllowed(f"{found.host} leads to {address}, which is no public address.")
    return Destination(found.is_secure, found.host, found.port, found.target, addresses)


def system_resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says, within RESOLVE_SECONDS. Raises OSError.

    The resolver itself takes no time limit; it is asked in a thread that nobody waits for longer.
    """
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            answers.put([str(sockaddr[0]) for *_, sockaddr in found])
        except (OSError, UnicodeError) as reason:
            answers.put(reason if isinstance(reason, OSError) else OSError(str(reason)))

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=RESOLVE_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"{host} was not resolved in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
