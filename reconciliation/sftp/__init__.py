"""An acquirer's SFTP server: where it is, how it is known again, and why a visit to it ends. No Django.

The server must show the host key a person has confirmed before it is told a password or asked to take a key: whoever
sits between would otherwise have both. What fails is a step with a sentence, so that a person knows whom to ask.

``reconciliation.sftp.session`` goes there. It stands apart since its library takes half a second to load, which only
whoever goes there should wait for.
Source: https://docs.antom.com/ac/reconcile/perform (server, directories, names)
"""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from portal.acquirer.results import Secret
from portal.errors import PortalError


class Step(StrEnum):
    """What a visit does, in this order."""

    REACH = "REACH"
    HOST_KEY = "HOST_KEY"
    SIGN_IN = "SIGN_IN"
    DIRECTORY = "DIRECTORY"
    READ = "READ"


class SourceFailed(PortalError):
    """A visit ended at a step; the sentence says why, and never holds a secret."""

    code = "source_failed"
    sentence = "{problem}"

    def __init__(self, sentence: str, /, *, step: Step, **params: object) -> None:
        super().__init__(sentence, **params)
        self.step = step


class HostKeyUnconfirmed(SourceFailed):
    """The server shows a key that nobody has confirmed, or another one than was; nothing was told to it."""

    def __init__(self, sentence: str, /, *, offered: str, **params: object) -> None:
        super().__init__(sentence, step=Step.HOST_KEY, **params)
        self.offered = offered


class KeyUnusable(PortalError):
    """A private key that cannot be used; the sentence says why."""

    code = "key_unusable"
    sentence = "This is no private key: paste the whole file, from BEGIN to END, of an Ed25519, ECDSA or RSA key."


@dataclass(frozen=True)
class Server:
    """Where reports lie, and who we are there."""

    host: str
    port: int
    username: str
    directory: str
    host_key: str
    """``ssh-ed25519 AAAA…``, as it was confirmed; empty: never."""
    password: Secret = field(default_factory=lambda: Secret(""))
    private_key: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True)
class Entry:
    """A file of the server."""

    path: str
    size: int
    modified: int
    """Seconds since 1970, by the server's clock."""


def fingerprint(host_key: str) -> str:
    """``SHA256:…`` as ``ssh-keygen -l`` prints it, with the kind of the key after it."""
    kind, _, body = host_key.partition(" ")
    return f"SHA256:{b64encode(hashlib.sha256(b64decode(body)).digest()).decode().rstrip('=')} ({kind})"


def unlocked(text: str, passphrase: str = "") -> str:
    """A private key in OpenSSH's form and without its passphrase, as it is kept, encrypted. Raises KeyUnusable."""
    body, word = (text.strip() + "\n").encode(), passphrase.encode() or None
    load = serialization.load_ssh_private_key if b"OPENSSH" in body else serialization.load_pem_private_key
    try:
        key = load(body, word)
    except TypeError:
        if passphrase:
            raise KeyUnusable("The key has no passphrase: leave that field empty.") from None
        raise KeyUnusable("The key is locked with a passphrase: type it, too.") from None
    except (ValueError, UnsupportedAlgorithm):
        if passphrase:
            raise KeyUnusable("The passphrase does not open this key, or it is no private key.") from None
        raise KeyUnusable from None
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise KeyUnusable
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, plain).decode()


def public_key_of(text: str) -> str:
    """The public half of a private key as it is kept, as the acquirer takes it: ``ssh-ed25519 AAAA…``."""
    public = serialization.load_ssh_private_key(text.encode(), None).public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
