"""Encryption at rest: nothing readable in the database, nothing opened under another purpose or without the key."""

import base64
import io
import os
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from authorizations.models import TOKEN_PURPOSE, WalletAccount
from portal import encryption
from portal.encryption import KeyRing, Undecryptable, blind_index
from portal.models import Exchange
from tests.factories import ExchangeFactory, WalletAccountFactory


def ring(*names: str) -> KeyRing:
    return KeyRing([(name, name.encode().ljust(32, b"-")) for name in names])


def test_what_was_encrypted_opens_and_two_ciphertexts_of_one_text_differ() -> None:
    keys = ring("k1")
    first, second = keys.encrypt(b"token", "a.B.c"), keys.encrypt(b"token", "a.B.c")
    assert first != second
    assert first.startswith("k1:")
    assert keys.decrypt(first, "a.B.c") == keys.decrypt(second, "a.B.c") == b"token"


def test_a_value_moved_to_another_column_does_not_open() -> None:
    stored = ring("k1").encrypt(b"token", "a.B.c")
    with pytest.raises(Undecryptable):
        ring("k1").decrypt(stored, "a.B.other")


def test_a_changed_byte_does_not_open() -> None:
    stored = ring("k1").encrypt(b"token", "a.B.c")
    raw = bytearray(base64.b64decode(stored.removeprefix("k1:")))
    raw[-1] ^= 1
    with pytest.raises(Undecryptable):
        ring("k1").decrypt("k1:" + base64.b64encode(raw).decode(), "a.B.c")


def test_rotation_old_values_open_new_ones_use_the_new_key_and_the_index_stays() -> None:
    old, both = ring("k1"), ring("k2", "k1")
    stored = old.encrypt(b"token", "p")
    assert both.decrypt(stored, "p") == b"token"
    assert both.encrypt(b"token", "p").startswith("k2:")
    assert both.blind_index("token", "p") == old.blind_index("token", "p")
    with pytest.raises(Undecryptable, match="k1"):
        ring("k2").decrypt(stored, "p")


@pytest.mark.parametrize("key", [("", os.urandom(32)), ("a:b", os.urandom(32)), ("k", os.urandom(16))])
def test_a_malformed_key_stops_the_start(key: tuple[str, bytes]) -> None:
    with pytest.raises(ImproperlyConfigured):
        KeyRing([key])


@pytest.mark.django_db
def test_the_database_never_sees_a_token() -> None:
    wallet = WalletAccountFactory()
    wallet.set_token("28101003_THE_TOKEN_ITSELF")
    wallet.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM authorizations_walletaccount WHERE id = %s", [wallet.pk])
        row = " ".join(str(cell) for cell in cursor.fetchone())
    assert "THE_TOKEN_ITSELF" not in row
    found = WalletAccount.objects.get(access_token_index=blind_index("28101003_THE_TOKEN_ITSELF", TOKEN_PURPOSE))
    assert found.access_token == "28101003_THE_TOKEN_ITSELF"


@pytest.mark.django_db
def test_rotating_the_master_key_while_everything_stays_readable(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = WalletAccountFactory()
    exchange = ExchangeFactory()
    old = encryption.key_ring()
    fresh = "k9:" + base64.b64encode(b"9" * 32).decode()
    settings.PORTAL_MASTER_KEYS = [fresh, (settings.PORTAL_DATA / "master_key.txt").read_text().strip()]
    monkeypatch.setattr(encryption, "key_ring", lambda: both)
    both = encryption.KeyRing([("k9", b"9" * 32), *_entries(settings.PORTAL_MASTER_KEYS[1:])])

    call_command("rotate_keys", stdout=io.StringIO())

    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM authorizations_walletaccount")
        assert cursor.fetchone()[0].startswith("k9:")
        cursor.execute("SELECT request_body FROM portal_exchange")
        assert cursor.fetchone()[0].startswith("k9:")
    assert WalletAccount.objects.get().access_token == wallet.access_token
    assert Exchange.objects.get().request_body == exchange.request_body
    assert both.blind_index("x", "p") == old.blind_index("x", "p")


def _entries(entries: list[str]) -> list[tuple[str, bytes]]:
    return [(entry.partition(":")[0], base64.b64decode(entry.partition(":")[2])) for entry in entries]


@pytest.mark.django_db
def test_rotating_without_the_old_key_says_which_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    WalletAccountFactory()
    alone = encryption.KeyRing([("k9", b"9" * 32)])
    monkeypatch.setattr(encryption, "key_ring", lambda: alone)
    with pytest.raises(CommandError, match="Add the missing key") as refusal:
        call_command("rotate_keys", stdout=io.StringIO())
    assert refusal.value.returncode == 2
