"""Bulk refunds at the desk: a file or ticked rows, every line looked at, started by two people, every end told."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from payments.models import BulkRefund, Payment, Refund
from portal.models import Approval
from portal.roles import AUDITOR, FINANCE, OPERATOR, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, page_url, words
from tests.desk.test_pages import SCRIPT, complaints
from tests.story import PHP, Acquirer, Customer, Shop

SAYS = {"reason_code": "DAMAGED", "note": "a broken batch"}
UPLOAD = f"{list_url(BulkRefund)}acts/upload/"


@pytest.fixture
def paid(buyer: Customer, shop: Shop) -> list[Payment]:
    """Three cups."""
    wallet = buyer.binds("GCASH")
    return [shop.charges(shop.sells("Cup", PHP(165_00), to=buyer), wallet) for _ in range(3)]


def file_of(*rows: str, name: str = "cups.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, "\n".join(("id,amount", *rows)).encode(), content_type="text/csv")


def test_from_the_file_to_the_last_refund(
    paid: list[Payment], person: Callable[..., Desk], acquirer: Acquirer, buyer: Customer, shop: Shop
) -> None:
    operator, finance = person(OPERATOR), person(FINANCE)
    rows = (paid[0].order.number, f"{paid[1].payment_request_id},65.00", "NOBODY,1.00")
    form = operator.begins(UPLOAD)
    page = form.sends(file=file_of(*rows), **SAYS)
    bulk = BulkRefund.objects.get()
    assert "2 refunds · 230.00 PHP" in page
    assert "There is no order and no payment with this id." in page
    assert "1 left out" in page
    assert acquirer.calls("refund") == []

    assert "That was already done with this form" in form.sends(file=file_of(*rows), **SAYS)
    assert "The very same was given already" in operator.begins(UPLOAD).sends(file=file_of(*rows[:2]), **SAYS)
    assert BulkRefund.objects.count() == 1

    start = operator.begins(act_url(bulk, "start"))
    assert start.saying == "Refund 230.00 PHP"
    assert "A second person approves every one of these: then this becomes a request" in operator.reads(
        act_url(bulk, "start")
    )
    assert "Nothing was done yet: your request waits for somebody else." in start.sends()
    request = Approval.objects.get()
    assert "1 of its 3 lines are left out, with their reasons." in finance.reads(act_url(request, "approve"))
    assert "2 refunds are being made." in finance.begins(act_url(request, "approve")).sends()
    assert "0 of 2" in finance.reads(list_url(BulkRefund))

    acquirer.will("refund_fails", code="MERCHANT_BALANCE_NOT_ENOUGH", calls=1)
    shop.comes_to_rest()
    looked = operator.reads(page_url(bulk))
    assert "MERCHANT_BALANCE_NOT_ENOUGH" in looked
    assert "Finished" in looked
    assert "1 of 2, 1 failed" in operator.reads(list_url(BulkRefund))
    assert "It goes on." in operator.begins(act_url(bulk, "resume")).sends()
    shop.comes_to_rest()
    assert sorted(amount.value for amount in acquirer.gave_back_to(buyer)) == [65_00, 165_00]
    assert "2 of 2" in operator.reads(list_url(BulkRefund))
    assert "There is nothing to go on with." in operator.reads(act_url(bulk, "resume"))


def test_what_is_ticked_in_a_list(paid: list[Payment], person: Callable[..., Desk]) -> None:
    operator = person(OPERATOR)
    for model, things in ((Payment, paid[:1]), (type(paid[1].order), [paid[1].order, paid[2].order])):
        assert "Refund the ticked…" in operator.reads(list_url(model))
        chosen = [thing.pk for thing in things]
        form = operator.begins(f"{list_url(model)}acts/bulk_refund/?{'&'.join(f'chosen={key}' for key in chosen)}")
        assert "Look at the lines, then start it." in form.sends(chosen=chosen, **SAYS)
    assert list(BulkRefund.objects.order_by("pk").values_list("line_count", "totals")) == [
        (1, {"PHP": 165_00}),
        (2, {"PHP": 330_00}),
    ]
    assert not Refund.objects.exists()


def test_a_reason_is_demanded_of_lines_alone_and_the_file_is_not_lost(
    paid: list[Payment], person: Callable[..., Desk]
) -> None:
    operator = person(OPERATOR)
    rows = [f"{paid[0].order.number},,DAMAGED", f"{paid[1].order.number},,"]
    file = SimpleUploadedFile("cups.csv", "\n".join(("id,amount,reason", *rows)).encode(), content_type="text/csv")
    form = operator.begins(UPLOAD)
    again = form.presses(file=file).content.decode()
    assert "1 lines say no reason, the first of them line 3." in words(again)
    assert "cups.csv is kept, 2 lines." in words(again)
    assert not BulkRefund.objects.exists()

    kept = unescape(again.split('name="kept" value="', 1)[1].split('"', 1)[0])
    assert "None of" not in form.sends(kept=kept, reason_code="DUPLICATE")
    bulk = BulkRefund.objects.get()
    assert bulk.name == "cups.csv"
    assert list(bulk.lines.values_list("reason_code", flat=True)) == ["DAMAGED", "DUPLICATE"]

    only = SimpleUploadedFile("one.csv", f"id,amount,reason\n{paid[2].order.number},,FRAUD".encode())
    assert "1 refund · 165.00 PHP" in operator.begins(UPLOAD).sends(file=only)
    assert "Choose a file." in operator.begins(UPLOAD).sends(kept=kept[:-1] + ("A" if kept[-1] != "A" else "B"))


@pytest.mark.django_db
def test_nothing_ticked_opens_nothing_and_the_list_stays_as_it_was(person: Callable[..., Desk]) -> None:
    page = person(OPERATOR).opens(f"{list_url(Payment)}acts/bulk_refund/?_changelist_filters=ask%3Dpaid")
    assert "Nothing is ticked. Tick the rows in the list first, then press “Refund the ticked…”." in words(page)
    assert 'name="once"' not in page
    assert f'href="{list_url(Payment)}?ask=paid"' in page


@pytest.mark.django_db
def test_the_file_to_begin_with_can_be_given_as_it_is(person: Callable[..., Desk]) -> None:
    operator = person(OPERATOR)
    page = operator.opens(UPLOAD)
    url = f"{list_url(BulkRefund)}sample/"
    assert f'href="{url}"' in page
    sample = operator.client.get(url).content
    given = SimpleUploadedFile("refunds.csv", sample)
    assert "None of the 2 lines can be refunded." in operator.begins(UPLOAD).sends(file=given, **SAYS)
    assert person(SUPPORT).status(url) == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("file", "says"),
    [
        (file_of(), "it has a header and no line under it"),
        (SimpleUploadedFile("x.csv", b"\x00\x01"), "neither a text nor an XLSX file"),
        (file_of("NOBODY"), "None of the 1 lines can be refunded. Line 2: There is no order"),
        (None, "Choose a file."),
    ],
    ids=["no line", "no text", "nobody", "no file"],
)
def test_what_is_no_such_file(file: Any, says: str, person: Callable[..., Desk]) -> None:
    more = {} if file is None else {"file": file}
    assert says in person(OPERATOR).begins(UPLOAD).sends(**more, **SAYS)
    assert not BulkRefund.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "expected"), [(OPERATOR, 200), (FINANCE, 200), (SUPPORT, 403), (AUDITOR, 403)])
def test_who_may(role: str, expected: int, person: Callable[..., Desk]) -> None:
    bulk, desk = factories.BulkLineFactory().bulk, person(role)
    urls = [UPLOAD, f"{list_url(Payment)}acts/bulk_refund/", f"{list_url(type(bulk))}acts/upload/"]
    urls += [act_url(bulk, name) for name in ("start", "stop", "resume", "discard")]
    for url in urls:
        assert desk.status(url) == expected, url
        assert desk.client.post(url, {"once": "", "saying": ""}).status_code == expected, url


@pytest.mark.django_db
def test_its_pages_obey_the_policy_and_take_no_text_for_markup(chief: Desk) -> None:
    line = factories.BulkLineFactory(bulk__name=SCRIPT, bulk__note=SCRIPT, said=SCRIPT[:80])
    factories.BulkLineFactory(
        bulk=line.bulk, number=3, said=SCRIPT[:80], status="PROBLEM", result=SCRIPT, payment=None, amount_value=None
    )
    urls = [list_url(BulkRefund), page_url(line.bulk), UPLOAD]
    urls += [act_url(line.bulk, name) for name in ("start", "stop", "resume", "discard")]
    for url in urls:
        response: Any = chief.client.get(url)
        assert response.status_code == 200, url
        assert complaints(response.content.decode()) == [], url
