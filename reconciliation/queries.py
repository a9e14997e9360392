"""Questions about reports: what settled a payment, what a file or batch adds up to, what waits for a person."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from payments.models import Cancel, Order, Payment, Refund
from payments.queries import live_payment
from payments.states import CancelStatus, PaymentStatus, RefundStatus
from portal.models import AcquirerAccount
from portal.money import Money
from portal.registry import TimelineEntry
from portal.statements import Found, Given
from portal.words import say
from reconciliation.errors import LawBroken
from reconciliation.layouts import SUMMING
from reconciliation.models import (
    COUNTING,
    Batch,
    Discrepancy,
    Explanation,
    FileStatus,
    Match,
    Reason,
    ReportFile,
    ReportTotal,
    Resolution,
    Role,
    RowState,
    SettlementRow,
    SummaryRow,
)
from reconciliation.row_types import ROW_TYPES, ExplanationKind, Treatment

PROPOSALS_AT_MOST = 20


@dataclass(frozen=True)
class Law:
    """*reported = matched + explained + open*, in one currency."""

    reported: Money
    matched: Money
    explained: Money
    open: Money

    @property
    def currency(self) -> str:
        return self.reported.currency


def lines_of(file: ReportFile) -> "QuerySet[Any]":
    """The accounted lines of a file: rows of details, or rows of a summary."""
    return file.summary_rows.all() if file.kind in SUMMING else file.rows.all()


def law(file: ReportFile) -> list[Law]:
    """The law of a file, per currency."""
    return _law(lines_of(file))


def law_of_batch(batch: Batch) -> list[Law]:
    """The law over the details of one batch; empty while they are not here."""
    return _law(batch.rows.all())


def _law(lines: "QuerySet[Any]") -> list[Law]:
    sums = (
        lines.order_by("currency")
        .values_list("currency")
        .annotate(Sum("reported_value"), Sum("matched_value"), Sum("explained_value"), Sum("open_value"))
    )
    return [Law(*(Money(value, currency) for value in values)) for currency, *values in sums]


def prove(file: ReportFile) -> None:
    """Compare, in the database, what was read with what became of it. Raises LawBroken.

    The totals were added up from the text before anything was matched; the other side is summed over matches,
    explanations and discrepancies, so that a part that was lost or counted twice shows.
    """
    is_summary = file.kind in SUMMING
    reported = dict(_REPORTED.tuples(file=file.pk))
    lines = {found.currency: found for found in law(file)}
    if is_summary:
        matched = {currency: found.matched.value for currency, found in lines.items()}
    else:
        matched = dict(_MATCHED.tuples(file=file.pk))
    explained = dict((_EXPLAINED_IN_SUM if is_summary else _EXPLAINED).tuples(file=file.pk))
    still_open = dict(_OPEN.tuples(file=file.pk))
    for currency, value in _CLOSED.tuples(file=file.pk):
        explained[currency] = explained.get(currency, 0) + value
    for currency in {*reported, *lines, *matched, *explained, *still_open}:
        parts = tuple(sums.get(currency, 0) for sums in (matched, explained, still_open))
        line = lines.get(currency)
        on_lines = (line.matched.value, line.explained.value, line.open.value) if line else (0, 0, 0)
        if sum(parts) != reported.get(currency, 0) or parts != on_lines:
            raise LawBroken(
                currency=currency,
                reported=reported.get(currency, 0),
                matched=parts[0],
                explained=parts[1],
                open=parts[2],
            )


def _sums(rows: "QuerySet[Any]") -> "QuerySet[Any, Any]":
    summed: QuerySet[Any, Any] = rows.order_by().values_list("currency").annotate(Sum("value"))
    return summed


# What ``prove`` adds up of a file.
_FILE = Given("file")
_REPORTED: Found[Any] = Found(
    lambda: ReportTotal.objects.filter(file=_FILE).order_by().values_list("currency", "reported_value")
)
_MATCHED: Found[Any] = Found(lambda: _sums(Match.objects.filter(row__file=_FILE)))
_EXPLAINED: Found[Any] = Found(lambda: _sums(Explanation.objects.filter(row__file=_FILE)))
_EXPLAINED_IN_SUM: Found[Any] = Found(lambda: _sums(Explanation.objects.filter(summary_row__file=_FILE)))
_CLOSED: Found[Any] = Found(lambda: _sums(Discrepancy.objects.filter(file=_FILE, closed_at__isnull=False)))
_OPEN: Found[Any] = Found(lambda: _sums(Discrepancy.objects.filter(file=_FILE, closed_at=None)))


def digest(account: AcquirerAccount) -> str:
    """One word for everything that the reports of an account have come to: rows, matches, explanations, discrepancies.

    It knows no key, no time and no file name, so the same reports give the same digest in whatever order they came.
    What settled itself is left out; what a person decided is in it.
    """
    rows = SettlementRow.objects.filter(file__account=account, file__status=FileStatus.IMPORTED)
    place = ("kind", "sha256")
    files = {pk: tuple(found) for pk, *found in account.report_files.values_list("pk", *place)}
    said: list[str] = []
    for pk, part, line, *values in rows.values_list(
        "file", "part", "line_number", "state", "currency", "reported_value", "matched_value", "explained_value",
        "open_value", "match__role", "match__payment__payment_request_id", "match__refund__refund_request_id",
        "match__cancel__payment__payment_request_id", "match__value", "superseded_by__file__sha256",
        "superseded_by__line_number",
    ):  # fmt: skip
        said.append(repr(("row", files[pk], part, line, *values)))
    for pk, part, line, *values in Explanation.objects.filter(row__in=rows).values_list(
        "row__file", "row__part", "row__line_number", "kind", "value", "currency"
    ):
        said.append(repr(("explanation", files[pk], part, line, *values)))
    found = Discrepancy.objects.filter(file__account=account, file__status=FileStatus.IMPORTED).exclude(
        resolution=Resolution.HEALED
    )
    for pk, *values in found.values_list(
        "file", "row__part", "row__line_number", "summary_row__line_number", "reason", "sentence", "value", "currency",
        "stake_value", "stake_currency", "is_urgent", "resolution",
    ):  # fmt: skip
        said.append(repr(("discrepancy", files[pk], *values)))
    summaries = SummaryRow.objects.filter(file__account=account, file__status=FileStatus.IMPORTED)
    for pk, *values in summaries.values_list(
        "file", "part", "line_number", "state", "reported_value", "matched_value", "explained_value", "open_value"
    ):
        said.append(repr(("summary", files[pk], *values)))
    return blake2b("\n".join(sorted(said)).encode(), digest_size=16).hexdigest()


def settled(thing: Payment | Refund | Cancel) -> SettlementRow | None:
    """The row of a settlement in which the acquirer settled it, or None."""
    match thing:
        case Payment():
            found = Match.objects.filter(payment=thing, role=Role.PAYMENT)
        case Refund():
            found = Match.objects.filter(refund=thing, role=Role.REFUND)
        case Cancel():
            found = Match.objects.filter(cancel=thing, role=Role.CANCEL)
    match_ = (
        found.filter(is_settlement=True, row__file__status=FileStatus.IMPORTED)
        .select_related("row__batch", "row__file")
        .defer("row__file__content")
        .first()
    )
    return match_.row if match_ is not None else None


def ours_named(account: AcquirerAccount, text: str, row_type: str = "") -> Payment | Refund | Cancel | None:
    """What a person means by an id: a payment or refund by either side's id, an order's live payment by its number.

    For a CANCEL row, a payment's id means its cancel where there is one.
    """
    text = text.strip()
    if not text:
        return None
    payments = Payment.objects.filter(wallet_account__account=account).select_related("order")
    refunds = Refund.objects.filter(payment__wallet_account__account=account).select_related("payment")
    payment = payments.filter(payment_request_id=text).first() or payments.filter(payment_id=text).first()
    if payment is None:
        refund = refunds.filter(refund_request_id=text).first() or refunds.filter(refund_id=text).first()
        if refund is not None:
            return refund
        order = Order.objects.filter(account=account, number=text).first()
        payment = live_payment(order) if order is not None else None
    if payment is not None and row_type == "CANCEL":
        return payment.cancels.exclude(status=CancelStatus.REFUSED).first() or payment
    return payment


def proposals(row: SettlementRow) -> list[Payment | Refund]:
    """What an open row of a settlement may belong to: never matched by itself, a person confirms.

    By the order it names, and by the payment that it names when its own ids are none of ours: what of them is not
    settled, and moves money the way the row does.
    """
    account = row.file.account
    orders = Order.objects.none()
    if row.reference_transaction_id:
        named = Q(number=row.reference_transaction_id) | Q(reference=row.reference_transaction_id)
        orders = Order.objects.filter(named, account=account)
    about = Q(order__in=orders.values("pk"))
    for field, text in (
        ("payment_id", row.transaction_id),
        ("payment_id", row.original_transaction_id),
        ("payment_request_id", row.transaction_request_id),
        ("payment_request_id", row.original_transaction_request_id),
    ):
        if text:
            about |= Q(**{field: text})
    payments = list(Payment.objects.filter(about, wallet_account__account=account).order_by("pk")[:PROPOSALS_AT_MOST])
    if (row.transaction_value or row.reported_value) < 0:
        settles_it = Match.objects.filter(role=Role.REFUND, is_settlement=True, refund=OuterRef("pk"))
        refunds = Refund.objects.filter(~Exists(settles_it), payment__in=payments, status=RefundStatus.SUCCEEDED)
        return list(refunds.select_related("payment").order_by("pk")[:PROPOSALS_AT_MOST])
    paid = [payment.pk for payment in payments if payment.status == PaymentStatus.SUCCEEDED]
    counting = Match.objects.filter(role=Role.PAYMENT, is_settlement=True, payment__in=paid)
    taken: set[int] = set(counting.values_list("payment_id", flat=True))
    return [payment for payment in payments if payment.pk in paid and payment.pk not in taken]


def open_discrepancies() -> QuerySet[Discrepancy]:
    """What waits for a person, oldest first."""
    return Discrepancy.objects.filter(COUNTING, closed_at=None).order_by("opened_at", "pk")


@dataclass(frozen=True)
class Step:
    """One step from gross to net."""

    label: str
    amount: Money
    is_sum: bool = False
    key: str = ""
    """By which ``rows_of_step`` finds its rows."""


def _types(*wanted: "Treatment | ExplanationKind") -> list[str]:
    return [name for name, known in ROW_TYPES.items() if known.treatment in wanted or known.explanation in wanted]


_PAID = _types(Treatment.PAYMENT)
_BACK = _types(Treatment.REFUND, Treatment.CANCEL)
_OWN_FEES, _RESERVE = _types(ExplanationKind.FEE), _types(ExplanationKind.RESERVE)
_DISPUTED = _types(Treatment.DISPUTE)


def rows_of_step(key: str) -> Q:
    """Which rows a step of ``waterfall`` is made of."""
    has_exchange = Discrepancy.objects.filter(row=OuterRef("pk"), reason=Reason.FX_DIFFERS).exclude(value=0)
    closes = Q(settlement_value=F("gross_value") + Coalesce(F("fees_value"), 0))
    conditions = {
        "gross": Q(transaction_type__in=_PAID),
        "refunds": Q(transaction_type__in=_BACK),
        "fees": Q(transaction_type__in=_OWN_FEES) | (Q(fees_value__isnull=False) & ~Q(fees_value=0)),
        "fx": Q(Exists(has_exchange.order_by())),
        "disputes": Q(transaction_type__in=_DISPUTED),
        "reserve": Q(transaction_type__in=_RESERVE),
        "other": ~Q(transaction_type__in=[*_PAID, *_BACK, *_OWN_FEES, *_DISPUTED, *_RESERVE])
        | Q(~closes, transaction_type__in=[*_PAID, *_BACK, *_DISPUTED]),
    }
    return conditions.get(key, Q())


def waterfall(batch: Batch) -> list[Step]:
    """From gross to net over the details of a batch; the steps between add up exactly."""
    falls = waterfalls(batch.rows.all())
    return falls.get(batch.currency) or _steps(batch.currency, {}, 0)


def waterfalls(rows: QuerySet[SettlementRow]) -> dict[str, list[Step]]:
    """The same over any settlement rows, by currency.

    Gross is at the rate the acquirer told when it happened, where it told one and settled at another: the rest is FX.
    """
    sums: dict[str, dict[str, int]] = {}
    nets: dict[str, int] = {}
    by_type = rows.order_by("currency").values_list("currency", "transaction_type")
    for currency, row_type, gross, fee, net in by_type.annotate(
        Sum("gross_value"), Sum("fees_value"), Sum("settlement_value")
    ):
        held = sums.setdefault(currency, {})
        nets[currency] = nets.get(currency, 0) + (net or 0)
        if row_type in _OWN_FEES or row_type in _RESERVE:
            key = "fees" if row_type in _OWN_FEES else "reserve"
            held[key] = held.get(key, 0) + (net or 0)
            continue
        held["fees"] = held.get("fees", 0) + (fee or 0)
        key = "gross" if row_type in _PAID else "refunds" if row_type in _BACK else "disputes"
        if row_type in (*_PAID, *_BACK, *_DISPUTED):
            held[key] = held.get(key, 0) + (gross or 0)
    exchanged = Discrepancy.objects.filter(row__in=rows.values("pk"), reason=Reason.FX_DIFFERS).exclude(value=0)
    for currency, row_type, value in (
        exchanged.order_by().values_list("currency", "row__transaction_type").annotate(Sum("value"))
    ):
        key = "gross" if row_type in _PAID else "refunds"
        sums[currency][key] = sums[currency].get(key, 0) - value
        sums[currency]["fx"] = sums[currency].get("fx", 0) + value
    return {currency: _steps(currency, held, nets[currency]) for currency, held in sums.items()}


def _steps(currency: str, held: dict[str, int], net: int) -> list[Step]:
    between = {
        "refunds": say("Refunds"),
        "fees": say("Fees"),
        "fx": "FX",
        "disputes": say("Disputes"),
        "reserve": say("Reserve"),
        "other": say("Other"),
    }
    held = {**held, "other": net - sum(held.values())}
    return [
        Step(say("Gross"), Money(held.get("gross", 0), currency), is_sum=True, key="gross"),
        *(Step(label, Money(held[key], currency), key=key) for key, label in between.items() if held.get(key)),
        Step(say("Net"), Money(net, currency), is_sum=True, key="net"),
    ]


def timeline(thing: Any) -> list[TimelineEntry]:
    """What the acquirer's reports said about an order, a payment, a refund or a cancel."""
    match thing:
        case Order():
            condition = Q(payment__order=thing)
        case Payment():
            condition = Q(payment=thing)
        case Refund():
            condition = Q(refund=thing)
        case Cancel():
            condition = Q(cancel=thing)
        case _:
            return []
    found = (
        Match.objects.filter(condition, row__superseded_by=None, row__file__status=FileStatus.IMPORTED)
        .select_related("row__batch", "row__file")
        .defer("row__file__content")
        .order_by("-row__file__imported_at", "-row__line_number")
    )
    return [_entry(match) for match in found]


def _entry(match: Match) -> TimelineEntry:
    row = match.row
    at = row.file.imported_at or row.file.tried_at
    file_link = (row.file.name, reverse("admin:reconciliation_reportfile_change", args=[row.file_id]))
    row_link = (
        say("line {line_number}", line_number=row.line_number),
        reverse("admin:reconciliation_settlementrow_change", args=[row.pk]),
    )
    amount = (
        say(" of {transaction_amount}", transaction_amount=row.transaction_amount)
        if row.transaction_amount is not None
        else ""
    )
    if row.batch is None:
        sentence = say(
            "Transaction details say {printed_status} for the {printed_type}{amount}.",
            printed_status=row.printed_status or say("no status"),
            printed_type=row.printed_type,
            amount=amount,
        )
        return TimelineEntry(
            at, sentence, tone="wait" if row.state == RowState.OPEN else "", links=(row_link, file_link)
        )
    batch_link = (
        say("batch {batch}", batch=row.batch),
        reverse("admin:reconciliation_batch_change", args=[row.batch_id]),
    )
    net = say("{net} net", net=row.net) if row.net is not None else say("no readable net")
    detail = say("Initiated on {initiated_on} (UTC+8).", initiated_on=row.batch.initiated_on)
    if row.fees_total is not None and row.gross_value is not None:
        gross = Money(row.gross_value, row.settlement_currency)
        detail = say(
            "Gross {gross}, fees {fees_total}. {detail}", gross=gross, fees_total=row.fees_total, detail=detail
        )
    match match.role:
        case Role.PAYMENT | Role.REFUND | Role.CANCEL:
            sentence, tone = say("{role} settled: {net}.", role=match.get_role_display(), net=net), "good"
        case Role.DISPUTE:
            sentence, tone = (
                say("{printed_type} taken from the settlement: {net}.", printed_type=row.printed_type, net=net),
                "bad",
            )
        case Role.REVERSAL:
            sentence, tone = (
                say("{printed_type} in the settlement: {net}.", printed_type=row.printed_type, net=net),
                "bad",
            )
        case Role.DUPLICATE:
            sentence, tone = say("Settled a second time: {net}.", net=net), "bad"
        case _:
            sentence, tone = say("A settlement row disagrees: {net}.", net=net), "bad"
    if row.state == RowState.OPEN:
        tone = "bad" if tone == "bad" else "wait"
    return TimelineEntry(at, sentence, detail, tone, (batch_link, row_link))
