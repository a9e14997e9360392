"""Many refunds wanted as one: read and previewed, started once, and worked line by line into ordinary refunds.

The parent promises nothing. Each line becomes one refund through ``refund``, whose promise writes the refund's id on
the line in the same transaction: a line has at most one refund, whoever works on it and whoever dies meanwhile. A line
that is refused says why, and stops nobody else; a person lets the refused and failed ones be tried again.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from payments.bulk_files import Said
from payments.models import BulkLine, BulkRefund, Order, Payment, Refund
from payments.operations.refunds import refund
from payments.queries import live_payment, refund_until
from payments.states import BulkStatus, LineStatus, PaymentStatus, ReasonCode, RefundStatus
from portal import approvals, catalogue, clock, due, journal
from portal.acquirer.wallets import Wallet
from portal.actor import Actor, ActorKind
from portal.errors import Conflict, InvalidInput, PortalError
from portal.idempotency import Remember
from portal.models import Approval
from portal.money import Money, MoneyError, parse_major

BULK_REFUND = "bulk refund"
"""The kind, for ``portal.approvals``: one request for all of it."""
_AT_ONCE = 500
_REASONS = {code.value: code for code in ReasonCode if code != ReasonCode.NO_FINAL_ANSWER}
_BY_LABEL = {str(code.label).lower(): code for code in _REASONS.values()}


def draft_bulk(
    name: str, said: Sequence[Said], *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None
) -> BulkRefund:
    """Keep what was wanted, with every line's problem named. Nothing goes back before it is started.

    ``reason_code`` and ``note`` are those of lines that say none. Raises InvalidInput where no line can be refunded,
    Conflict where the very same was given before.
    """
    found = _payments(said)
    methods = {place: method.facts() for place, method in catalogue.everything().items()}
    lines: list[BulkLine] = []
    seen: dict[int, int] = {}
    for one in said:
        lines.append(_line(one, found, seen, methods, reason_code, note))
    good = [line for line in lines if line.status == LineStatus.DRAFT]
    if not good:
        first = lines[0]
        raise InvalidInput(
            "None of the {count} lines can be refunded. Line {number}: {problem}",
            count=len(lines),
            number=first.number,
            problem=first.result,
        )
    totals: dict[str, int] = defaultdict(int)
    for line in good:
        totals[line.currency] += line.amount_value or 0
    bulk = BulkRefund(
        number=clock.fresh_id("BR"),
        name=name[:200],
        digest=_digest(good),
        totals=dict(totals),
        line_count=len(lines),
        note=note[:256],
        requester=approvals.person_of(by),
    )
    bulk.by(by)
    try:
        with transaction.atomic(durable=True):
            bulk.save()
            for line in lines:
                line.bulk = bulk
            BulkLine.objects.bulk_create(lines, batch_size=_AT_ONCE)
            after = {"lines": len(lines), "left out": len(lines) - len(good), "totals": _worded(bulk)}
            journal.write("prepare bulk refund", by=by, subject=bulk, note=note, after=after)
            if remember:
                remember(bulk)
    except IntegrityError:
        raise _known(_digest(good)) from None
    return bulk


def start_bulk(bulk: BulkRefund, *, by: Actor, remember: Remember | None = None) -> BulkRefund:
    """Let every good line become a refund. The worker does it; nothing is sent here.

    Raises ApprovalNeeded, and Conflict when it was started or discarded before.
    """
    with transaction.atomic(durable=True):
        held = BulkRefund.objects.select_for_update().get(pk=bulk.pk)
        if held.status != BulkStatus.DRAFT:
            raise Conflict("Nothing was done now: it is {status} already.", status=_status(held))
        lines = held.lines.filter(status=LineStatus.DRAFT)
        count = lines.count()
        approvals.permit(
            BULK_REFUND,
            "start",
            by=by,
            subject=held,
            params={"digest": held.digest, "lines": count, "totals": held.totals},
            sentence=f"{count} refunds from {held.name}: {', '.join(_worded(held))} goes back to their buyers.",
            note=held.note,
        )
        if _digest(lines.order_by("number")) != held.digest:
            raise Conflict("Its lines are not those that were previewed. Discard it and give the file again.")
        at = clock.now()
        lines.update(status=LineStatus.WAITING, due_at=at)
        BulkRefund.objects.filter(pk=held.pk).update(
            status=BulkStatus.STARTED,
            started_at=at,
            approval=by.approval,
            requester=approvals.person_of(by),
            actor_kind=str(by.kind),
            actor_name=by.name,
        )
        journal.write("start bulk refund", by=by, subject=held, note=held.note, after={"totals": _worded(held)})
        if remember:
            remember(held)
    bulk.refresh_from_db()
    return bulk


def stop_bulk(bulk: BulkRefund, *, by: Actor, note: str = "", remember: Remember | None = None) -> BulkRefund:
    """Make no further refund of it until somebody resumes it. What is promised is promised."""
    with transaction.atomic(durable=True):
        if not BulkRefund.objects.filter(pk=bulk.pk, status=BulkStatus.STARTED).update(status=BulkStatus.STOPPED):
            raise Conflict("It is not being done.")
        bulk.lines.filter(status=LineStatus.WAITING).update(due_at=None)
        journal.write("stop bulk refund", by=by, subject=bulk, note=note)
        if remember:
            remember(bulk)
    bulk.refresh_from_db()
    return bulk


def resume_bulk(bulk: BulkRefund, *, by: Actor, note: str = "", remember: Remember | None = None) -> BulkRefund:
    """Go on with what was stopped, and try anew what was refused or failed: a new refund each, as it was approved."""
    with transaction.atomic(durable=True):
        held = BulkRefund.objects.select_for_update().get(pk=bulk.pk)
        if held.status not in (BulkStatus.STOPPED, BulkStatus.STARTED, BulkStatus.FINISHED):
            raise Conflict("It was not started, or it was discarded.")
        again = held.lines.filter(to_try_again() | Q(status=LineStatus.WAITING, due_at__isnull=True))
        moved = again.update(
            status=LineStatus.WAITING, refund=None, result="", due_at=clock.now(), lease_until=None, attempts=0
        )
        if not moved:
            raise Conflict("There is nothing to try again: every refund is made, or being made.")
        BulkRefund.objects.filter(pk=held.pk).update(status=BulkStatus.STARTED, finished_at=None)
        journal.write("resume bulk refund", by=by, subject=held, note=note, after={"lines": moved})
        if remember:
            remember(held)
    bulk.refresh_from_db()
    return bulk


def discard_bulk(bulk: BulkRefund, *, by: Actor, note: str = "", remember: Remember | None = None) -> BulkRefund:
    """Forget one that was never started. Raises Conflict otherwise, and while it waits for approval."""
    with transaction.atomic(durable=True):
        waiting = Approval.objects.filter(kind=BULK_REFUND, subject_id=str(bulk.pk), status__in=("WAITING", "APPROVED"))
        if waiting.exists():
            raise Conflict("It waits for approval. Take the request back first.")
        if not BulkRefund.objects.filter(pk=bulk.pk, status=BulkStatus.DRAFT).update(status=BulkStatus.DISCARDED):
            raise Conflict("It was started, or discarded, already.")
        journal.write("discard bulk refund", by=by, subject=bulk, note=note)
        if remember:
            remember(bulk)
    bulk.refresh_from_db()
    return bulk


def work_line(pk: int) -> BulkLine:
    """Make the refund of a waiting line, by who wanted it. Safe to repeat and to do twice at once."""
    related = ("bulk", "payment__order", "payment__wallet_account__account")
    line = BulkLine.objects.select_related(*related).get(pk=pk)
    if line.status != LineStatus.WAITING or line.bulk.status != BulkStatus.STARTED:
        due.hold(line, due_at=None)
        return line
    payment = line.payment
    if payment is None:  # the database has no such line
        raise LookupError(f"{line} is about no payment")

    def remember(made: Refund) -> None:
        facts = {"refund": made, "due_at": None, "lease_until": None, "status": LineStatus.PROMISED, "result": ""}
        if not BulkLine.objects.filter(pk=line.pk, status=LineStatus.WAITING).update(**facts):
            raise Conflict("Somebody else makes this refund.")
        finish_if_done(line.bulk)  # with the promise: who dies at the wire comes back to no line of it

    try:
        refund(
            payment,
            Money(line.amount_value or 0, line.currency),
            by=_actor(line.bulk),
            reason_code=line.reason_code,
            note=line.note or line.bulk.note,
            remember=remember,
        )
    except PortalError as refusal:
        with transaction.atomic():
            BulkLine.objects.filter(pk=line.pk, status=LineStatus.WAITING).update(
                status=LineStatus.REFUSED, result=refusal.message[:300], due_at=None, lease_until=None
            )
            finish_if_done(line.bulk)
    line.refresh_from_db()
    return line


def finish_if_done(bulk: BulkRefund) -> None:
    """The parent is finished once no line waits."""
    if not bulk.lines.filter(status=LineStatus.WAITING).exists():
        BulkRefund.objects.filter(pk=bulk.pk, status=BulkStatus.STARTED).update(
            status=BulkStatus.FINISHED, finished_at=clock.now()
        )


def to_try_again() -> Q:
    """Lines that gave nothing back and may: refused before the wire, or finally failed at the acquirer."""
    return Q(status=LineStatus.REFUSED) | Q(status=LineStatus.PROMISED, refund__status=RefundStatus.FAILED)


def _actor(bulk: BulkRefund) -> Actor:
    return Actor(ActorKind(bulk.actor_kind), bulk.actor_name, bulk.requester_id, bulk.approval)


def _worded(bulk: BulkRefund) -> list[str]:
    return [str(amount) for amount in bulk.sums()]


def _status(bulk: BulkRefund) -> str:
    return str(bulk.get_status_display()).lower()


def _digest(lines: Iterable[BulkLine]) -> str:
    said = [[line.payment_id, line.amount_value, line.currency, line.reason_code, line.note] for line in lines]
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()


def _known(digest: str) -> Conflict:
    held = BulkRefund.objects.filter(digest=digest).exclude(status=BulkStatus.DISCARDED).first()
    return Conflict(
        "The very same was given already: {number}, {status}. If it is meant once more, say so in its notes.",
        number=held.number if held else "a bulk refund",
        status=_status(held) if held else "made a moment ago",
    )


# Reading a line.


def _payments(said: Sequence[Said]) -> dict[str, Payment | str]:
    """By the ids that were given: the payment each means, or why none is meant. Few queries, whatever the lines."""
    ids = sorted({one.id for one in said if one.id})
    found: dict[str, Payment | str] = {}
    related = ("order__buyer", "wallet_account__account")
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        orders = Order.objects.filter(Q(number__in=some) | Q(reference__in=some))
        by_key = {order.pk: order for order in orders}
        of_orders: dict[int, list[Payment]] = defaultdict(list)
        for payment in Payment.objects.filter(order__in=list(by_key)).select_related(*related).order_by("-pk"):
            of_orders[payment.order_id].append(payment)
        for order in by_key.values():
            payments = of_orders[order.pk]
            live = [one for one in payments if one.status in (PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED)]
            chosen: Payment | str = next(iter(live or payments), "nobody has paid this order")
            for key in (order.number, order.reference):
                if key in some:
                    is_clear = key not in found or key == order.number
                    found[key] = chosen if is_clear else "several orders have this reference; give the order's number"
        named = Payment.objects.filter(Q(payment_request_id__in=some) | Q(payment_id__in=some))
        for payment in named.select_related(*related):
            found[payment.payment_request_id] = payment
            if payment.payment_id:
                found[payment.payment_id] = payment
    return found


def _line(
    one: Said,
    found: dict[str, Payment | str],
    seen: dict[int, int],
    methods: dict[tuple[int, str], Wallet],
    reason_code: str,
    note: str,
) -> BulkLine:
    line = BulkLine(number=one.number, said=one.id[:80], said_amount=one.amount[:40], note=(one.note or note)[:256])
    payment = found.get(one.id, "there is no order and no payment with this id") if one.id else "it has no id"
    line.status = LineStatus.PROBLEM
    if isinstance(payment, str):
        line.result = _sentence(payment)
        return line
    line.payment, line.currency = payment, payment.currency
    reason = _reason(one.reason) if one.reason else reason_code
    wallet_account = payment.wallet_account
    amount, problem = _amount(one.amount, payment, methods.get((wallet_account.account_id, wallet_account.wallet)))
    if not problem and reason is None:
        problem = f"there is no reason {one.reason[:40]!r}; the reasons are {', '.join(_REASONS)}"
    if not problem and reason == ReasonCode.OTHER and not line.note:
        problem = "the reason OTHER needs a note"
    if not problem and payment.pk in seen:
        problem = f"line {seen[payment.pk]} is about the same payment"
    if problem or amount is None:
        line.result = _sentence(problem)
        return line
    seen[payment.pk] = one.number
    line.amount_value, line.reason_code, line.status = amount.value, reason or "", LineStatus.DRAFT
    return line


def _sentence(problem: str) -> str:
    return f"{problem[:1].upper()}{problem[1:]}."[:300]


def _reason(text: str) -> str | None:
    code = _REASONS.get(text.strip().upper().replace(" ", "_")) or _BY_LABEL.get(text.strip().lower())
    return code.value if code else None


def _amount(text: str, payment: Payment, method: Wallet | None) -> tuple[Money | None, str]:
    """What goes back, or a sentence part that says why it cannot. ``refund`` looks again when it comes to it."""
    if payment.status != PaymentStatus.SUCCEEDED:
        return None, f"the payment is {str(payment.get_status_display()).lower()}, not paid"
    left = payment.refundable
    if left.value == 0:
        return None, "everything was given back, or is on its way back"
    if not payment.payment_id:
        return None, "the acquirer's id of the payment is not known yet"
    until = refund_until(payment, method)
    if until is not None and clock.now() >= until:
        return None, f"the time for a refund ended {until:%d %b %Y}"
    try:
        amount = parse_major(text, payment.currency).payable() if text else left
        if method is not None:
            method.check_refund(amount, of=payment.amount)
    except MoneyError as reason:
        return None, str(reason).rstrip(".")
    if amount > left:
        return None, f"only {left} can still be given back"
    return amount, ""


def selection(things: Iterable[Any]) -> list[Said]:
    """What a person chose in a list, as lines."""
    said = []
    for number, thing in enumerate(things, start=1):
        payment = live_payment(thing) if isinstance(thing, Order) else thing
        said.append(Said(number, payment.payment_request_id if payment is not None else str(thing)))
    return said
