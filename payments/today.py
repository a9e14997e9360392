"""What payments show on the first page. Reads only; every question is bounded."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import CharField, Count, DateTimeField, Exists, Min, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone

from payments.models import Payment, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import clock, statements
from portal.acquirer.results import Advice
from portal.acquirer.wallets import name_of
from portal.actor import ActorKind
from portal.admin.display import brief, page_at
from portal.gather import Standing
from portal.models import Incident, name_where_several
from portal.money import Money
from portal.registry import TodayLine, TodayQueue, line_for_each
from portal.statements import Given
from portal.words import say

WAITING = timedelta(minutes=5)
"""Longer than this without an answer, and a person may want to look."""
_ALARMING = timedelta(hours=1)
_LINES_AT_MOST = 30
_LATELY = timedelta(days=1)
_REASONS_AT_MOST = 10

# The queue.


# Payments and refunds whose result nobody knows for longer than WAITING; those with an incident are said there.


def _unknown_payments() -> QuerySet[Payment, Any]:
    rows = Payment.objects.filter(status=PaymentStatus.PROCESSING, created_at__lt=Given("before", DateTimeField()))
    oldest = rows.exclude(_has_incident(Payment)).order_by("created_at")[:_LINES_AT_MOST]
    return oldest.values(
        "order__number",
        "wallet_account__wallet",
        "questions_asked",
        "amount_value",
        "currency",
        "pk",
        "created_at",
        account=name_where_several("wallet_account__account"),
    )


def _unknown_refunds() -> QuerySet[Refund, Any]:
    rows = Refund.objects.filter(status=RefundStatus.PROCESSING, created_at__lt=Given("before", DateTimeField()))
    oldest = rows.exclude(_has_incident(Refund)).order_by("created_at")[:_LINES_AT_MOST]
    return oldest.values(
        "refund_request_id",
        "payment__wallet_account__wallet",
        "amount_value",
        "currency",
        "pk",
        "created_at",
        account=name_where_several("payment__wallet_account__account"),
    )


def _long_ago() -> dict[str, datetime]:
    return {"before": clock.now() - WAITING}


def _has_incident(model: type[Model]) -> Exists:
    key = Cast(OuterRef("pk"), CharField(max_length=64))
    return Exists(
        Incident.objects.filter(closed_at__isnull=True, subject_type=model._meta.label, subject_id=key).order_by()
    )


def _tone(since: datetime) -> str:
    return "bad" if clock.now() - since >= _ALARMING else "wait"


def _wallet(code: str, account: str | None) -> str:
    """A wallet's name, and through which account, where there are several."""
    return say("{wallet} through {account}", wallet=name_of(code), account=account) if account else name_of(code)


def _payment_line(row: Mapping[str, Any]) -> TodayLine:
    asked = (
        say("asked once")
        if row["questions_asked"] == 1
        else say("asked {questions_asked} times", questions_asked=row["questions_asked"])
    )
    wallet = _wallet(row["wallet_account__wallet"], row["account"])
    return TodayLine(
        label=say("Unknown"),
        tone=_tone(row["created_at"]),
        sentence=say(
            "Payment of order {order_number}: {wallet}, {asked}, no final answer",
            order_number=brief(row["order__number"]),
            wallet=wallet,
            asked=asked,
        ),
        url=page_at(Payment._meta.label, row["pk"]),
        act_url=reverse("admin:payments_payment_act", args=(row["pk"], "ask")),
        action=say("Ask now"),
        since=row["created_at"],
        amount=str(Money(row["amount_value"], row["currency"])),
    )


def _refund_line(row: Mapping[str, Any]) -> TodayLine:
    return TodayLine(
        label=say("Unknown"),
        tone=_tone(row["created_at"]),
        sentence=say(
            "Refund {refund_request_id}: to {wallet}, no final answer",
            refund_request_id=brief(row["refund_request_id"]),
            wallet=_wallet(row["payment__wallet_account__wallet"], row["account"]),
        ),
        url=page_at(Refund._meta.label, row["pk"]),
        act_url=reverse("admin:payments_refund_act", args=(row["pk"], "ask_refund")),
        action=say("Ask now"),
        since=row["created_at"],
        amount=str(Money(row["amount_value"], row["currency"])),
    )


# Charges of the last day that failed and that a person can mend, one line for each reason. A buyer who sees "not enough
# money" mends it; nobody sees that our request was refused as wrong, or that a charge by the shop's server failed while
# the buyer was not there.


def _failures() -> QuerySet[Payment, Any]:
    reasons = _failed_for_a_person().values("result_code", "advice")
    return reasons.annotate(times=Count("pk"), first=Min("created_at"), one=Min("pk")).order_by("first")[
        :_REASONS_AT_MOST
    ]


def _reasons() -> QuerySet[Payment, Any]:
    return _failed_for_a_person().order_by().values("result_code", "advice").distinct()[:_REASONS_AT_MOST]


def _lately() -> dict[str, datetime]:
    return {"since": clock.now() - _LATELY}


def _failed_for_a_person() -> QuerySet[Payment]:
    since = Given("since", DateTimeField())
    failed = Payment.objects.filter(status=PaymentStatus.FAILED, created_at__gte=since, created_at__lt=statements.NEVER)
    ours = Q(advice__in=(Advice.FIX_REQUEST, Advice.CALL_SUPPORT))
    return failed.filter(ours | Q(actor_kind=ActorKind.MERCHANT_SERVER))


def _failure_line(row: Mapping[str, Any]) -> TodayLine:
    is_ours = row["advice"] in (Advice.FIX_REQUEST, Advice.CALL_SUPPORT)
    what = say("1 charge failed") if row["times"] == 1 else say("{times:,} charges failed", times=row["times"])
    means = say("our request or configuration is wrong") if is_ours else say("nobody was there to try again")
    url = reverse("admin:payments_payment_change", args=(row["one"],))
    if row["times"] > 1:
        yesterday = timezone.localdate(clock.now() - _LATELY)
        asked = urlencode({"ask": "failed", "day_from": yesterday.isoformat()})
        url = f"{reverse('admin:payments_payment_changelist')}?{asked}"
    return TodayLine(
        label=say("Failed"),
        tone="bad" if is_ours else "wait",
        sentence=say(
            "{what}: {result_code}, {means}", what=what, result_code=row["result_code"] or say("no code"), means=means
        ),
        url=url,
        action=say("Look"),
        since=row["first"],
    )


_PAYMENTS, _REFUNDS = Standing(_unknown_payments, _long_ago), Standing(_unknown_refunds, _long_ago)
QUEUES = {
    "payments": TodayQueue("payments.view_payment", [_PAYMENTS], _PAYMENTS, line_for_each(_payment_line)),
    "refunds": TodayQueue("payments.view_refund", [_REFUNDS], _REFUNDS, line_for_each(_refund_line)),
    "failures": TodayQueue(
        "payments.view_payment",
        [Standing(_reasons, _lately)],
        Standing(_failures, _lately),
        line_for_each(_failure_line),
    ),
}
"""What waits for a person, as the first page asks for it."""
