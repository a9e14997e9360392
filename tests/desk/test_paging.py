"""Lists are paged by keys: nothing is shown twice or jumped over, nothing is counted, and no place is lost."""

import base64
import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from payments.models import Payment
from portal import clock
from portal.admin.paging import KeysetList
from portal.models import Exchange, MerchantKey
from tests import factories
from tests.desk.conftest import Desk, list_url

pytestmark = pytest.mark.django_db

IDS = re.compile(r"/admin/portal/exchange/(\d+)/change/")


@pytest.fixture
def exchanges() -> list[int]:
    """A hundred and twenty calls, newest first; ten of each moment, so that the time alone tells no order."""
    account = factories.AcquirerAccountFactory()
    now = clock.now()
    made = [
        factories.ExchangeFactory(account=account, sent_at=now - timedelta(minutes=index // 10)) for index in range(120)
    ]
    return [call.pk for call in sorted(made, key=lambda call: (call.sent_at, call.pk), reverse=True)]


def ids(page: str) -> list[int]:
    """What a page of the list shows, in its order."""
    return list(map(int, dict.fromkeys(IDS.findall(page))))


def turn(page: str, label: str) -> str:
    """Where a button of the pager leads; empty where it is not there."""
    found = re.search(rf'<a class="btn" href="([^"]+)"[^>]*>{label}</a>', page)
    return unescape(found[1]) if found else ""


def test_one_turns_pages_to_the_end_and_back(chief: Desk, exchanges: list[int]) -> None:
    url = list_url(Exchange)
    first = chief.opens(url)
    second = chief.opens(url + turn(first, "Next"))
    third = chief.opens(url + turn(second, "Next"))
    last = chief.opens(url + turn(first, "Last"))

    assert [ids(first), ids(second), ids(third)] == [exchanges[:50], exchanges[50:100], exchanges[100:]]
    assert (turn(first, "Back"), turn(third, "Next"), turn(last, "Next")) == ("", "", "")
    assert ids(last) == exchanges[70:]
    assert ids(chief.opens(url + turn(last, "Back"))) == exchanges[20:70]
    assert ids(chief.opens(url + turn(third, "Back"))) == exchanges[50:100]
    assert ids(chief.opens(url + turn(second, "Back"))) == exchanges[:50]
    assert ids(chief.opens(url + turn(last, "First"))) == exchanges[:50]


def test_from_the_last_page_the_way_back_ends_on_a_whole_first_page(chief: Desk, exchanges: list[int]) -> None:
    url = list_url(Exchange)
    page = chief.opens(url + "?end=1")
    for _ in range(2):
        page = chief.opens(url + turn(page, "Back"))

    assert ids(page) == exchanges[:50]
    assert turn(page, "Back") == ""


def test_the_other_order_is_the_same_list_from_its_other_end(chief: Desk, exchanges: list[int]) -> None:
    url = list_url(Exchange)

    oldest = chief.opens(f"{url}?sort=reversed")

    assert ids(oldest) == exchanges[::-1][:50]
    assert ids(chief.opens(url + turn(oldest, "Next"))) == exchanges[::-1][50:100]


def test_rows_that_come_meanwhile_move_nothing(chief: Desk, exchanges: list[int]) -> None:
    url = list_url(Exchange)
    first = chief.opens(url)
    for _ in range(7):
        factories.ExchangeFactory(sent_at=clock.now() + timedelta(seconds=1))

    assert ids(chief.opens(url + turn(first, "Next"))) == exchanges[50:100]


def test_every_page_costs_the_same_and_nothing_is_counted_or_skipped(chief: Desk, exchanges: list[int]) -> None:
    url = list_url(Exchange)
    first = chief.opens(url)
    costs = []
    for query in ("", turn(first, "Next"), turn(first, "Last")):
        with CaptureQueriesContext(connection) as asked:
            chief.opens(url + query)
        costs.append(len(asked))
        for statement in asked.captured_queries:
            assert "OFFSET" not in statement["sql"], statement["sql"]

    assert len(set(costs)) == 1


def test_the_filter_stays_while_one_turns_pages(chief: Desk, exchanges: list[int]) -> None:
    page = chief.opens(f"{list_url(Exchange)}?day=0&api=pay")

    assert "day=0" in turn(page, "Next")
    assert "api=pay" in turn(page, "Last")


def test_a_list_keeps_its_page_when_one_comes_back(chief: Desk, exchanges: list[int]) -> None:
    second = turn(chief.opens(list_url(Exchange)), "Next")
    page = chief.opens(list_url(Exchange) + second)
    link = unescape(page.split(f'href="/admin/portal/exchange/{exchanges[60]}/change/', 1)[1].split('"', 1)[0])

    thing = chief.opens(f"/admin/portal/exchange/{exchanges[60]}/change/{link}")

    back = unescape(re.findall(r'<nav class="crumbs"[^>]*><a href="([^"]+)"', thing)[0])
    assert ids(chief.opens(back)) == exchanges[50:100]


def place(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "ü",
        "%00",
        "A" * 3000,
        place(),
        place(1),
        place(None, None),
        place("2026-03-02T02:00:00", 1),
        place("2026-03-02T02:00:00+00:00", 10**30),
        place("2026-03-02T02:00:00+00:00", "x"),
        place({}, []),
        base64.urlsafe_b64encode(b"[" * 2000).decode(),
    ],
)
def test_a_place_that_is_none_leads_to_the_first_page(chief: Desk, exchanges: list[int], name: str, value: str) -> None:
    assert ids(chief.opens(f"{list_url(Exchange)}?{name}={value}")) == exchanges[:50]


def test_a_place_behind_the_last_row_is_told(chief: Desk, exchanges: list[int]) -> None:
    page = chief.opens(f"{list_url(Exchange)}?after={place('1999-01-01T00:00:00+00:00', 1)}")

    assert "There is nothing further" in page
    assert ids(page) == []


def test_names_are_paged_too(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory()
    for _ in range(60):
        factories.MerchantKeyFactory(account=account)
    url = list_url(MerchantKey)

    first = chief.opens(url)
    second = chief.opens(url + turn(first, "Next"))

    assert (first.count("<tr>"), second.count("<tr>")) == (51, 11)


def test_only_declared_filters_are_asked(chief: Desk) -> None:
    payment = factories.PaymentFactory()

    page = chief.opens(f"{list_url(Payment)}?token_index__startswith=zz&order__buyer__reference=nobody")

    assert payment.payment_request_id in page


def test_every_list_of_the_desk_is_paged_by_keys_in_one_total_order() -> None:
    request = RequestFactory().get("/")
    for model, model_admin in admin.site._registry.items():
        if not getattr(model_admin, "section", ""):
            continue
        assert model_admin.get_changelist(request) is KeysetList, model
        assert not hasattr(model_admin, "hot_count"), f"{model}: say hot_rows, which is counted with all the others"
