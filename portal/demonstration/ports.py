"""Ports of this machine: the wanted one, or the next that is free."""

import errno
import socket
from collections.abc import Collection

_HIGHEST = 65535
_TRIED_AT_MOST = 200


class NoPortFree(Exception):
    """None was free; the sentence says where one was looked for."""


def first_free(wanted: int, *, besides: Collection[int] = ()) -> int:
    """``wanted``, or the next port nobody listens on. Raises NoPortFree."""
    last = min(wanted + _TRIED_AT_MOST, _HIGHEST)
    for port in range(wanted, last + 1):
        if port not in besides and is_free(port):
            return port
    raise NoPortFree(f"No port from {wanted} to {last} is free.")


def is_free(port: int) -> bool:
    """Whether nobody listens on it, under either name a browser may know ``localhost`` by."""
    return _is_bindable(socket.AF_INET, ("127.0.0.1", port)) and (
        not socket.has_ipv6 or _is_bindable(socket.AF_INET6, ("::1", port), if_there_is_none=True)
    )


def _is_bindable(family: int, address: tuple[str, int], *, if_there_is_none: bool = False) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError:
        return False
    except OSError as reason:
        # A machine without IPv6 has no such address, and so nobody who listens on it.
        return if_there_is_none and reason.errno != errno.EADDRINUSE
    return True
