"""One POST to a checked address: a deadline for all of it, no redirect, no proxy, and a bounded look at the answer.

Each attempt opens a connection of its own to one of the addresses that were checked, and TLS verifies the certificate
for the *name*: a name that resolves elsewhere a moment later changes nothing, and an address that somebody else holds
by now has no certificate for it. Nothing of the environment (proxies, bundles) has a say.
"""

import functools
import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from portal.outbox.addresses import AddressNotAllowed, Destination, NameNotResolved, Resolve, Rules, check

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 10.0
"""From the first packet to the last: a receiver that answers one byte a second does not hold the worker."""
LARGEST_ANSWER_BYTES = 4096
SHOWN_CHARACTERS = 300
_DISABLED_BY_RECEIVER = 410
_SUCCESS = range(200, 300)
_ADDRESSES_TRIED = 2

Connect = Callable[[str, int, float], socket.socket]
"""(address, port, seconds) → a connection. Raises OSError."""

_SECRETIVE = re.compile(r"[A-Za-z0-9+/_=.-]{24,}")
"""What is as long as a token is shown as one: an answer may repeat our signature, or hold anything."""


@dataclass(frozen=True)
class Sent:
    """What became of one POST."""

    duration_ms: int
    address: str = ""
    http_status: int | None = None
    answer: str = ""
    error: str = ""
    """``address_not_allowed``, ``name_not_resolved``, ``no_connection``, ``bad_certificate``, ``timed_out``,
    ``broken_off``; empty when there was an answer."""
    note: str = ""
    retry_after_seconds: int = 0

    @property
    def is_success(self) -> bool:
        """Any 2xx: it was taken."""
        return self.http_status in _SUCCESS

    @property
    def is_gone(self) -> bool:
        """410: the receiver wants nothing more, ever."""
        return self.http_status == _DISABLED_BY_RECEIVER

    @property
    def said(self) -> str:
        """In a few words."""
        if self.http_status is None:
            return self.error.replace("_", " ")
        return f"HTTP {self.http_status}"


@dataclass(frozen=True)
class Sender:
    """How webhooks leave. Production has the defaults; what it resolves, connects and trusts by are arguments."""

    rules: Rules
    resolve: Resolve | None = None
    connect: Connect | None = None
    tls: ssl.SSLContext | None = None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Send and say what came of it. Raises nothing that the other side can cause."""
        begun = time.monotonic()

        def ended(**facts: Any) -> Sent:
            return Sent(duration_ms=int((time.monotonic() - begun) * 1000), **facts)

        try:
            destination = check(url, self.rules, resolve=self.resolve)
        except NameNotResolved as reason:
            return ended(error="name_not_resolved", note=reason.message)
        except AddressNotAllowed as reason:
            return ended(error="address_not_allowed", note=reason.message)
        deadline = time.monotonic() + WHOLE_SECONDS
        address = ""
        try:
            address, line = self._line(destination, deadline)
            with line:
                status, answer, retry_after = _exchange(destination, _Deadline(line, deadline), headers, body)
        except ssl.SSLCertVerificationError as reason:
            problem = f"The certificate does not hold for {destination.host}: {reason.verify_message}."
            return ended(address=address, error="bad_certificate", note=problem[:200])
        except TimeoutError:
            return ended(address=address, error="timed_out", note=f"No answer within {WHOLE_SECONDS:.0f} seconds.")
        except _NoConnection as reason:
            return ended(error="no_connection", note=str(reason)[:200])
        except (OSError, http.client.HTTPException, ValueError) as reason:
            problem = f"The line broke off, or what came was no answer ({type(reason).__name__})."
            return ended(address=address, error="broken_off", note=problem)
        note = "A redirect is not followed: give the endpoint the final address." if status in range(300, 400) else ""
        return ended(
            address=address, http_status=status, answer=shown(answer), note=note, retry_after_seconds=retry_after
        )

    def _line(self, destination: Destination, deadline: float) -> tuple[str, socket.socket]:
        """Connect to the first checked address that answers; over TLS, verified for the host's name."""
        refused: OSError | None = None
        for address in destination.addresses[:_ADDRESSES_TRIED]:
            seconds = min(CONNECT_SECONDS, deadline - time.monotonic())
            if seconds <= 0:
                break
            try:
                line = (self.connect or _connect)(address, destination.port, seconds)
            except OSError as reason:
                refused = reason
                continue
            if not destination.is_secure:
                return address, line
            try:
                line.settimeout(max(deadline - time.monotonic(), 0.001))
                return address, (self.tls or _trust()).wrap_socket(line, server_hostname=destination.host)
            except BaseException:
                line.close()
                raise
        if refused is None or isinstance(refused, TimeoutError):
            raise _NoConnection(f"{destination.host} does not answer.")
        raise _NoConnection(f"{destination.host} takes no connection: {refused.strerror or type(refused).__name__}.")


@functools.cache
def _trust() -> ssl.SSLContext:
    """The bundle the gateway trusts by, too; given by name, since the system's own may be moved by the environment."""
    return ssl.create_default_context(cafile=requests.utils.DEFAULT_CA_BUNDLE_PATH)


class _NoConnection(Exception):
    """No checked address took a connection."""


def _connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), timeout=seconds)


class _Deadline(io.RawIOBase):
    """A connection as the HTTP parser reads it: every read and write within what is left of the time."""

    def __init__(self, line: socket.socket, deadline: float) -> None:
        self._line, self._until = line, deadline

    def _hurry(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._line.settimeout(left)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._hurry()
        return self._line.recv_into(buffer)

    def sendall(self, data: Any) -> None:
        self._hurry()
        self._line.sendall(data)

    def makefile(self, *args: Any, **kwargs: Any) -> io.BufferedReader:
        return io.BufferedReader(self)

    def close(self) -> None:
        """Stay open: the parser lets go of the line before it has read the body; whoever made it closes it."""


class _Connection(http.client.HTTPConnection):
    """The parser of the standard library over a connection that exists already."""

    def __init__(self, host: str, line: _Deadline) -> None:
        super().__init__(host)
        self._made: Any = line

    def connect(self) -> None:
        self.sock = self._made


def _exchange(
    destination: Destination, line: _Deadline, headers: Mapping[str, str], body: bytes
) -> tuple[int, bytes, int]:
    connection = _Connection("unused", line)
    connection.putrequest("POST", destination.target, skip_host=True, skip_accept_encoding=True)
    for name, value in {
        "Host": destination.host_header,
        "User-Agent": "autodebit-portal-webhooks/1",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    wait = answer.getheader("Retry-After", "")
    seconds = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 7 else 0
    try:
        said = answer.read(LARGEST_ANSWER_BYTES)
    except (TimeoutError, OSError, http.client.HTTPException, ValueError):
        said = b""  # the status was said; how the rest ends changes nothing
    return answer.status, said, seconds


def shown(answer: bytes) -> str:
    """The beginning of an answer for people: one line, nothing unprintable, nothing that may be a secret."""
    text = answer.decode("utf-8", "replace")
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return _SECRETIVE.sub("••••", text)[:SHOWN_CHARACTERS]
