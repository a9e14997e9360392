"""One visit to an SFTP server: reach it, know it again, sign in, list a directory, read files. No Django.

Decision: paramiko. asyncssh is as well kept and quicker with thousands of connections, of which we have one at a time;
it needs an event loop of its own beside the worker's threads, and paramiko's is the API that blocks and times out.
"""

import posixpath
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import paramiko

from reconciliation.sftp import Entry, HostKeyUnconfirmed, Server, SourceFailed, Step, fingerprint, public_key_of

CONNECT_SECONDS = 15
READ_SECONDS = 15
"""For one answer of the server."""
FILE_SECONDS = 60
"""For one file as a whole; a worker holds the source no longer."""
MOST_ENTRIES = 5_000
"""Files and directories that are looked at in one visit."""
DEPTH = 2
"""The acquirer keeps a directory for each day, below one for each merchant id."""
_CHUNK = 256 * 1024


class Visit:
    """A session that is signed in."""

    def __init__(self, client: paramiko.SFTPClient, directory: str) -> None:
        self._client = client
        self._directory = directory

    def files(self) -> list[Entry]:
        """The files of the directory and of those below it, by path. Raises SourceFailed."""
        found: list[Entry] = []
        waiting = [(self._directory, 0)]
        seen = 0
        while waiting:
            directory, depth = waiting.pop()
            for attributes in self._listed(directory):
                seen += 1
                if seen > MOST_ENTRIES:
                    raise SourceFailed(
                        "There are more than {most} files in {directory}. Name a directory with fewer, or have old "
                        "ones removed.",
                        step=Step.DIRECTORY,
                        most=MOST_ENTRIES,
                        directory=self._directory,
                    )
                path = posixpath.join(directory, attributes.filename)
                kind = attributes.st_mode or 0
                if stat.S_ISDIR(kind) and depth < DEPTH and not attributes.filename.startswith("."):
                    waiting.append((path, depth + 1))
                elif stat.S_ISREG(kind):
                    found.append(Entry(path, attributes.st_size or 0, attributes.st_mtime or 0))
        return sorted(found, key=lambda entry: entry.path)

    def read(self, entry: Entry) -> bytes:
        """The bytes of a file. Raises SourceFailed, also for one that is not as long as it was listed."""
        ends = time.monotonic() + FILE_SECONDS
        chunks: list[bytes] = []
        length = 0
        try:
            with self._client.open(entry.path, "rb") as remote:
                remote.prefetch(entry.size)
                while chunk := remote.read(_CHUNK):
                    chunks.append(chunk)
                    length += len(chunk)
                    if time.monotonic() > ends:
                        raise SourceFailed(
                            "{path} was not read within {seconds} s; it is tried again.",
                            step=Step.READ,
                            path=entry.path,
                            seconds=FILE_SECONDS,
                        )
                    if length > entry.size:
                        break
        except (OSError, EOFError, paramiko.SSHException) as reason:
            raise SourceFailed(
                "{path} cannot be read: {reason}.", step=Step.READ, path=entry.path, reason=_said(reason)
            ) from None
        if length != entry.size:
            raise SourceFailed("{path} changed while it was read; it is tried again.", step=Step.READ, path=entry.path)
        return b"".join(chunks)

    def _listed(self, directory: str) -> list[paramiko.SFTPAttributes]:
        try:
            return self._client.listdir_attr(directory)
        except FileNotFoundError:
            raise SourceFailed("There is no directory {directory}.", step=Step.DIRECTORY, directory=directory) from None
        except (OSError, EOFError, paramiko.SSHException) as reason:
            raise SourceFailed(
                "{directory} cannot be listed: {reason}.",
                step=Step.DIRECTORY,
                directory=directory,
                reason=_said(reason),
            ) from None


@contextmanager
def visit(server: Server) -> Iterator[Visit]:
    """Go there, and leave. Raises SourceFailed with its step, HostKeyUnconfirmed before anything is told."""
    with _reached(server) as transport:
        _know_again(server, transport)
        _sign_in(server, transport)
        try:
            client = paramiko.SFTPClient.from_transport(transport)
        except (OSError, EOFError, paramiko.SSHException) as reason:
            raise SourceFailed(
                "The server lets {username} in and speaks no SFTP: {reason}. Ask the acquirer to open SFTP for it.",
                step=Step.DIRECTORY,
                username=server.username,
                reason=_said(reason),
            ) from None
        assert client is not None  # noqa: S101 - only a closed transport gives none
        channel = client.get_channel()
        assert channel is not None  # noqa: S101 - it is open
        channel.settimeout(READ_SECONDS)
        yield Visit(client, server.directory)


@contextmanager
def _reached(server: Server) -> Iterator[paramiko.Transport]:
    address = f"{server.host}:{server.port}"
    try:
        line = socket.create_connection((server.host, server.port), timeout=CONNECT_SECONDS)
    except socket.gaierror:
        raise SourceFailed(
            "Nobody knows the host {host}. Check how it is written.", step=Step.REACH, host=server.host
        ) from None
    except TimeoutError:
        raise SourceFailed(
            "{address} does not answer within {seconds} s. The acquirer must allow our public address.",
            step=Step.REACH,
            address=address,
            seconds=CONNECT_SECONDS,
        ) from None
    except OSError as reason:
        raise SourceFailed(
            "{address} cannot be reached: {reason}.", step=Step.REACH, address=address, reason=_said(reason)
        ) from None
    try:
        transport = paramiko.Transport(line)
    except (OSError, EOFError, paramiko.SSHException):
        line.close()
        raise SourceFailed("{address} speaks no SSH.", step=Step.REACH, address=address) from None
    try:
        transport.banner_timeout = transport.auth_timeout = READ_SECONDS
        if server.host_key:
            _prefer(transport, server.host_key.split()[0])
        try:
            transport.start_client(timeout=CONNECT_SECONDS)
        except (OSError, EOFError, paramiko.SSHException) as reason:
            raise SourceFailed(
                "{address} and we find no way to speak SSH: {reason}.",
                step=Step.REACH,
                address=address,
                reason=_said(reason),
            ) from None
        yield transport
    finally:
        transport.close()


def _prefer(transport: paramiko.Transport, kind: str) -> None:
    """Let a server with several host keys show the one of the kind that was confirmed."""
    options = transport.get_security_options()
    wanted = ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)
    known = tuple(options.key_types)
    first = tuple(one for one in wanted if one in known)
    options.key_types = first + tuple(one for one in known if one not in first)


def _know_again(server: Server, transport: paramiko.Transport) -> None:
    key = transport.get_remote_server_key()
    offered = f"{key.get_name()} {key.get_base64()}"
    if not server.host_key:
        raise HostKeyUnconfirmed(
            "The server shows the host key {fingerprint}. Compare it with the acquirer's, and confirm it.",
            offered=offered,
            fingerprint=fingerprint(offered),
        )
    if offered != server.host_key:
        raise HostKeyUnconfirmed(
            "The server shows the host key {fingerprint}, and {confirmed} was confirmed. Nothing was told to it. Ask "
            "the acquirer whether it has a new key before you confirm it.",
            offered=offered,
            fingerprint=fingerprint(offered),
            confirmed=fingerprint(server.host_key),
        )


def _sign_in(server: Server, transport: paramiko.Transport) -> None:
    try:
        if server.private_key.reveal():
            transport.auth_publickey(server.username, _loaded(server.private_key.reveal()))
        else:
            transport.auth_password(server.username, server.password.reveal())
    except paramiko.BadAuthenticationType as reason:
        raise SourceFailed(
            "The server lets {username} in by {ways} only.",
            step=Step.SIGN_IN,
            username=server.username,
            ways=", ".join(reason.allowed_types),
        ) from None
    except paramiko.AuthenticationException:
        raise SourceFailed(
            "The server refuses {username}. Check the name and the password or key; an account that nobody used for 90 "
            "days is disabled by the acquirer.",
            step=Step.SIGN_IN,
            username=server.username,
        ) from None
    except (OSError, EOFError, paramiko.SSHException) as reason:
        raise SourceFailed(
            "Signing in as {username} was cut off: {reason}.",
            step=Step.SIGN_IN,
            username=server.username,
            reason=_said(reason),
        ) from None


def _loaded(text: str) -> paramiko.PKey:
    """A private key as it is kept: it was read once before."""
    kinds: dict[str, Any] = {"ssh-ed25519": paramiko.Ed25519Key, "ssh-rsa": paramiko.RSAKey}
    kind = public_key_of(text).split()[0]
    key: paramiko.PKey = kinds.get(kind, paramiko.ECDSAKey).from_private_key(StringIO(text))
    return key


def _said(reason: Exception) -> str:
    """What a library says, as the end of a sentence."""
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return str(text).splitlines()[0].rstrip(".")[:200]
