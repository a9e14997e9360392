"""Any list as a file: what is in it is what the list shows, nothing in it is a formula, and the journal knows."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.utils import timezone
from python_calamine import CalamineWorkbook

from payments.models import Order, Payment
from portal import clock
from portal.admin import exports
from portal.models import JournalEntry, ListView
from portal.money import Money
from portal.roles import ADMINISTRATOR, AUDITOR, FINANCE, OPERATOR, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, list_url, words
from tests.desk.test_lists import ROW

pytestmark = pytest.mark.django_db


def taken(desk: Desk, model: Any, kind: str, query: str = "") -> bytes:
    """The bytes of an export."""
    response: Any = desk.client.post(f"{list_url(model)}export/{query}", {"kind": kind})
    assert response.status_code == 200, words(response.content.decode())[-500:]
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    body = b"".join(response.streaming_content)
    assert response.headers["Content-Length"] == str(len(body))
    return body


def read_csv(body: bytes) -> list[list[str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def read_xlsx(body: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()


def test_a_csv_says_what_the_rows_say(chief: Desk) -> None:
    made = [
        factories.PaymentFactory(order__amount_value=value, created_at=clock.now() - timedelta(minutes=index))
        for index, value in enumerate((1_499_00, 5, 200_00))
    ]
    buyer = factories.BuyerFactory()
    made.append(
        factories.PaymentFactory(
            order=factories.OrderFactory(buyer=buyer, amount_value=48_000, currency="KRW"),
            wallet_account=factories.WalletAccountFactory(buyer=buyer, wallet="KAKAOPAY"),
            created_at=clock.now() - timedelta(days=1),
        )
    )

    head, *rows = read_csv(taken(chief, Payment, "csv"))

    assert head == ["Payment", "Order", "Wallet", "State", "Amount", "Currency", "Through account", "Time"]
    assert rows == [
        [
            payment.payment_request_id,
            payment.order.number,
            f"{'Kakao Pay' if payment.currency == 'KRW' else 'GCash'} {payment.wallet_account.login_label}",
            "Paid",
            payment.amount.major,
            payment.currency,
            payment.account.name,
            timezone.localtime(payment.created_at).isoformat(" ", "seconds"),
        ]
        for payment in made
    ]
    assert rows[1][4:6] == ["0.05", "PHP"]
    assert rows[3][4:6] == ["48000", "KRW"]


def test_an_xlsx_holds_numbers_texts_and_real_times(chief: Desk) -> None:
    payment = factories.PaymentFactory(order__amount_value=1_499_05, payment_id="20260314194010800100188820212345678")
    ListView.objects.create(
        owner=chief.user, list_name="payments.payment", columns=["payment_identity", "amount_shown", "time"]
    )

    head, row = read_xlsx(taken(chief, Payment, "xlsx"))

    assert head == ["PaymentId", "Amount", "Currency", "Time"]
    local = timezone.localtime(payment.created_at).replace(tzinfo=None, microsecond=0)
    assert row == ["20260314194010800100188820212345678", 1499.05, "PHP", local]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+63 9", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x")'],
)
def test_no_cell_is_a_formula(chief: Desk, text: str) -> None:
    factories.OrderFactory(description=text)

    _, row = read_csv(taken(chief, Order, "csv"))
    _, sheet_row = read_xlsx(taken(chief, Order, "xlsx"))

    assert row[1] == f"'{text}"
    assert sheet_row[1] == f"'{text}".replace("\r", "\n")  # a line break is a line break to XML
    assert b"<f>" not in taken(chief, Order, "xlsx")


def test_what_xml_cannot_hold_is_left_out(chief: Desk) -> None:
    factories.OrderFactory(description="a\x01b\x0bc “ü” 漢 😀")

    assert read_xlsx(taken(chief, Order, "xlsx"))[1][1] == "abc “ü” 漢 😀"
    assert read_csv(taken(chief, Order, "csv"))[1][1] == "abc “ü” 漢 😀"


def test_filters_order_and_columns_are_those_of_the_list(chief: Desk) -> None:
    old = factories.PaymentFactory(failed=True, created_at=clock.now() - timedelta(hours=2))
    new = factories.PaymentFactory(failed=True)
    factories.PaymentFactory()

    _, *rows = read_csv(taken(chief, Payment, "csv", "?ask=failed&sort=reversed"))

    assert [row[0] for row in rows] == [old.payment_request_id, new.payment_request_id]


def test_the_page_says_how_many_rows_and_which_columns(chief: Desk) -> None:
    for _ in range(3):
        factories.PaymentFactory()

    page = chief.reads(f"{list_url(Payment)}export/?day=7")

    assert "Rows 3 Filters Last 7 days Columns Payment, Order, Wallet, State, Amount, Through account, Time" in page
    assert "CSV, 3 rows" in page


def test_more_rows_than_a_file_may_hold_are_refused_whole(chief: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_MOST", 2)
    for _ in range(3):
        factories.PaymentFactory()

    page = chief.reads(f"{list_url(Payment)}export/")
    refused = words(chief.client.post(f"{list_url(Payment)}export/", {"kind": "csv"}).content.decode())

    assert "There are more than 2 rows. Narrow the list" in page
    assert "There are more than 2 rows. Narrow the list" in refused
    assert not JournalEntry.objects.exists()


def test_chunks_join_without_a_seam(chief: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_CHUNK", 7)
    account = factories.AcquirerAccountFactory()
    made = [factories.ExchangeFactory(account=account, subject=f"P{index}").subject for index in range(50)]

    _, *rows = read_csv(taken(chief, type(factories.ExchangeFactory.build()), "csv"))

    assert sorted(row[2] for row in rows) == sorted(made)


def test_personal_data_is_masked_for_whoever_may_not_have_it(person: type[Desk]) -> None:
    payment = factories.PaymentFactory(order__buyer__reference="ana.reyes@shop.example")
    label = payment.wallet_account.login_label

    whole = taken(person(AUDITOR), Order, "csv").decode()
    masked = taken(person(FINANCE), Order, "csv").decode()

    assert "ana.reyes@shop.example" in whole
    assert label in whole
    assert "ana.reyes" not in masked
    assert label not in masked
    assert "•••ple" in masked
    assert f"•••{label[-3:]}" in masked
    assert exports.masked("ana") == "•••"
    told = [entry.after["personal data"] for entry in JournalEntry.objects.order_by("pk")]
    assert told == ["shown", "masked"]
    page = person(OPERATOR).reads(f"{list_url(Order)}export/")
    assert "Buyer, Wallet: masked but for the last three characters." in page


def test_the_journal_says_who_took_what(person: type[Desk]) -> None:
    factories.PaymentFactory(failed=True)
    finance = person(FINANCE)

    taken(finance, Payment, "xlsx", "?ask=failed&nothing=1")

    entry = JournalEntry.objects.get()
    assert (entry.act, entry.actor_name, entry.outcome) == ("export", finance.user.username, "1 rows of payments.")
    assert entry.after == {
        "list": "payments.payment",
        "filters": "ask=failed",
        "columns": ["Payment", "Order", "Wallet", "State", "Amount", "Time"],
        "rows": 1,
        "format": "xlsx",
        "personal data": "masked",
    }


def test_who_may_not_export_sees_no_button_and_gets_no_file(person: type[Desk]) -> None:
    support = person(SUPPORT)

    assert 'href="export/"' not in support.opens(list_url(Payment))
    assert support.status(f"{list_url(Payment)}export/") == 403
    assert support.client.post(f"{list_url(Payment)}export/", {"kind": "csv"}).status_code == 403
    operator = person(OPERATOR)
    assert operator.client.post("/admin/auth/user/export/", {"kind": "csv"}).status_code == 403
    assert not JournalEntry.objects.exists()


@pytest.mark.parametrize("kind", ["", "pdf", "x" * 100])
def test_another_format_is_asked_for_again(chief: Desk, kind: str) -> None:
    response = chief.client.post(f"{list_url(Payment)}export/", {"kind": kind})

    assert response.status_code == 200
    assert "CSV, 0 rows" in words(response.content.decode())


def test_every_list_can_be_exported_with_every_column_it_offers(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory()
    for model, make in ROW.items():
        make(account)
        model_admin: Any = admin.site._registry[model]
        offered = list(map(str, model_admin.offered_columns()))
        ListView.objects.create(owner=chief.user, list_name=model._meta.label_lower, columns=offered)

        head, *rows = read_csv(taken(chief, model, "csv"))

        assert rows, model
        assert all(len(row) == len(head) for row in rows)
        assert not any("<" in cell or "&amp;" in cell or "ago" in cell.split() for row in rows for cell in row), rows


def test_values_behind_cells() -> None:
    from portal.admin import display  # noqa: PLC0415

    now = clock.now()
    assert exports.plain(display.money(Money(100, "PHP"))) == Money(100, "PHP")
    assert exports.plain(display.when(now)) == now
    assert exports.plain(display.link("/x/", display.ident("P" * 40))) == "P" * 40
    assert exports.plain(display.joined(["a & b", "", "c"])) == "a & b · c"
    assert exports.plain(display.NOTHING) is None
    assert isinstance(exports.plain(datetime(2026, 1, 1)), datetime)  # noqa: DTZ001
    assert ADMINISTRATOR
