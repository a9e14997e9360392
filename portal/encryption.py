"""Encryption at rest: AES-256-GCM with key ids, the row's purpose as associated data, and a blind index for look-up.

Stored form: ``<key id>:<base64 of nonce + ciphertext + tag>``. The purpose (``app.Model.field``) is authenticated, so
a value copied into another column does not decrypt. The blind index is an HMAC-SHA-256 under a key derived from the
oldest master key, so that look-ups survive a rotation.

Decision: our own field instead of a package. django-cryptography no longer imports on Django 5.2, and
django-fernet-fields derives its key from ``SECRET_KEY``, so that rotating one destroys the other.
"""

import base64
import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models, transaction

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Undecryptable(Exception):
    """A stored value that no known key opens: a key is missing, or the value was tampered with or moved."""


class KeyRing:
    """The master keys, newest first: the first encrypts, all decrypt, the last gives the blind index its key."""

    def __init__(self, keys: list[tuple[str, bytes]]) -> None:
        for key_id, key in keys:
            if not key_id or ":" in key_id or len(key) != _KEY_BYTES:
                raise ImproperlyConfigured("PORTAL_MASTER_KEYS: each entry is 'id:base64 of 32 bytes'")
        self._current, _ = keys[0]
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys}
        self._oldest = keys[-1][1]
        self._index_key = self.derived("blind index")

    @property
    def current(self) -> str:
        """The id of the key that encrypts."""
        return self._current

    def encrypt(self, plain: bytes, purpose: str) -> str:
        """``plain`` under the current key."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._ciphers[self._current].encrypt(nonce, plain, purpose.encode())
        return f"{self._current}:{base64.b64encode(sealed).decode('ascii')}"

    def decrypt(self, stored: str, purpose: str) -> bytes:
        """The plain bytes. Raises Undecryptable."""
        key_id, _, text = stored.partition(":")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise Undecryptable(f"master key {key_id!r} is not configured")
        sealed = base64.b64decode(text)
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except InvalidTag:
            raise Undecryptable(f"a value of {purpose} does not open") from None

    def derived(self, purpose: str) -> bytes:
        """32 bytes for another use, made from the oldest master key: they stay the same when the key is rotated."""
        return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=f"portal {purpose}".encode()).derive(self._oldest)

    def blind_index(self, text: str, purpose: str) -> str:
        """A keyed digest to look a value up by, without keeping the value."""
        return hmac.new(self._index_key, f"{purpose}\x00{text}".encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=1)
def key_ring() -> KeyRing:
    """The ring from ``PORTAL_MASTER_KEYS``; in the sandbox, from a file made on first use."""
    entries = settings.PORTAL_MASTER_KEYS
    if not entries and settings.IS_PRODUCTION:
        raise ImproperlyConfigured("PORTAL_MASTER_KEYS must be set in production")
    if not entries:
        entries = [_generated(settings.PORTAL_DATA / "master_key.txt")]
    keys = []
    for entry in entries:
        key_id, _, text = entry.partition(":")
        try:
            keys.append((key_id.strip(), base64.b64decode(text, validate=True)))
        except ValueError:
            raise ImproperlyConfigured("PORTAL_MASTER_KEYS: each entry is 'id:base64 of 32 bytes'") from None
    return KeyRing(keys)


def _generated(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write("k1:" + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode("ascii"))
    return path.read_text().strip()


def blind_index(text: str, purpose: str) -> str:
    """The blind index of ``text`` in force now."""
    return key_ring().blind_index(text, purpose)


if TYPE_CHECKING:
    _Text = models.TextField[str, str]
    _Bytes = models.TextField[bytes, bytes]
else:
    _Text = _Bytes = models.TextField


class EncryptedTextField(_Text):
    """Text that the database only sees encrypted. Empty stays empty; it cannot be searched, only looked up by index."""

    def _purpose(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    def get_prep_value(self, value: Any) -> Any:
        if value is None or value == "":
            return value
        return key_ring().encrypt(str(value).encode(), self._purpose())

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if value is None or value == "":
            return value
        return key_ring().decrypt(value, self._purpose()).decode()

    def get_lookup(self, lookup_name: str) -> Any:
        """Only emptiness can be asked for: ciphertexts of equal texts differ."""
        if lookup_name in {"isnull", "exact"}:
            return super().get_lookup(lookup_name)
        return None


class EncryptedBinaryField(_Bytes):
    """Bytes that the database only sees encrypted: messages exactly as they crossed the wire."""

    def _purpose(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    def get_prep_value(self, value: Any) -> Any:
        if value is None or value in (b"", ""):
            return "" if value is not None else None
        return key_ring().encrypt(bytes(value), self._purpose())

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if value is None or value == "":
            return b"" if value == "" else None
        return key_ring().decrypt(value, self._purpose())

    def to_python(self, value: Any) -> Any:
        return value

    def get_lookup(self, lookup_name: str) -> Any:
        """Only emptiness can be asked for."""
        return super().get_lookup(lookup_name) if lookup_name in {"isnull", "exact"} else None


def encrypted_columns() -> list[tuple[str, str, str, str]]:
    """(table, primary key column, column, purpose) of every encrypted field of the project."""
    return [
        (model._meta.db_table, str(model._meta.pk.column), str(field.column), field._purpose())
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, EncryptedTextField | EncryptedBinaryField)
    ]


def encrypt_anew(table: str, key_column: str, column: str, purpose: str, *, batch: int = 500) -> int:
    """Encrypt what other keys than the current one hold in a column; how many values changed.

    Runs beside a working portal: each value is replaced only if it is still the one that was read. Stopped anywhere, it
    goes on where it stopped. Raises Undecryptable when a key is missing; what was done until then stays done.
    """
    ring = key_ring()
    quoted = connection.ops.quote_name
    where = f"{quoted(column)} <> '' AND {quoted(column)} NOT LIKE %s"
    find = f"SELECT {quoted(key_column)}, {quoted(column)} FROM {quoted(table)} WHERE {where} LIMIT {int(batch)}"  # noqa: S608 - names of our own models
    put = f"UPDATE {quoted(table)} SET {quoted(column)} = %s WHERE {quoted(key_column)} = %s AND {quoted(column)} = %s"  # noqa: S608
    changed = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(find, [f"{ring.current}:%"])
            found = cursor.fetchall()
            for key, stored in found:
                cursor.execute(put, [ring.encrypt(ring.decrypt(stored, purpose), purpose), key, stored])
                changed += cursor.rowcount
        if not found:
            return changed
