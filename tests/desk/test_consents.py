"""The care of consents at the desk: which end, how refreshes went, whose buyers must agree again, and on what."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from authorizations import operations as binding
from authorizations.models import Consent, WalletAccount
from authorizations.states import Messenger, RefreshResult, WalletStatus
from payments.models import Subscription
from payments.subscriptions.states import CycleStatus, SubscriptionStatus, Trouble
from portal import clock
from portal.models import Incident, JournalEntry
from portal.roles import AUDITOR, OPERATOR, SUPPORT
from portal.words import told
from tests import factories
from tests.desk.conftest import Desk, list_url, page_url

pytestmark = pytest.mark.django_db
PAGE = "/admin/authorizations/consent/"
EXPORT = f"{PAGE}export/?ask=to_ask&days=30"


def ending(days: int, **facts: Any) -> WalletAccount:
    """A wallet whose token ends in so many days, and for good."""
    ends = clock.now() + timedelta(days=days)
    made: WalletAccount = factories.WalletAccountFactory(
        **{"refresh_token": "", "access_token_expires_at": ends, **facts}
    )
    return made


def dead(**facts: Any) -> WalletAccount:
    """A wallet whose token died an hour ago."""
    since = clock.now() - timedelta(hours=1)
    why = "The acquirer refused the token."
    made: WalletAccount = factories.WalletAccountFactory(
        **{"status": WalletStatus.NEEDS_AUTHORIZATION, "needs_since": since, "end_reason": why, **facts}
    )
    return made


def subscribed(wallet: WalletAccount, value: int | None = 499_00, **facts: Any) -> Subscription:
    """A subscription that hangs on it."""
    made: Subscription = factories.SubscriptionFactory(
        buyer=wallet.buyer, wallet_account=wallet, plan__amount_value=value, **facts
    )
    return made


def labels(page: str) -> list[WalletAccount]:
    """The wallets a page of the list shows, in its order."""
    rows = [(page.find(f"/walletaccount/{wallet.pk}/change/"), wallet) for wallet in WalletAccount.objects.all()]
    return [wallet for at, wallet in sorted(rows, key=lambda row: row[0]) if at >= 0]


def test_it_opens_on_what_ends_within_thirty_days_soonest_first() -> None:
    later, soon, far = ending(29), ending(3), ending(31)
    refreshable = ending(12, refresh_token="R1")
    dead()
    desk = Desk(SUPPORT)

    page = desk.opens(PAGE)
    assert labels(page) == [soon, refreshable, later]
    assert labels(desk.opens(f"{PAGE}?days=45")) == [soon, refreshable, later, far]
    assert labels(desk.opens(f"{PAGE}?days=7")) == [soon]
    assert labels(desk.opens(f"{PAGE}?days=nonsense")) == [soon, refreshable, later]
    assert (page.count("Must agree again"), page.count("Refreshed by itself")) == (2, 1)
    assert "30 days" in page
    assert "Soonest first" in page


def test_what_hangs_on_a_consent_stands_per_currency_and_is_never_added_up() -> None:
    wallet = ending(5)
    for value in (499_00, 1_00):
        subscribed(wallet, value)
    subscribed(wallet, 700, plan__currency="JPY")
    subscribed(wallet, None)
    subscribed(wallet, 9_99, status=SubscriptionStatus.PAUSED)
    subscribed(wallet, 5_00, status=SubscriptionStatus.CANCELLED, ended_at=clock.now(), next_on=None)
    owing = subscribed(wallet, 20_00, status=SubscriptionStatus.PAST_DUE, grace_until=clock.now())
    factories.CycleFactory(
        subscription=owing, amount_value=20_00, status=CycleStatus.NEEDS_CONSENT, trouble=Trouble.CONSENT
    )

    words = Desk(SUPPORT).reads(PAGE)
    assert "6 subscriptions · next 700 JPY · next 500.00 PHP · 1 metered · unpaid 20.00 PHP" in words, words


def test_refreshes_say_what_became_of_them_why_and_when_they_are_tried_next() -> None:
    now = clock.now()
    facts: dict[str, Any] = {"access_token_expires_at": now + timedelta(days=60)}
    good = factories.WalletAccountFactory(
        **facts,
        refresh_sent_at=now - timedelta(hours=3),
        refresh_result=RefreshResult.SUCCEEDED,
        refresh_code="SUCCESS",
        due_at=now + timedelta(days=5),
    )
    refused = factories.WalletAccountFactory(
        **facts,
        refresh_sent_at=now - timedelta(hours=2),
        refresh_result=RefreshResult.REFUSED,
        refresh_code="INVALID_REFRESH_TOKEN",
    )
    silent = factories.WalletAccountFactory(
        **facts, refresh_sent_at=now - timedelta(hours=1), refresh_result="UNKNOWN", due_at=now + timedelta(minutes=15)
    )
    factories.WalletAccountFactory()
    desk = Desk(SUPPORT)

    page = desk.opens(f"{PAGE}?ask=refreshes")
    assert labels(page) == [silent, refused, good]
    words = desk.reads(f"{PAGE}?ask=refreshes")
    for said in (
        "No answer 1 h ago – in 15 min",
        "Refused 2 h ago INVALID_REFRESH_TOKEN",
        "Refreshed 3 h ago – in 5 days",
    ):
        assert said in words, words
    assert labels(desk.opens(f"{PAGE}?ask=refreshes&refresh=REFUSED")) == [refused]
    assert "Last refresh Refused · INVALID_REFRESH_TOKEN · 2 h ago" in desk.reads(page_url(refused))


def test_who_needs_authorization_why_since_when_and_what_waits() -> None:
    wallet = dead()
    owing = subscribed(wallet, status=SubscriptionStatus.IN_GRACE, trouble=Trouble.CONSENT)
    factories.CycleFactory(subscription=owing, status=CycleStatus.NEEDS_CONSENT, trouble=Trouble.CONSENT)
    ending(3)
    desk = Desk(SUPPORT)

    page = desk.opens(f"{PAGE}?ask=needs")
    assert labels(page) == [wallet]
    words = desk.reads(f"{PAGE}?ask=needs")
    assert "1 h ago The acquirer refused the token. 1 subscription · next 499.00 PHP · unpaid 499.00 PHP" in words, (
        words
    )


def test_one_asks_whom_to_message_and_takes_the_list_away() -> None:
    gone, soon = dead(), ending(3)
    refused = ending(9, refresh_token="R2", refresh_result=RefreshResult.REFUSED)
    lapsing = ending(25, refresh_token="R3", due_at=clock.now() + timedelta(days=15))
    lapsing.refresh_token_expires_at = clock.now() + timedelta(days=10)
    lapsing.save()
    ending(9, refresh_token="R4")
    ending(60)
    subscribed(soon)
    desk = Desk(AUDITOR)
    assert set(labels(desk.opens(f"{PAGE}?ask=to_ask"))) == {gone, soon, refused, lapsing}
    assert f'href="{EXPORT.replace("&", "&amp;")}"' in desk.opens(PAGE)

    answer = desk.client.post(EXPORT, {"kind": "csv"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert {row["Buyer"] for row in rows} == {wallet.buyer.reference for wallet in (gone, soon, refused, lapsing)}
    by_id = {row["Id for the shop"]: row for row in rows}
    day = f"{soon.access_token_expires_at:%-d %b %Y}"
    assert by_id[soon.public_id]["What to tell them"] == (
        f"Your authorization of GCash ends on {day}. Please authorize it again before then."
    )
    assert by_id[gone.public_id]["What to tell them"] == (
        "Your authorization of GCash has ended. Please authorize it again."
    )
    assert [by_id[wallet.public_id]["Reason"] for wallet in (gone, refused, soon, lapsing)] == [
        "Token died",
        "Refresh refused",
        "Cannot be refreshed",
        "Cannot be refreshed",
    ]
    assert (by_id[soon.public_id]["Subscriptions"], by_id[soon.public_id]["Next charges"]) == ("1", "499.00 PHP")
    line = JournalEntry.objects.get(act="export")
    assert (line.after["rows"], line.after["personal data"]) == (4, "shown")
    assert line.after["filters"] == "ask=to_ask&days=30"


def test_who_may_not_export_personal_data_gets_no_customer() -> None:
    wallet = dead()
    answer = Desk(OPERATOR).client.post(EXPORT, {"kind": "csv"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert wallet.buyer.reference not in text
    assert wallet.public_id in text
    desk = Desk(SUPPORT)
    assert desk.status(EXPORT) == 403
    assert "List to message" not in desk.opens(PAGE)


@pytest.mark.parametrize("ask", ["ending", "refreshes", "needs", "to_ask"])
def test_a_question_costs_the_same_with_one_row_and_with_two_hundred_and_is_paged(ask: str, chief: Desk) -> None:
    account = factories.AcquirerAccountFactory()

    def make() -> None:
        facts = {"buyer__account": account, "refresh_sent_at": clock.now(), "refresh_result": RefreshResult.REFUSED}
        subscribed(dead(**facts) if ask == "needs" else ending(5, **facts))

    url = f"{PAGE}?ask={ask}"
    make()
    chief.opens(url)
    with CaptureQueriesContext(connection) as few:
        chief.opens(url)
    for _ in range(199):
        make()
    with CaptureQueriesContext(connection) as many:
        page = chief.opens(url)
    assert len(many) == len(few), [query["sql"][:160] for query in many.captured_queries]

    seen: list[int] = []
    while True:
        rows = [wallet.pk for wallet in labels(page)]
        seen += rows
        after = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
        if 'rel="next"' not in page:
            break
        page = chief.opens(PAGE + after.replace("&amp;", "&"))
    assert (len(seen), len(set(seen))) == (200, 200)


def test_a_row_leads_to_the_wallet_and_today_leads_here() -> None:
    wallet = ending(3)
    desk = Desk(SUPPORT)
    assert page_url(wallet) in desk.opens(list_url(Consent))
    assert f"{PAGE}?ask=to_ask&amp;days=10" in desk.opens("/admin/")


def test_today_says_once_that_many_are_lost_in_the_reader_s_language(settings: Any, chief: Desk) -> None:
    settings.PORTAL_LOST_CONSENTS = 3
    account = factories.AcquirerAccountFactory(name="Kape")
    for wallet in ("GCASH", "GCASH", "MAYA", "GCASH"):
        made = factories.WalletAccountFactory(buyer__account=account, wallet=wallet)
        binding.wallet_ended(made, reason="revoked", heard_from=Messenger.NOTIFICATION)

    words = chief.reads("/admin/")
    assert words.count("consents of Kape") == 1
    assert "4 consents of Kape were lost since 02 Mar 02:00 UTC GCash 3, Maya 1" in words, words
    incident = Incident.objects.get()
    assert "Seen 4 times" in chief.reads(page_url(incident))
    with translation.override("zh-hans"):
        assert told(incident.summary) == "自 03-02 02:00 UTC 起，Kape 有 4 个代扣授权失效：GCash 3, Maya 1"
        assert told(incident.detail).startswith("不再对这些钱包扣款。")


def test_the_page_of_a_wallet_says_that_its_token_is_in_doubt() -> None:
    wallet = factories.WalletAccountFactory()
    desk = Desk(SUPPORT)
    assert "In doubt" not in desk.reads(page_url(wallet))
    binding.token_refused(wallet, wallet.access_token_index)
    assert "Active In doubt" in desk.reads(page_url(wallet))
