"""RSA signatures over the bytes that cross the wire: build the content, sign, verify, read keys in any form.

Source: https://docs.antom.com/ac/ams/digital_signature. The content is
``"<METHOD> <path incl. query>\\n<client id>.<time>.<body>"``: one blank, one line feed, two dots, no trailing newline.
The time is signed verbatim, so both documented formats (Unix milliseconds, ISO 8601) work. The body is the bytes as
sent or received; whoever parses and prints JSON again before verifying breaks the signature.

Signatures are written as percent-encoded base64 and accepted in the forms met in practice: percent-encoded, plain
base64 (where ``+`` must survive decoding), and base64url without padding.
"""

import base64
import binascii
import functools
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ALGORITHM = "RSA256"
"""The literal of the header; it means RSASSA-PKCS1-v1_5 with SHA-256. No other algorithm is documented."""
_KEY_BITS = 2048
_LARGEST_HEADER = 4096


class KeyUnreadable(ValueError):
    """A text that is no RSA key of the expected kind; the sentence says what to paste instead."""


def content_to_sign(method: str, uri: str, client_id: str, time: str, body: bytes) -> bytes:
    """The bytes that are signed. ``uri`` is path and query, without scheme and host."""
    return f"{method} {uri}\n{client_id}.{time}.".encode() + body


class Form(StrEnum):
    """How a signature is written."""

    PERCENT = "percent"
    """Base64, percent-encoded."""
    BASE64URL = "base64url"
    """Base64 with - and _, without padding."""


def sign(private_key: rsa.RSAPrivateKey, content: bytes, *, form: Form = Form.PERCENT) -> str:
    """The signature as the header carries it."""
    raw = private_key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    if form is Form.BASE64URL:
        return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
    # Of the alphabet of base64 these three are all that is percent-encoded; looking at each character costs far more.
    return base64.b64encode(raw).decode("ascii").replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def signature_header(signature: str, *, key_version: str = "1") -> str:
    """The value of the ``signature`` header; without a key version where none is given."""
    version = f"keyVersion={key_version}, " if key_version else ""
    return f"algorithm={ALGORITHM}, {version}signature={signature}"


def parse_header(header: str) -> dict[str, str]:
    """The header's fields: ``algorithm``, ``keyVersion``, ``signature``; blanks after commas are optional.

    An un-encoded value ends in ``=``, so only the first ``=`` of a part separates.
    """
    parts = (part.strip().split("=", 1) for part in header[:_LARGEST_HEADER].split(",") if "=" in part)
    return {name.strip(): value.strip() for name, value in parts}


def verify(public_key: rsa.RSAPublicKey, content: bytes, signature: str) -> bool:
    """Whether ``signature`` (the header's field, in any accepted form) is over ``content``. Never raises."""
    try:
        public_key.verify(_decode(signature), content, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _decode(signature: str) -> bytes:
    # unquote, not unquote_plus: a signature that arrives as plain base64 may hold a "+".
    text = unquote(signature, errors="strict").replace("-", "+").replace("_", "/")
    text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError) as reason:
        raise ValueError("not base64") from reason


def new_private_key() -> rsa.RSAPrivateKey:
    """A new 2048-bit key pair, the size the acquirer's samples use."""
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """The key as PKCS#8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def public_pem(key: rsa.RSAPublicKey) -> str:
    """The key as X.509 SubjectPublicKeyInfo PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def public_bare(key: rsa.RSAPublicKey) -> str:
    """The key as the acquirer's dashboard takes it: base64 of the SubjectPublicKeyInfo on one line."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode("ascii")


@functools.lru_cache(maxsize=128)
def load_private_key(text: str) -> rsa.RSAPrivateKey:
    """Read a private key from PEM, bare PKCS#8 or bare PKCS#1. Raises KeyUnreadable.

    Parsed once per text: checking an RSA key's consistency costs far more than a signature.
    """
    for candidate in _candidates(text, "PRIVATE KEY", "RSA PRIVATE KEY"):
        try:
            key = serialization.load_pem_private_key(candidate, password=None)
        except (ValueError, TypeError):
            continue
        if isinstance(key, rsa.RSAPrivateKey):
            return _strong_enough(key)
        break
    raise KeyUnreadable("This is not an RSA private key. Paste PEM, or the bare base64 of PKCS#8 or PKCS#1.")


@functools.lru_cache(maxsize=128)
def load_public_key(text: str) -> rsa.RSAPublicKey:
    """Read a public key from PEM, bare SubjectPublicKeyInfo or bare PKCS#1. Raises KeyUnreadable."""
    if "PRIVATE KEY" in text:
        raise KeyUnreadable("This is a private key. Paste the acquirer's public key here, and keep that one secret.")
    for candidate in _candidates(text, "PUBLIC KEY", "RSA PUBLIC KEY"):
        try:
            key = serialization.load_pem_public_key(candidate)
        except (ValueError, TypeError):
            continue
        if isinstance(key, rsa.RSAPublicKey):
            return _strong_enough(key)
        break
    raise KeyUnreadable("This is not an RSA public key. Paste PEM, or the bare base64 of the key.")


_Key = TypeVar("_Key", rsa.RSAPrivateKey, rsa.RSAPublicKey)


def _strong_enough(key: _Key) -> _Key:
    if key.key_size < _KEY_BITS:
        raise KeyUnreadable(f"The key has {key.key_size} bits; the acquirer takes {_KEY_BITS} or more.")
    return key


def _candidates(text: str, *labels: str) -> list[bytes]:
    """The text as PEM: itself when it is, else its bare base64 in each envelope."""
    stripped = text.strip()
    if stripped.startswith("-----BEGIN"):
        return [stripped.encode("ascii", "replace") + b"\n"]
    bare = "".join(stripped.split())
    lines = "\n".join(bare[start : start + 64] for start in range(0, len(bare), 64))
    return [f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode("ascii", "replace") for label in labels]
