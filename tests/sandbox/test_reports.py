"""Day close: what is settled, and reports a bookkeeper can add up."""

import csv
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portal.clock import FileClock, using
from portal.sandbox import plants
from portal.sandbox.context import Keys
from portal.sandbox.control import ControlFailed, SandboxControl
from portal.sandbox.merchants import FIRST_CLIENT, FIRST_PARTNER
from portal.sandbox.server import Sandbox
from tests.sandbox.conftest import START, Shop, code

TODAY = "20260302"


def read(text: str) -> list[dict[str, str]]:
    """The rows of a report that is whole."""
    lines = text.splitlines()
    assert lines[-1] == "<END>"
    return list(csv.DictReader(io.StringIO("\n".join(lines[:-1]))))


def reports(control: SandboxControl, files: list[dict[str, Any]], kind: str) -> list[list[dict[str, str]]]:
    return [read(control.report(one["day"], one["name"])) for one in files if one["kind"] == kind]


def closes(row: dict[str, str]) -> bool:
    """The row formula of the settlement details: net = gross in settlement currency + fees, to the cent."""
    gross = Decimal(row["transactionAmountValue"])
    if row["quoteCurrencyPair"]:
        left = row["quoteCurrencyPair"].split("/")[0]
        price = Decimal(row["quotePrice"])
        exact = gross * price if row["transactionCurrency"] == left else gross / price
        gross = exact.quantize(Decimal("0.01"))
        assert gross == Decimal(row["convertedTransactionAmountValue"])
    return gross + Decimal(row["paymentMethodFeeAmountValue"] or 0) == Decimal(row["settlementAmountValue"])


def a_day_of_trade(shop: Shop) -> dict[str, str]:
    """Payments, refunds, cancels and failures in two settlement currencies; the request ids by what happened."""
    ana, budi, yuki = shop.binds("ana"), shop.binds("budi", "DANA"), shop.binds("yuki", "PAYPAY")
    dollars = shop.pays(ana, 1_120_00)
    shop.refunds(dollars["paymentId"], 333_33)
    shop.refunds(dollars["paymentId"], 786_67)
    rupiah = shop.pays(budi, 150_000_00, "IDR", wallet="DANA")
    yen = shop.pays(yuki, 4_999, "JPY", wallet="PAYPAY")
    shop.call("payments/cancel", {"paymentId": yen["paymentId"]})
    pesos = shop.pays(ana, 80_00, settlementStrategy={"settlementCurrency": "PHP"})
    failed = shop.pays(shop.binds("paolo"), 499_00)
    assert code(failed) == ("USER_BALANCE_NOT_ENOUGH", "F")
    return {"dollars": dollars["paymentId"], "rupiah": rupiah["paymentId"], "pesos": pesos["paymentId"]}


def test_details_close_and_equal_the_summary_and_the_books(shop: Shop, control: SandboxControl) -> None:
    a_day_of_trade(shop)

    files = control.close_day()

    assert [one["kind"] for one in files] == ["settlementItems", "settlementSummary"] * 2 + ["transactionItems"]
    for items, summary in zip(
        reports(control, files, "settlementItems"), reports(control, files, "settlementSummary"), strict=True
    ):
        assert all(closes(row) for row in items)
        by_type = {row["summaryType"]: row for row in summary}
        for kind, line in by_type.items():
            mine = [row for row in items if kind in (row["transactionType"], "TOTAL")]
            assert int(line["count"]) == len(mine)
            for column in ("settlementAmountValue", "paymentMethodFeeAmountValue"):
                assert Decimal(line[column]) == sum(Decimal(row[column]) for row in mine)
        currency = items[0]["settlementCurrency"]
        settled = control.ledger_balances()["settled:SANDBOX_5X00000000000042"][currency]
        assert Decimal(by_type["TOTAL"]["settlementAmountValue"]) * 100 == settled
    assert "pending:SANDBOX_5X00000000000042" in control.ledger_balances()
    assert set(control.ledger_balances()["pending:SANDBOX_5X00000000000042"].values()) == {0}


def test_a_full_refund_in_parts_gives_the_whole_fee_back(shop: Shop, control: SandboxControl) -> None:
    ids = a_day_of_trade(shop)

    rows = control.transactions(payment_id=ids["dollars"])

    assert [row["kind"] for row in rows] == ["REFUND", "REFUND", "PAYMENT"]
    assert sum(row["fee_value"] for row in rows) == 0
    assert sum(row["value"] for row in rows) == 0


def test_the_settlement_details_read_as_published(shop: Shop, control: SandboxControl) -> None:
    ids = a_day_of_trade(shop)
    files = control.close_day()
    (items, pesos) = sorted(reports(control, files, "settlementItems"), key=len, reverse=True)

    assert [(row["transactionType"], row["transactionAmountValue"], row["transactionCurrency"]) for row in items] == [
        ("PAYMENT", "1120.00", "PHP"),
        ("REFUND", "-333.33", "PHP"),
        ("REFUND", "-786.67", "PHP"),
        ("PAYMENT", "150000.00", "IDR"),
        ("PAYMENT", "4999", "JPY"),
        ("CANCEL", "-4999", "JPY"),
    ]
    payment, refund = items[0], items[1]
    assert (payment["transactionId"], payment["quoteCurrencyPair"]) == (ids["dollars"], "USD/PHP")
    assert payment["settlementInitiatedDate"] == "2026-03-03"
    assert payment["originalTransactionRequestId"] == ""
    assert refund["transactionId"] == ids["dollars"]
    assert refund["originalTransactionRequestId"] == payment["transactionRequestId"]
    assert Decimal(items[4]["settlementAmountValue"]) == -Decimal(items[5]["settlementAmountValue"])
    assert [(row["settlementCurrency"], row["quoteCurrencyPair"]) for row in pesos] == [("PHP", "")]
    assert pesos[0]["settlementAmountValue"] == "78.08"


def test_transaction_details_show_what_moved_no_money_too(shop: Shop, control: SandboxControl) -> None:
    a_day_of_trade(shop)

    (rows,) = reports(control, control.close_day(), "transactionItems")

    assert [(row["transactionType"], row["status"], row["reason"]) for row in rows] == [
        ("PAYMENT", "TO_BE_SETTLED", ""),
        ("REFUND", "TO_BE_SETTLED", ""),
        ("REFUND", "TO_BE_SETTLED", ""),
        ("PAYMENT", "TO_BE_SETTLED", ""),
        ("PAYMENT", "TO_BE_SETTLED", ""),
        ("CANCEL", "TO_BE_SETTLED", ""),
        ("PAYMENT", "TO_BE_SETTLED", ""),
        ("PAYMENT", "FAILED", "USER_BALANCE_NOT_ENOUGH"),
    ]
    assert rows[-1]["settlementAmountValue"] == ""


def test_the_day_ends_at_midnight_in_the_acquirers_zone(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    shop.pays(token, 100_00)
    shop.moves_on(hours=13, minutes=59, seconds=59)
    last = shop.pays(token, 200_00)
    assert control.reports() == []
    shop.moves_on(seconds=1)
    first = shop.pays(token, 300_00)
    shop.moves_on(days=1)

    days = {one["day"] for one in control.reports()}
    assert days == {TODAY, "20260303"}
    ids = {
        day: [
            row["transactionId"]
            for one in control.reports()
            if one["day"] == day and one["kind"] == "settlementItems"
            for row in read(control.report(day, one["name"]))
        ]
        for day in days
    }
    assert ids[TODAY][-1] == last["paymentId"]
    assert ids["20260303"] == [first["paymentId"]]


def test_a_quiet_day_has_no_files(shop: Shop, control: SandboxControl) -> None:
    shop.moves_on(days=3)
    assert control.close_day() == []
    assert control.reports() == []


def test_closing_twice_settles_only_what_is_new(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    shop.pays(token, 100_00)
    (first,) = reports(control, control.close_day(), "settlementItems")
    assert [one["kind"] for one in control.close_day()] == ["transactionItems"]
    shop.pays(token, 200_00)
    (second,) = reports(control, control.close_day(), "settlementItems")

    assert [row["transactionAmountValue"] for row in first + second] == ["100.00", "200.00"]
    assert first[0]["settlementBatchId"] != second[0]["settlementBatchId"]


def test_a_refund_on_another_day_takes_that_days_rate(shop: Shop, control: SandboxControl) -> None:
    paid = shop.pays(shop.binds(), 1_120_00)
    shop.moves_on(days=4)
    refunded = shop.refunds(paid["paymentId"], 1_120_00)

    assert refunded["settlementQuote"]["quoteId"] != paid["settlementQuote"]["quoteId"]
    assert refunded["grossSettlementAmount"] != paid["grossSettlementAmount"]
    kinds = {row["kind"]: row for row in control.transactions(payment_id=paid["paymentId"])}
    assert kinds["PAYMENT"]["fee_value"] == -kinds["REFUND"]["fee_value"]


def test_reports_can_be_downloaded_and_lie_in_the_folder(shop: Shop, control: SandboxControl, tmp_path: Path) -> None:
    shop.sandbox.engine.reports_folder = tmp_path
    shop.pays(shop.binds())
    for file in control.close_day():
        text = (tmp_path / TODAY / file["name"]).read_text()
        response = shop.session.get(f"{shop.sandbox.url}/reports/{TODAY}/{file['name']}")
        assert (response.status_code, response.text) == (200, text)
        assert response.headers["content-disposition"] == f'attachment; filename="{file["name"]}"'
    assert shop.session.get(f"{shop.sandbox.url}/reports/{TODAY}/none.csv").status_code == 404


def test_what_is_left_out_is_left_out_with_its_double(shop: Shop, control: SandboxControl) -> None:
    token, pesos = shop.binds(), {"settlementStrategy": {"settlementCurrency": "PHP"}}
    shop.pays(token, 100_00, **pesos)
    shop.pays(token, 200_00, **pesos)
    for kind in ("duplicated_row", "unknown_row", "missing_row"):
        control.plant(kind)

    (items,) = reports(control, control.close_day(), "settlementItems")
    assert [row["transactionAmountValue"] for row in items] == ["200.00", "100.00"]
    assert items[1]["transactionRequestId"].startswith("STRAY")


@pytest.mark.parametrize(
    ("kind", "options", "amounts", "nets"),
    [
        ("fee_differs", {"by": 25}, ["100.00", "200.00"], ["97.35", "195.20"]),
        ("amount_short", {"by": 1_00}, ["99.00", "200.00"], ["96.60", "195.20"]),
        ("missing_row", {}, ["200.00"], ["195.20"]),
        ("unknown_row", {"value": 7_77}, ["100.00", "200.00", "7.77"], ["97.60", "195.20", "7.77"]),
        ("duplicated_row", {}, ["100.00", "200.00", "100.00"], ["97.60", "195.20", "97.60"]),
    ],
)
def test_a_planted_discrepancy_strikes_once_and_the_report_still_adds_up(
    shop: Shop, control: SandboxControl, kind: str, options: dict[str, Any], amounts: list[str], nets: list[str]
) -> None:
    token, pesos = shop.binds(), {"settlementStrategy": {"settlementCurrency": "PHP"}}
    shop.pays(token, 100_00, **pesos)
    shop.pays(token, 200_00, **pesos)
    control.plant(kind, **options)

    files = control.close_day()

    (items,), (summary,) = reports(control, files, "settlementItems"), reports(control, files, "settlementSummary")
    assert [row["transactionAmountValue"] for row in items] == amounts
    assert [row["settlementAmountValue"] for row in items] == nets
    assert all(closes(row) for row in items)
    assert Decimal(summary[-1]["settlementAmountValue"]) == sum(Decimal(net) for net in nets)
    control.ledger_balances()
    shop.pays(token, 300_00, **pesos)
    (items,) = reports(control, control.close_day(), "settlementItems")
    assert [row["settlementAmountValue"] for row in items] == ["292.80"]


def test_a_row_may_come_a_batch_later(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    first, second = shop.pays(token, 100_00), shop.pays(token, 200_00)
    control.plant("missing_row", later=True, request_id=second["paymentRequestId"])

    (items,) = reports(control, control.close_day(), "settlementItems")
    (later,) = reports(control, control.close_day(), "settlementItems")

    assert [row["transactionId"] for row in items + later] == [first["paymentId"], second["paymentId"]]


def test_all_of_a_day_in_one_file(shop: Shop, control: SandboxControl) -> None:
    shop.pays(shop.binds())
    files = {one["name"]: control.report(one["day"], one["name"]) for one in control.close_day()}

    page = shop.session.get(f"{shop.sandbox.url}/console/reports").text
    address = f"/reports/{TODAY}.zip?client_id={FIRST_CLIENT}"
    assert f'href="{address}"' in page
    answer = shop.session.get(shop.sandbox.url + address)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as together:
        assert {name: together.read(name).decode() for name in together.namelist()} == files
    assert shop.session.get(f"{shop.sandbox.url}/reports/{TODAY}.zip?client_id=NOBODY").status_code == 404


def test_a_discrepancy_waits_for_the_merchant_it_is_meant_for(shop: Shop, control: SandboxControl) -> None:
    token, pesos = shop.binds(), {"settlementStrategy": {"settlementCurrency": "PHP"}}
    shop.pays(token, 100_00, **pesos)
    control.plant("amount_short", client_id=FIRST_PARTNER)
    control.plant("fee_differs", by=25, client_id=FIRST_CLIENT)

    (items,) = reports(control, control.close_day(), "settlementItems")

    assert [row["settlementAmountValue"] for row in items] == ["97.35"]
    assert [one.kind for one in plants.waiting(shop.sandbox.engine.context)] == ["amount_short"]


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        ("gremlin", {}, "no discrepancy"),
        ("fee_differs", {"by": 0}, "'by'"),
        ("fee_differs", {"colour": 1}, "not 'colour'"),
    ],
)
def test_a_discrepancy_that_cannot_be_planted(
    control: SandboxControl, kind: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ControlFailed, match=sentence):
        control.plant(kind, **options)


@pytest.mark.parametrize("day", ["20260303", "yesterday", "2026-03-02"])
def test_a_day_that_cannot_be_closed(control: SandboxControl, day: str) -> None:
    with pytest.raises(ControlFailed):
        control.close_day(day)


def test_days_close_under_a_clock_that_was_set_back(tmp_path: Path, keys: Keys) -> None:
    clock = FileClock(tmp_path / "clock.json")
    with using(clock), Sandbox(clock, keys=keys, ticking=False) as sandbox:
        control, shop = SandboxControl(sandbox.url), Shop(sandbox, "http://127.0.0.1:9")
        control.freeze_clock(START)
        shop.pays(shop.binds())
        control.move_clock(days=1)
        assert {one["day"] for one in control.reports()} == {TODAY}
