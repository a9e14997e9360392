"""At the desk: the order of the accounts through which buyers bind, and draining one."""

import pytest

from portal import accounts
from portal.actor import Actor
from portal.models import AcquirerAccount, Approval, ApprovalStatus, JournalEntry
from portal.roles import FINANCE
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, nobody_else_decides, page_url


@pytest.fixture
def two(db: None) -> tuple[AcquirerAccount, AcquirerAccount]:
    """The shop's own account, and another one."""
    first = factories.AcquirerAccountFactory(name="Shop Manila", slug="manila")
    return first, factories.AcquirerAccountFactory(name="Shop Singapore", slug="singapore")


def _order(desk: Desk, account: AcquirerAccount, *slugs: str) -> str:
    places = {f"place_{number}": slug for number, slug in enumerate(slugs, 1)}
    return desk.begins(act_url(account, "order_places")).sends(**places, note="contract of March")


def test_the_order_is_said_and_shown(chief: Desk, two: tuple[AcquirerAccount, AcquirerAccount]) -> None:
    nobody_else_decides(accounts.KEY_CHANGE)
    manila, singapore = two

    assert "This account has a place already." in _order(chief, manila, "manila", "manila")
    page = _order(chief, manila, "singapore", "manila")

    assert "The order is kept. It holds for the next wallet that is bound." in page
    assert "Its buyers bind through Shop Singapore → Shop Manila" in page
    assert accounts.places_of(manila) == [singapore, manila]
    assert JournalEntry.objects.get().after == {"places": ["singapore", "manila"]}


def test_draining_tells_whose_buyers_go_where(chief: Desk, two: tuple[AcquirerAccount, AcquirerAccount]) -> None:
    nobody_else_decides(accounts.KEY_CHANGE)
    manila, singapore = two
    _order(chief, manila, "singapore", "manila")

    asked = chief.reads(act_url(singapore, "drain"))
    page = chief.begins(act_url(singapore, "drain")).sends(note="ends in June")

    assert "Buyers of Shop Manila are offered what Shop Manila has." in asked
    assert "Buyers of Shop Singapore can bind nothing then" in asked
    assert "Shop Singapore takes no new wallets. What is bound goes on." in page
    assert "Shop Singapore Drained" in page
    assert "Taken No: drained" in page
    assert "Shop Singapore Drained" in chief.reads(list_url(AcquirerAccount))
    assert "It is drained already." in chief.reads(act_url(singapore, "drain"))

    page = chief.begins(act_url(singapore, "open_again")).sends(note="prolonged")

    assert "Shop Singapore takes new wallets again." in page
    assert "Taken Yes" in chief.reads(page_url(singapore))


def test_what_would_be_offered_follows_the_order(chief: Desk, two: tuple[AcquirerAccount, AcquirerAccount]) -> None:
    nobody_else_decides(accounts.KEY_CHANGE)
    manila, singapore = two
    _order(chief, manila, "singapore", "manila")
    url = f"/admin/portal/paymentmethod/offer/?account={manila.pk}"

    assert "GCash · Shop Singapore PH" in chief.reads(url)
    accounts.drain(singapore, by=Actor.command("story"), note="ends in June")
    assert "GCash PH" in chief.reads(url)


def test_a_second_person_is_asked(chief: Desk, two: tuple[AcquirerAccount, AcquirerAccount]) -> None:
    manila, _ = two

    chief.begins(act_url(manila, "drain")).sends(note="ends in June")

    request = Approval.objects.get()
    manila.refresh_from_db()
    assert (request.act, manila.drained_at) == ("drain account", None)
    assert "What is bound is debited, refreshed and refunded as before." in Desk(FINANCE).reads(
        act_url(request, "approve")
    )
    Desk(FINANCE).begins(act_url(request, "approve")).sends()

    manila.refresh_from_db()
    request.refresh_from_db()
    assert request.status == ApprovalStatus.DONE
    assert manila.drained_at is not None
