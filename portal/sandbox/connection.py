"""``connection.json``: what a client, ours or a foreign one, needs to aim itself at the sandbox."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from portal.sandbox.engine import Engine
from portal.sandbox.merchants import FIRST_CLIENT, FIRST_PARTNER


def _pkcs1(key: RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode("ascii")


@dataclass(frozen=True)
class Connection:
    """The first merchant's side of the line; keys are PEM.

    The private key is PKCS#1 and the public ones are SubjectPublicKeyInfo: what the acquirer's published Python client
    takes as it stands, since it puts no other envelope around a key than these two.
    """

    gateway_url: str
    client_id: str
    merchant_private_key: str
    merchant_public_key: str
    acquirer_public_key: str
    alipayplus: dict[str, str] = field(default_factory=dict)
    """The same five of the first merchant that speaks Alipay+."""

    @classmethod
    def of(cls, engine: Engine, gateway_url: str) -> "Connection":
        """The connection of an engine served at a URL."""
        keys = engine.context.keys
        partner = {
            "gateway_url": gateway_url,
            "client_id": FIRST_PARTNER,
            "merchant_private_key": _pkcs1(keys.alipayplus_merchant_key),
            "merchant_public_key": keys.alipayplus_merchant_public,
            "acquirer_public_key": keys.alipayplus_public,
        }
        private = _pkcs1(keys.merchant_key)
        return cls(gateway_url, FIRST_CLIENT, private, keys.merchant_public, keys.acquirer_public, partner)

    @classmethod
    def read(cls, path: Path) -> "Connection":
        """The connection a sandbox wrote. Raises OSError, ValueError."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def write(self, path: Path) -> None:
        """Write it for its owner's eyes only. Raises OSError."""
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)
        draft.replace(path)
