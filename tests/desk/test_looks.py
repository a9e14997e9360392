"""Everybody looks at a list their own way: columns, views, filters with two ends; and everybody sees what is shared."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments.models import Order, Payment
from portal import clock
from portal.admin import looks
from portal.models import JournalEntry, ListView
from portal.roles import FINANCE, OPERATOR, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, list_url, words

pytestmark = pytest.mark.django_db


def heads(page: str) -> list[str]:
    """The columns of a list's page."""
    head = page.split("<thead>", 1)[1].split("</thead>", 1)[0]
    return [words(cell) for cell in head.split("</th>")[:-1] if 'class="tick"' not in cell]


# Columns.


def test_columns_are_chosen_ordered_and_remembered(chief: Desk, person: type[Desk]) -> None:
    factories.PaymentFactory(order__reference="T-8841")
    url = f"{list_url(Order)}columns/"
    offered = chief.opens(url)
    assert 'value="reference"' in offered

    chief.client.post(url, {"order": ["reference", "amount_shown", "state"], "column": ["amount_shown", "reference"]})

    page = chief.opens(list_url(Order))
    assert heads(page) == ["Reference", "Amount"]
    assert "T-8841" in page
    assert heads(person(FINANCE).opens(list_url(Order)))[0] == "Order"  # others see the list as it was


def test_a_column_is_moved_without_a_script_and_nothing_is_kept_until_saved(chief: Desk) -> None:
    url = f"{list_url(Order)}columns/"
    said = {"order": ["number_shown", "state", "what"], "column": ["number_shown", "state"], "move": "up:state"}

    page = chief.client.post(url, said).content.decode()

    assert page.index('value="up:state"') < page.index('value="up:number_shown"')
    assert not ListView.objects.exists()
    assert heads_of_default(chief)[0] != "State"


def heads_of_default(desk: Desk) -> list[str]:
    factories.PaymentFactory()
    return heads(desk.opens(list_url(Order)))


def test_columns_are_as_at_first_again(chief: Desk) -> None:
    url = f"{list_url(Order)}columns/"
    chief.client.post(url, {"order": ["state"], "column": ["state"]})
    assert heads_of_default(chief) == ["State"]

    chief.client.post(url, {"order": ["state"], "column": ["state"], "reset": "1"})

    assert len(heads(chief.opens(list_url(Order)))) == 7


def test_no_column_and_strange_columns(chief: Desk) -> None:
    url = f"{list_url(Order)}columns/"

    assert "Tick at least one column." in words(chief.client.post(url, {"order": ["state"]}).content.decode())
    chief.client.post(url, {"order": ["pk", "password", "state"], "column": ["pk", "password", "state"]})

    assert ListView.objects.get().columns == ["state"]
    ListView.objects.update(columns=["gone_since", 7])
    assert len(heads_of_default(chief)) == 7


def test_a_list_with_every_column_costs_the_same_with_one_row_and_with_fifty(chief: Desk) -> None:
    from django.contrib import admin  # noqa: PLC0415

    for model in (Order, Payment):
        model_admin: Any = admin.site._registry[model]
        columns = list(map(str, model_admin.offered_columns()))
        ListView.objects.create(owner=chief.user, list_name=model._meta.label_lower, columns=columns)
        factories.PaymentFactory()
        chief.opens(list_url(model))
        with CaptureQueriesContext(connection) as few:
            chief.opens(list_url(model))
        for _ in range(20):
            factories.PaymentFactory(returned_value=100_00)

        with CaptureQueriesContext(connection) as many:
            chief.opens(list_url(model))

        assert len(many) == len(few), model


# Views.


def save(desk: Desk, name: str, query: str = "", **said: str) -> str:
    response = desk.client.post(f"{list_url(Payment)}views/{query}", {"do": "save", "name": name, **said}, follow=True)
    return str(response.content.decode())


def test_a_view_keeps_filters_order_and_columns(chief: Desk) -> None:
    failed = factories.PaymentFactory(failed=True)
    paid = factories.PaymentFactory()
    chief.client.post(
        f"{list_url(Payment)}columns/", {"order": ["state", "request_id"], "column": ["state", "request_id"]}
    )

    page = save(chief, "  What   failed ", "?ask=failed&sort=reversed&after=xyz")

    view = ListView.objects.exclude(name="").get()
    assert (view.name, view.query, view.columns) == ("What failed", "ask=failed&sort=reversed", ["state", "request_id"])
    assert "“What failed” is saved." in words(page)
    chief.client.post(f"{list_url(Payment)}columns/", {"reset": "1"})
    opened = chief.opens(f"{list_url(Payment)}?{view.query}&view={view.pk}")
    assert heads(opened) == ["State", "Payment"]
    assert failed.payment_request_id in opened
    assert paid.payment_request_id not in opened
    assert 'aria-current="page">What failed</a>' in opened


def test_a_list_opens_on_the_default_view_and_all_is_one_click_away(chief: Desk) -> None:
    paid = factories.PaymentFactory()
    save(chief, "What failed", "?ask=failed", default="on")

    page = chief.opens(list_url(Payment))

    assert paid.payment_request_id not in page
    assert f'href="{list_url(Payment)}?view=0"' in page
    assert paid.payment_request_id in chief.opens(f"{list_url(Payment)}?view=0")


def test_the_same_name_again_replaces_the_view(chief: Desk) -> None:
    save(chief, "Mine", "?ask=failed", default="on")
    save(chief, "Mine", "?ask=paid")

    assert ListView.objects.get().query == "ask=paid"


def test_a_view_is_shared_by_permission_and_the_journal_knows(person: type[Desk]) -> None:
    finance, support = person(FINANCE), person(SUPPORT)
    save(finance, "Failed today", "?ask=failed&day=0", shared="on")
    view = ListView.objects.get()

    assert "Failed today" in support.reads(list_url(Payment))
    assert f"shared by {finance.user.username}" in support.opens(list_url(Payment))
    refused = words(save(support, "For all", shared="on"))
    assert "You may save views for yourself." in refused
    theirs = support.client.post(f"{list_url(Payment)}views/", {"do": f"delete:{view.pk}"}).content.decode()
    assert "This view belongs to somebody else." in words(theirs)
    finance.client.post(f"{list_url(Payment)}views/", {"do": f"unshare:{view.pk}"})
    assert "Failed today" not in support.reads(list_url(Payment))
    acts = JournalEntry.objects.order_by("pk").values_list("act", "actor_name", "after__name")
    assert list(acts) == [
        ("share view", finance.user.username, "Failed today"),
        ("stop sharing view", finance.user.username, "Failed today"),
    ]


def test_nobody_sees_another_s_own_view(person: type[Desk]) -> None:
    save(person(FINANCE), "Secret plan", "?ask=failed")
    view = ListView.objects.get()
    other = person(OPERATOR)

    assert "Secret plan" not in other.opens(f"{list_url(Payment)}?view={view.pk}")
    assert other.client.post(f"{list_url(Payment)}views/", {"do": f"delete:{view.pk}"}).status_code == 404
    assert ListView.objects.filter(pk=view.pk).exists()


def test_a_view_is_opened_first_and_deleted(chief: Desk) -> None:
    save(chief, "Mine", "?ask=failed")
    view = ListView.objects.get()
    url = f"{list_url(Payment)}views/"

    assert "The list opens on “Mine” from now on." in words(
        chief.client.post(url, {"do": f"default:{view.pk}"}, follow=True).content.decode()
    )
    assert chief.client.get(list_url(Payment)).status_code == 302
    chief.client.post(url, {"do": f"undefault:{view.pk}"})
    assert chief.client.get(list_url(Payment)).status_code == 200
    assert "“Mine” is deleted." in words(
        chief.client.post(url, {"do": f"delete:{view.pk}"}, follow=True).content.decode()
    )
    assert not JournalEntry.objects.exists()  # what is one's own is nobody's business


@pytest.mark.parametrize(
    ("name", "sentence"), [("", "Give the view a name."), ("x" * 61, "A name has at most 60 characters.")]
)
def test_a_view_without_a_proper_name_is_refused(chief: Desk, name: str, sentence: str) -> None:
    assert sentence in words(save(chief, name))
    assert not ListView.objects.exists()


def test_thirty_views_are_enough(chief: Desk) -> None:
    ListView.objects.bulk_create(
        ListView(owner=chief.user, list_name="payments.payment", name=f"View {number}") for number in range(30)
    )

    assert "30 views of one list are enough." in words(save(chief, "One more"))
    assert "is saved" in words(save(chief, "View 7", "?ask=paid"))


@pytest.mark.parametrize("do", ["", "default", "delete:x", "delete:999", "explode:1", "save"])
def test_strange_wishes_change_nothing(chief: Desk, do: str) -> None:
    response = chief.client.post(f"{list_url(Payment)}views/", {"do": do})

    assert response.status_code in {200, 404}
    assert not ListView.objects.exists()


def test_moving_a_column() -> None:
    assert looks.moved(["a", "b", "c"], "b", -1) == ["b", "a", "c"]
    assert looks.moved(["a", "b", "c"], "c", 1) == ["a", "b", "c"]
    assert looks.moved(["a", "b", "c"], "x", 1) == ["a", "b", "c"]


# Filters with two ends.


def test_days_are_days_of_the_desk(chief: Desk) -> None:
    late = factories.PaymentFactory(created_at=datetime(2026, 2, 27, 15, 59, 59, tzinfo=UTC))  # 27 Feb 23:59:59
    early = factories.PaymentFactory(created_at=datetime(2026, 2, 27, 16, 0, tzinfo=UTC))  # 28 Feb 00:00

    page = chief.opens(f"{list_url(Payment)}?day_from=2026-02-28&day_to=2026-02-28")

    assert early.payment_request_id in page
    assert late.payment_request_id not in page
    assert "Day: 28 Feb 2026" in words(page)
    assert late.payment_request_id in chief.opens(f"{list_url(Payment)}?day_to=2026-02-27")
    assert "Day: 27 Feb 2026 – …" in chief.reads(f"{list_url(Payment)}?day_from=2026-02-27")


def test_amounts_are_of_one_currency(chief: Desk) -> None:
    small = factories.PaymentFactory(order__amount_value=99_99)
    fitting = factories.PaymentFactory(order__amount_value=100_00)
    large = factories.PaymentFactory(order__amount_value=500_01)
    buyer = factories.BuyerFactory()
    won = factories.PaymentFactory(
        order=factories.OrderFactory(buyer=buyer, amount_value=200, currency="KRW"),
        wallet_account=factories.WalletAccountFactory(buyer=buyer, wallet="KAKAOPAY"),
    )

    page = chief.opens(f"{list_url(Payment)}?currency=PHP&least=100&most=500.00")

    assert fitting.payment_request_id in page
    assert not any(one.payment_request_id in page for one in (small, large, won))
    assert "Amount: 100.00 – 500.00 PHP" in words(page)
    assert won.payment_request_id in chief.opens(f"{list_url(Payment)}?currency=KRW&least=200")
    orders = chief.opens(f"{list_url(Order)}?currency=KRW")
    assert won.order.number in orders
    assert small.order.number not in orders


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("least=100", "Choose the currency of the amount."),
        ("currency=PHP&least=1.234", "PHP"),
        ("currency=PHP&least=x", "x"),
        ("currency=PHP&least=5&most=4", "The least amount is above the most."),
        ("currency=PHP&most=99999999999999999999", "amount"),
        ("currency=XXX&least=5", "XXX"),
        ("currency=XXX", "XXX"),
        ("day_from=2026-13-01", "A day is written like 2026-03-14."),
        ("day_from=9999-12-31&day_to=9999-12-31", "A day is written like 2026-03-14."),
        ("day_from=2026-03-02&day_to=2026-03-01", "The first day is after the last one."),
        ("day=yesterday", "A day is written like 2026-03-14."),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_shown_for_it(chief: Desk, query: str, sentence: str) -> None:
    payment = factories.PaymentFactory()

    page = chief.opens(f"{list_url(Payment)}?{query}")

    assert payment.payment_request_id not in page
    alert = words(page.split('role="alert">', 1)[1].split("</div>", 1)[0])
    assert sentence in alert


def test_one_filter_does_not_take_back_the_others(chief: Desk) -> None:
    page = chief.opens(f"{list_url(Payment)}?ask=paid&currency=PHP&day=7&view=0")

    form = page.split('<form class="range"', 2)[2].split("</form>", 1)[0]
    assert '<input type="hidden" name="ask" value="paid">' in form
    assert '<input type="hidden" name="day" value="7">' in form
    assert 'type="hidden" name="currency"' not in form
    assert clock.now() - timedelta(days=1) < clock.now()
