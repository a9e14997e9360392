"""Alipay+'s day close: every cycle is cleared, cleared batches are settled on their day, and four reports tell of it.

Sources: https://docs.alipayplus.com/alipayplus/alipayplus/reconcile_acq (overview, trans_detail, settlement), and
https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_acq_tile/fee. Only successful payments and
refunds are cleared; a cancelled payment is in no file. A cycle without any has files too, with nothing in them.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portal.sandbox import calendars
from portal.sandbox.context import Context
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import DAY, HOUR, day_of, end_of, next_day, on_the_wire, start_of
from portal.sandbox.settlement import MOVEMENTS, WITHHELD, Line, ReportFile, line_of, planted, post

_READY = 8 * HOUR
"""After the end of a cycle; so late that nothing in it can be cancelled any more."""
_CANCELLED = "CANCELLED"
_ALIPAY_CN = "ALIPAY_CN"
_ALIPAY_CN_CYCLE = "T+1"
_OF_ALIPAYPLUS = (
    "client_id IN (SELECT client_id FROM merchants WHERE json_extract(details, '$.protocol') = 'alipayplus')"
)

# Undocumented; we choose the columns, because the published pages name the reports and their two sections, but not what
# stands in them: the words are those of the APIs. Amounts are in minor units as in the APIs, refunds negative, fees
# positive where they are deducted. Dates are ISO 8601. Between the sections is one empty line.
_NET = ("totalCount", "netTotalAmount", "settlementCurrency")
_SETTLED = (*_NET, "valueDate")
COLUMNS = {
    "transactionItems": (
        *("transactionType", "transactionId", "transactionRequestId", "transactionTime", "transactionAmount"),
        *("transactionCurrency", "settlementAmount", "settlementCurrency", "paymentId", "paymentRequestId"),
        *("refundId", "refundRequestId", "pspId"),
    ),
    "feeItems": (*("feeType", "transactionType", "transactionId", "transactionRequestId", "feeAmount", "feeCurrency"),),
    "summary": (
        *("transactionType", "totalCount", "settlementAmount", "interchangeFeeAmount", "serviceFeeAmount"),
        *("netAmount", "settlementCurrency"),
    ),
    "settlement": (
        *("clearingBatchId", "clearingDate", "settlementAmount", "feeAmount", "netAmount", "settlementCurrency"),
    ),
}


@dataclass(frozen=True)
class _Set:
    """One set of files: a settlement currency under one agreement."""

    merchant: Merchant
    currency: str
    agreement_id: str
    is_alipay_cn: bool

    @property
    def stem(self) -> str:
        return f"{self.merchant.customer_id}_{self.currency}"

    def takes(self, line: Line) -> bool:
        """Whether a movement belongs to it."""
        return line.settlement_currency == self.currency and (line.wallet == _ALIPAY_CN) is self.is_alipay_cn


def _sets(merchant: Merchant) -> list[_Set]:
    """AlipayCN has its own set, with an agreement of its own."""
    kinds = [(False, "01")] + ([(True, "02")] if _ALIPAY_CN in merchant.wallets else [])
    return [
        _Set(merchant, currency, f"{merchant.customer_id}{suffix}", is_alipay_cn)
        for currency in merchant.settlement_currencies
        for is_alipay_cn, suffix in kinds
    ]


# Time.


def last_ready(context: Context) -> str:
    """The last cycle whose reports are due by now."""
    return day_of(context.now() - _READY - DAY)


def first_cycle(context: Context) -> str | None:
    """The first cycle in which a merchant of Alipay+ took part."""
    first: int | None = context.store.value(f"SELECT MIN(at) FROM transactions WHERE {_OF_ALIPAYPLUS}")  # noqa: S608
    return None if first is None else day_of(first)


def next_close(context: Context, cleared_through: str | None) -> int | None:
    """When a cycle with something in it, or a batch with money in it, is next due."""
    uncleared: int | None = context.store.value(
        f"SELECT MIN(at) FROM transactions WHERE batch_id IS NULL AND {_OF_ALIPAYPLUS}"  # noqa: S608 - our names
    )
    unsettled: str | None = context.store.value(
        "SELECT MIN(settles_on) FROM clearing_batches WHERE settlement_batch_id IS NULL "
        "AND (gross_value != 0 OR fee_value != 0)"
    )
    times = [end_of(day_of(uncleared))] if uncleared is not None else []
    times += [start_of(unsettled)] if unsettled is not None else []
    if not times:
        return None
    nothing_before = start_of(next_day(next_day(cleared_through))) if cleared_through is not None else 0
    return max(min(times), nothing_before) + _READY


# Clearing.


def close(context: Context, merchant: Merchant, day: str) -> list[ReportFile]:
    """Clear a cycle and settle what is due with it; every file is of the day after."""
    first = first_cycle(context)
    if first is None or first > day:
        return []
    return _clear(context, merchant, day) + _settle(context, merchant, next_day(day))


def _clear(context: Context, merchant: Merchant, day: str) -> list[ReportFile]:
    _leave_out_what_was_cancelled(context, merchant)
    rows = context.store.all(
        MOVEMENTS + "AND batch_id IS NULL AND at < ? ORDER BY transactions.number", (merchant.client_id, end_of(day))
    )
    numbered = [(row["number"], line_of(row)) for row in rows]
    files: list[ReportFile] = []
    for one in _sets(merchant):
        theirs = [(number, line) for number, line in numbered if one.takes(line)]
        if theirs or not _was_cleared(context, one, day):
            files += _clear_batch(context, one, day, theirs)
    return files


def _leave_out_what_was_cancelled(context: Context, merchant: Merchant) -> None:
    context.store.run(
        "UPDATE transactions SET batch_id = ? WHERE client_id = ? AND batch_id IS NULL AND payment_id IN "
        "(SELECT payment_id FROM transactions WHERE kind = 'CANCEL' AND batch_id IS NULL)",
        (_CANCELLED, merchant.client_id),
    )


def _was_cleared(context: Context, one: _Set, day: str) -> bool:
    sql = "SELECT 1 FROM clearing_batches WHERE client_id = ? AND agreement_id = ? AND currency = ? AND day = ?"
    return context.store.one(sql, (one.merchant.client_id, one.agreement_id, one.currency, day)) is not None


def _clear_batch(context: Context, one: _Set, day: str, numbered: list[tuple[int, Line]]) -> list[ReportFile]:
    number = 1 + context.store.value("SELECT COUNT(*) FROM clearing_batches")
    batch_id = f"{next_day(day)}2201{number:07d}"
    lines, withheld = planted(context, one.merchant.client_id, numbered)
    context.store.run_many(
        "UPDATE transactions SET batch_id = ? WHERE number = ?",
        [(batch_id, number) for number, _ in numbered if number not in withheld]
        + [(WITHHELD, number) for number, comes_later in withheld.items() if not comes_later],
    )
    calendar = one.merchant.weekend, one.merchant.holidays, one.merchant.working_days
    cycle = _ALIPAY_CN_CYCLE if one.is_alipay_cn else one.merchant.settlement_cycle
    context.store.insert(
        "clearing_batches",
        batch_id=batch_id,
        client_id=one.merchant.client_id,
        agreement_id=one.agreement_id,
        currency=one.currency,
        day=day,
        settles_on=calendars.settles_on(day, cycle, *calendar),
        gross_value=sum(line.converted for line in lines),
        fee_value=sum(line.fee for line in lines),
    )
    where, most = ("clearing", next_day(day), batch_id), _lines_of_a_file(context)
    fees = [item for line in lines for item in _fee_items(line)]
    return [
        *_files(one, "transactionItems", where, [_item(line) for line in lines], "settlementAmount", most),
        *_files(one, "feeItems", where, fees, "feeAmount", most),
        _summary(one, where, lines),
    ]


def _item(line: Line) -> dict[str, object]:
    is_refund = line.kind == "REFUND"
    return {
        "transactionType": line.kind,
        "transactionId": line.refund_id if is_refund else line.payment_id,
        "transactionRequestId": line.request_id,
        "transactionTime": on_the_wire(line.at),
        "transactionAmount": line.value,
        "transactionCurrency": line.currency,
        "settlementAmount": line.converted,
        "settlementCurrency": line.settlement_currency,
        "paymentId": line.payment_id,
        "paymentRequestId": line.original_request_id if is_refund else line.request_id,
        "refundId": line.refund_id,
        "refundRequestId": line.request_id if is_refund else "",
        "pspId": line.wallet,
    }


def _fee_items(line: Line) -> list[dict[str, object]]:
    """A refund brings the interchange fee back, and the service fee not."""
    item = _item(line)
    told = {name: item[name] for name in ("transactionType", "transactionId", "transactionRequestId")}
    told["feeCurrency"] = line.settlement_currency
    items = [{**told, "feeType": "INTERCHANGE_FEE", "feeAmount": line.service_fee - line.fee}]
    if line.kind == "PAYMENT":
        items.append({**told, "feeType": "SERVICE_FEE", "feeAmount": -line.service_fee})
    return items


def _summary(one: _Set, where: tuple[str, str, str], lines: list[Line]) -> ReportFile:
    details = []
    for kind in ("PAYMENT", "REFUND"):
        of_kind = [line for line in lines if line.kind == kind]
        if of_kind:
            service_fee, fee = (-sum(getattr(line, name) for line in of_kind) for name in ("service_fee", "fee"))
            details.append(
                {
                    "transactionType": kind,
                    "totalCount": len(of_kind),
                    "settlementAmount": sum(line.converted for line in of_kind),
                    "interchangeFeeAmount": fee - service_fee,
                    "serviceFeeAmount": service_fee,
                    "netAmount": sum(line.net for line in of_kind),
                    "settlementCurrency": one.currency,
                }
            )
    head: dict[str, object] = {"totalCount": len(lines), "netTotalAmount": sum(line.net for line in lines)}
    return _file(one, "summary", where, 0, head, details)


# Settlement.


def _settle(context: Context, merchant: Merchant, date: str) -> list[ReportFile]:
    """Pay out every cleared batch whose day has come; none on a day without settlement: it waits for the next one."""
    if not calendars.is_working(date, merchant.weekend, merchant.holidays, merchant.working_days):
        return []
    files: list[ReportFile] = []
    for one in _sets(merchant):
        batches = context.store.all(
            "SELECT * FROM clearing_batches WHERE client_id = ? AND agreement_id = ? AND currency = ? "
            "AND settlement_batch_id IS NULL AND settles_on <= ? ORDER BY number",
            (merchant.client_id, one.agreement_id, one.currency, date),
        )
        if not batches:
            continue
        batch_id = f"{date}2202{batches[0]['number']:07d}"
        context.store.run_many(
            "UPDATE clearing_batches SET settlement_batch_id = ? WHERE number = ?",
            [(batch_id, batch["number"]) for batch in batches],
        )
        marks = ", ".join("?" * len(batches))
        rows = context.store.all(
            f"{MOVEMENTS} AND batch_id IN ({marks}) ORDER BY transactions.number",
            (merchant.client_id, *(batch["batch_id"] for batch in batches)),
        )
        if rows:
            post(context, merchant, batch_id, one.currency, [line_of(row) for row in rows])
        details = [
            {
                "clearingBatchId": batch["batch_id"],
                "clearingDate": _iso(batch["day"]),
                "settlementAmount": batch["gross_value"],
                "feeAmount": -batch["fee_value"],
                "netAmount": batch["gross_value"] + batch["fee_value"],
                "settlementCurrency": one.currency,
            }
            for batch in batches
        ]
        where = ("settlement", date, batch_id)
        files += _files(one, "settlement", where, details, "netAmount", _lines_of_a_file(context))
    return files


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


# Files.


def _lines_of_a_file(context: Context) -> int:
    return max(1, context.settings.report_lines)


def _files(
    one: _Set,
    kind: str,
    where: tuple[str, str, str],
    details: Sequence[dict[str, object]],
    net: str,
    most: int,
) -> list[ReportFile]:
    """A report in as many files as it takes; each begins with the summary of its own lines."""
    parts = [details[start : start + most] for start in range(0, len(details), most)] or [[]]
    return [
        _file(one, kind, where, seq, {"totalCount": len(part), "netTotalAmount": _sum(part, net)}, part)
        for seq, part in enumerate(parts)
    ]


def _sum(details: Iterable[dict[str, object]], name: str) -> int:
    return sum(int(str(line[name])) for line in details)


def _file(
    one: _Set,
    kind: str,
    where: tuple[str, str, str],
    seq: int,
    head: dict[str, object],
    details: Sequence[dict[str, object]],
) -> ReportFile:
    directory, date, batch_id = where
    # Alipay+ pays before this date: the day after the report's.
    head = {**head, "settlementCurrency": one.currency, "valueDate": _iso(next_day(date))}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for columns, lines in ((_SETTLED if kind == "settlement" else _NET, [head]), (COLUMNS[kind], details)):
        if text.tell():
            text.write("\n")
        writer.writerow(columns)
        writer.writerows([line[name] for name in columns] for line in lines)
    return ReportFile(
        date,
        f"{kind}_{one.stem}_{batch_id}_{one.agreement_id}_{seq:03d}.csv",
        kind,
        one.merchant.client_id,
        text.getvalue(),
        f"sandbox/settlements/{directory}/{one.merchant.customer_id}/{date}",
    )
