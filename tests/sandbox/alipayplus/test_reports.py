"""The four reports: what was paid and refunded is cleared the next morning, and settled on its day."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from portal.clock import VirtualClock
from portal.sandbox.context import Keys
from portal.sandbox.control import SandboxControl
from portal.sandbox.merchants import FIRST_CLIENT, FIRST_PARTNER
from portal.sandbox.server import Sandbox
from tests.sandbox.alipayplus.conftest import Partner
from tests.sandbox.conftest import Shop

Report = tuple[dict[str, str], list[dict[str, str]]]


def read(text: str) -> Report:
    """Both sections of a file: the summary's one line, and the details by column."""
    head, empty, details = text.partition("\n\n")
    assert empty
    (summary,) = csv.DictReader(head.splitlines())
    return summary, list(csv.DictReader(details.splitlines()))


def reports(control: SandboxControl, kind: str, day: str) -> dict[str, Report]:
    """Every report of a kind, by its name."""
    return {
        row["name"]: read(control.report(day, row["name"], FIRST_PARTNER))
        for row in sorted(control.reports(), key=lambda row: row["name"])
        if (row["kind"], row["day"], row["client_id"]) == (kind, day, FIRST_PARTNER)
    }


def total(lines: Iterable[dict[str, str]], name: str) -> int:
    return sum(int(line[name]) for line in lines)


def the_first(found: dict[str, Any]) -> Report:
    report: Report = next(iter(found.values()))
    return report


def test_a_cycle_is_cleared_and_settled(partner: Partner, control: SandboxControl) -> None:
    token = partner.binds()
    paid, kept, undone = (partner.pays(token, value) for value in (499_00, 120_00, 75_00))
    refunded = partner.refunds(paid["paymentId"], 99_00)
    partner.cancels(paymentId=undone["paymentId"])
    control.fault("payment_fails", code="RISK_REJECT")
    partner.pays(token)

    partner.moves_on(hours=21, minutes=59)
    assert control.reports() == [], "not before eight in the morning"
    partner.moves_on(minutes=1)

    names = [row["name"].split("_")[0] for row in control.reports() if row["day"] == "20260303"]
    cleared = ["transactionItems", "feeItems", "summary"] * 2
    assert sorted(names) == sorted([*cleared, "settlement"]), "AlipayCN has its own set, and is settled already"
    summary, items = the_first(reports(control, "transactionItems", "20260303"))
    assert [(line["transactionType"], line["transactionId"], line["pspId"]) for line in items] == [
        ("PAYMENT", paid["paymentId"], "GCASH"),
        ("PAYMENT", kept["paymentId"], "GCASH"),
        ("REFUND", refunded["refundId"], "GCASH"),
    ], "what failed or was cancelled is absent"
    assert items[0]["settlementAmount"] == paid["settlementAmount"]["value"]
    assert items[2]["settlementAmount"] == f"-{refunded['settlementAmount']['value']}"
    assert (items[2]["paymentId"], items[2]["transactionAmount"]) == (paid["paymentId"], "-9900")
    assert items[2]["paymentRequestId"] == items[0]["transactionRequestId"]
    assert summary == {
        "totalCount": "3",
        "netTotalAmount": str(total(items, "settlementAmount")),
        "settlementCurrency": "USD",
    }
    _, fees = the_first(reports(control, "feeItems", "20260303"))
    assert [(line["transactionType"], line["feeType"]) for line in fees] == [
        ("PAYMENT", "INTERCHANGE_FEE"),
        ("PAYMENT", "SERVICE_FEE"),
        ("PAYMENT", "INTERCHANGE_FEE"),
        ("PAYMENT", "SERVICE_FEE"),
        ("REFUND", "INTERCHANGE_FEE"),
    ], "the service fee is not given back"
    assert all((int(line["feeAmount"]) > 0) is (line["transactionType"] == "PAYMENT") for line in fees)
    head, kinds = the_first(reports(control, "summary", "20260303"))
    net = total(items, "settlementAmount") - total(fees, "feeAmount")
    assert (head["totalCount"], head["netTotalAmount"], total(kinds, "netAmount")) == ("3", str(net), net)
    interchange = [line for line in fees if line["feeType"] == "INTERCHANGE_FEE"]
    assert total(kinds, "interchangeFeeAmount") == total(interchange, "feeAmount")

    partner.moves_on(days=1)

    settled, batches = the_first(reports(control, "settlement", "20260304"))
    assert settled == {
        "totalCount": "1",
        "netTotalAmount": str(net),
        "settlementCurrency": "USD",
        "valueDate": "2026-03-05",
    }
    (batch,) = batches
    assert (batch["clearingDate"], int(batch["netAmount"])) == ("2026-03-02", net)
    assert batch["clearingBatchId"] in next(iter(reports(control, "summary", "20260303")))
    assert control.ledger_balances()[f"settled:{FIRST_PARTNER}"] == {"USD": net}
    assert set(control.ledger_balances()[f"pending:{FIRST_PARTNER}"].values()) == {0}
    assert partner.sandbox.engine.faults_in_the_books() == []


def test_an_empty_cycle_has_files_too(partner: Partner, control: SandboxControl) -> None:
    partner.moves_on(days=3)
    assert control.reports() == [], "nothing is reported before the first payment"
    partner.pays(partner.binds())
    partner.moves_on(days=3)
    summary, details = the_first(reports(control, "transactionItems", "20260307"))
    assert (summary["totalCount"], summary["netTotalAmount"], details) == ("0", "0", [])
    days = {row["day"] for row in control.reports() if row["kind"] == "summary"}
    assert days == {"20260306", "20260307", "20260308"}
    batches = the_first(reports(control, "settlement", "20260308"))[1]
    assert [(one["clearingDate"], one["netAmount"]) for one in batches] == [("2026-03-06", "0")]


def test_alipay_cn_and_every_currency_have_their_own_set(partner: Partner, control: SandboxControl) -> None:
    control.register_merchant(client_id=FIRST_PARTNER, settlement_currencies=["USD", "HKD"])
    here = partner.binds()
    partner.pays(here, settlementStrategy={"settlementCurrency": "USD"})
    partner.pays(here, settlementStrategy={"settlementCurrency": "HKD"})
    partner.pays(partner.binds("meiling", "ALIPAY_CN"), 100_00, "CNY")
    partner.moves_on(days=1)
    sets = {tuple(name.split("_")[2:5:2]): int(one[0]["totalCount"]) for name, one in
            reports(control, "transactionItems", "20260303").items()}  # fmt: skip
    agreements = sorted({agreement for _, agreement in sets})
    assert len(agreements) == 2
    assert [sets[currency, agreement] for agreement in agreements for currency in ("USD", "HKD")] == [1, 1, 1, 0]
    (settled,) = [one for name, one in reports(control, "settlement", "20260303").items() if "_USD_" in name]
    assert settled[0]["totalCount"] == "1", "AlipayCN is settled a day earlier"


def test_a_large_batch_is_split_and_every_file_agrees_with_itself(partner: Partner, control: SandboxControl) -> None:
    control.settings(report_lines=2)
    token = partner.binds()
    for _ in range(5):
        partner.pays(token, 10_00)
    partner.moves_on(days=1)
    found = {name: one for name, one in reports(control, "transactionItems", "20260303").items() if name[-7:-4] != "x"}
    first = next(iter(found)).rsplit("_", 1)[0]
    parts = {name[-7:-4]: one for name, one in found.items() if name.startswith(first)}
    assert [(seq, summary["totalCount"], len(lines)) for seq, (summary, lines) in parts.items()] == [
        ("000", "2", 2),
        ("001", "2", 2),
        ("002", "1", 1),
    ]
    for summary, lines in parts.values():
        assert int(summary["netTotalAmount"]) == total(lines, "settlementAmount")


def test_a_day_without_settlement_waits(partner: Partner, control: SandboxControl) -> None:
    control.register_merchant(client_id=FIRST_PARTNER, holidays=["20260303", "20260304"])
    partner.pays(partner.binds())
    partner.moves_on(days=4)
    written = [(row["kind"], row["day"]) for row in control.reports() if row["name"].endswith("01_000.csv")]
    assert [day for kind, day in written if kind == "settlement"] == ["20260306"]
    cleared = {day for kind, day in written if kind == "summary"}
    assert cleared == {"20260303", "20260304", "20260305", "20260306"}, "clearing knows no holidays"


def test_a_day_closed_by_hand_is_closed_for_both_acquirers(
    partner: Partner, shop: Shop, control: SandboxControl
) -> None:
    paid = partner.pays(partner.binds())
    shop.pays(shop.binds())
    files = control.close_day()
    assert {one["client_id"] for one in files} == {FIRST_CLIENT, FIRST_PARTNER}
    assert partner.cancels(paymentId=paid["paymentId"])["result"]["resultCode"] == "CANCEL_WINDOW_EXCEED"
    again = [one["name"] for one in control.close_day() if one["client_id"] == FIRST_PARTNER]
    assert again == [], "what was cleared is not cleared again"


def test_what_is_planted_is_wrong_on_paper_only(partner: Partner, control: SandboxControl) -> None:
    paid = partner.pays(partner.binds())
    control.plant("fee_differs", by=7)
    control.close_day()
    partner.moves_on(days=2)
    _, fees = the_first(reports(control, "feeItems", "20260303"))
    (movement,) = control.transactions(payment_id=paid["paymentId"])
    assert total(fees, "feeAmount") == 7 - movement["fee_value"]
    settled, _ = the_first(reports(control, "settlement", "20260304"))
    held = control.ledger_balances()[f"settled:{FIRST_PARTNER}"]["USD"]
    assert int(settled["netTotalAmount"]) == held - 7


def test_files_lie_where_the_partner_fetches_them(clock: VirtualClock, keys: Keys, tmp_path: Path) -> None:
    with Sandbox(clock, keys=keys, ticking=False, reports_folder=tmp_path) as sandbox:
        partner = Partner(sandbox, "http://127.0.0.1:9")
        partner.pays(partner.binds())
        partner.moves_on(days=2)
        participant = partner.pays(partner.binds())["acquirerId"]
        (folder,) = (tmp_path / "sandbox/settlements/clearing").iterdir()
        assert folder.name == participant
        assert sorted(day.name for day in folder.iterdir()) == ["20260303", "20260304"]
        assert len(list((folder / "20260303").glob(f"transactionItems_{participant}_USD_*_000.csv"))) == 2
        settled = tmp_path / f"sandbox/settlements/settlement/{participant}/20260304"
        assert list(settled.glob(f"settlement_{participant}_USD_*_000.csv"))
