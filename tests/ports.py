"""A port for somebody who opens it later, or closes it and comes back: a server of its own, a broker that dies.

One that the system hands out (bind to 0, let go) may be anybody's by then: it comes from the range that outgoing
connections take theirs from. And whoever knocks there before the server listens may be given that very port for
itself, and is then connected to itself. So it is chosen below that range.
"""

import secrets
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_LOWEST = 32768
"""Where the system does not say it. On macOS and Windows it is 49152."""
_COUNT = 12_000
_ATTEMPTS = 100


def lasting_port() -> int:
    """One that nobody listens on, and that nobody is given by chance."""
    above = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else _USUAL_LOWEST
    lowest = max(above - _COUNT, 1024)
    for _ in range(_ATTEMPTS):
        # Not from ``random``: processes that are told the same seed would come to the same ports.
        port = lowest + secrets.randbelow(above - lowest)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port from {lowest} to {above - 1} is free")
