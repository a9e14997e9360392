"""Malformed notifications without end at the real door: each gets a documented answer, and nothing changes.

``tests.malformed`` has each kind once, by hand, with its exact answer; here they are mixed, mutated and many. In the
suite a few hundred; ``python -m tests.fuzz.notifications --count 10000`` says more.
"""

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator

import pytest

from payments.models import Payment
from payments.states import PaymentStatus
from portal import inbox
from portal.acquirer import signing
from portal.models import AcquirerAccount, Incident, Notification, NotificationStatus
from portal.sandbox.server import Sandbox
from tests.fuzz.messages import Keys, Message, message_number
from tests.malformed.digest import everything
from tests.malformed.test_notifications import ACCEPTED, NO_LENGTH, ONLY_POST, STRANGER, paid, world
from tests.malformed.test_notifications import REFUSED as REFUSED_ANSWER
from tests.malformed.wire import spoken

__all__ = ["world"]

COUNT = int(os.environ.get("FUZZ_COUNT", "0"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
LOOK_EVERY = 250
ANSWERS = {200: {ACCEPTED}, 401: {REFUSED_ANSWER}, 405: {ONLY_POST, b""}, 411: {NO_LENGTH}}
"""The door's own words. Of 404, 400 and 413 some are the web server's, in its words."""


@pytest.fixture
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(0 if COUNT else 600)
@pytest.mark.usefixtures("_quiet")
def test_none_of_them_changes_anything(
    world: dict[str, str],
    account: AcquirerAccount,
    sandbox: Sandbox,
    portal_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cap = inbox.UNVERIFIED_KEPT if COUNT else 40
    monkeypatch.setattr(inbox, "UNVERIFIED_KEPT", cap)
    keys = Keys(
        acquirer=signing.load_private_key(sandbox.engine.context.keys.acquirer),
        merchant=signing.load_private_key(sandbox.connection.merchant_private_key),
        stranger=STRANGER,
    )
    before, answered = everything(), Counter[int]()
    refused, odd_bodies = 0, set()
    numbers = range(FIRST, FIRST + (COUNT or 300))
    for number in numbers:
        message = message_number(number, seed=SEED, keys=keys, client_id=account.client_id, world=world)
        status, answer = spoken(portal_url, message.request(), method=message.method)
        answered[status] += 1
        assert status in message.answers, (number, message.wrong, status, answer)
        assert answer in ANSWERS.get(status, {answer}), (number, message.wrong, status, answer)
        refused += status == 401
        if status == 200:
            odd_bodies.add(message.body)
            _is_kept_as(message, number, account)
        if number % LOOK_EVERY == LOOK_EVERY - 1 or number == numbers[-1]:
            assert everything() == before, f"something changed between {number - LOOK_EVERY} and {number}"

    kept = Notification.objects.filter(is_verified=False)
    assert kept.count() == min(refused, cap)
    assert set(kept.values_list("status", flat=True)) == {NotificationStatus.REFUSED}
    assert Notification.objects.filter(is_verified=True).count() == len(odd_bodies)
    unread = Notification.objects.filter(status=NotificationStatus.UNAPPLIED).count()
    assert set(Incident.objects.values_list("kind", flat=True)) == {inbox.UNAPPLIED}
    assert Incident.objects.count() == unread
    if COUNT:
        with capsys.disabled():
            told = ", ".join(f"{count} × {status}" for status, count in sorted(answered.items()))
            print(f"\n{len(numbers)} messages, nothing changed: {told}")  # noqa: T201 - the command's answer

    _a_good_one_is_still_believed(world, keys, account, portal_url)


def _is_kept_as(message: Message, number: int, account: AcquirerAccount) -> None:
    """An acknowledged message is kept, byte for byte."""
    digest = hashlib.sha256(message.body).hexdigest()
    row = Notification.objects.get(account=account, is_verified=True, sha256=digest)
    assert row.status in message.kept, (number, message.wrong, row.status)
    assert bytes(row.body) == message.body


def _a_good_one_is_still_believed(
    world: dict[str, str],
    keys: Keys,
    account: AcquirerAccount,
    portal_url: str,
) -> None:
    """The same that was refused a thousand times in other hands."""
    good = message_number(0, seed=0, keys=keys, client_id=account.client_id, world=world)
    good.method, good.path = "POST", "/notify/sandbox/payment"
    good.body = json.dumps(paid()).replace("{payment}", world["{payment}"]).encode()
    good.sign()
    assert spoken(portal_url, good.request()) == (200, ACCEPTED)
    assert Payment.objects.get(payment_request_id=world["{payment}"]).status == PaymentStatus.SUCCEEDED
