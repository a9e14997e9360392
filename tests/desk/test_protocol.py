"""What a protocol leaves open, and who the merchant is: read and settled on the account's page."""

import pytest

from portal import accounts
from portal.acquirer.adapters import ADAPTERS
from portal.acquirer.points import Settled
from portal.actor import Actor
from portal.errors import InvalidInput
from portal.gateways import AccountNotReady, acquirer_for, adapter_of
from portal.models import AcquirerAccount, JournalEntry
from tests import factories
from tests.desk.conftest import Desk, act_url, nobody_else_decides, page_url

POINTS = ADAPTERS["alipayplus"].points


@pytest.fixture
def account(db: None) -> AcquirerAccount:
    nobody_else_decides(accounts.KEY_CHANGE)
    return factories.AcquirerAccountFactory.create(adapter="alipayplus", merchant_reference="M001", name="Plus")


def test_an_account_speaks_only_once_the_merchant_is_described(chief: Desk, account: AcquirerAccount) -> None:
    with pytest.raises(AccountNotReady, match="merchant data"):
        acquirer_for(account)

    page = chief.begins(act_url(account, "describe_merchant")).sends(
        merchant_legal_name="Example Pte Ltd", merchant_category_code="5735", merchant_region="SG"
    )

    assert "The merchant is described." in page
    assert "Example Pte Ltd" in page
    account.refresh_from_db()
    assert (account.merchant_category_code, account.merchant_region) == ("5735", "SG")
    assert acquirer_for(account).capabilities.needs_merchant_data
    assert JournalEntry.objects.get(act="describe merchant").after == {
        "merchant_legal_name": "Example Pte Ltd",
        "merchant_category_code": "5735",
        "merchant_region": "SG",
    }


def test_every_point_is_listed_with_its_question_and_its_default(chief: Desk, account: AcquirerAccount) -> None:
    page = chief.reads(page_url(account))
    for point in POINTS:
        assert point.title in page
        assert point.question in page
        assert point.default_means in page


def test_a_settled_point_holds_for_the_next_call_and_one_put_back_is_not_kept(
    chief: Desk, account: AcquirerAccount
) -> None:
    defaults = {point.name: point.default for point in POINTS}
    url = act_url(account, "settle_points")

    page = chief.begins(url).sends(**defaults | {"unbinding": "never", "refresh_before_days": "3"})

    assert "The points are settled." in page, page
    account.refresh_from_db()
    assert account.protocol_settings == {"unbinding": "never", "refresh_before_days": "3"}
    account.merchant_legal_name = "Example Pte Ltd"
    assert acquirer_for(account).capabilities.refresh_before_days == 3

    chief.begins(url).sends(**defaults)
    account.refresh_from_db()
    assert account.protocol_settings == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wallet_selector_field", "two words"),
        ("wallet_selector_values", "GCASH"),
        ("refresh_before_days", "soon"),
        ("refresh_before_days", "366"),
        ("pay_user_region", "ph"),
        ("sdk_url", "http://plain.example/sdk.js"),
        ("sdk_url", "javascript:alert(1)"),
    ],
)
def test_what_a_point_does_not_accept_is_refused(chief: Desk, account: AcquirerAccount, name: str, value: str) -> None:
    defaults = {point.name: point.default for point in POINTS}
    page = chief.begins(act_url(account, "settle_points")).sends(**defaults | {name: value})
    assert "This point cannot be settled with that." in page
    account.refresh_from_db()
    assert account.protocol_settings == {}


def test_a_protocol_that_leaves_nothing_open_has_nothing_to_settle(chief: Desk, db: None) -> None:
    account = factories.AcquirerAccountFactory.create()
    assert "leave nothing open" in chief.reads(act_url(account, "settle_points"))
    assert "To settle with the acquirer" not in chief.reads(page_url(account))


def test_no_name_that_is_no_point_is_kept(account: AcquirerAccount) -> None:
    with pytest.raises(InvalidInput):
        accounts.settle_points(account, {"no_such_point": "1"}, by=Actor.clock())


def test_every_default_is_accepted_by_its_own_point_and_a_wrong_kept_value_counts_as_not_settled() -> None:
    assert [point.name for point in POINTS if not point.accepts(point.default)] == []
    assert Settled(POINTS, {"refresh_before_days": "many"}).number("refresh_before_days") == 10
    assert len({point.name for point in POINTS}) == len(POINTS)


def test_which_protocol_it_is_decides_alone(account: AcquirerAccount) -> None:
    assert adapter_of(account).points is POINTS
