"""What payments show on the first page. Reads only; every question is bounded."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import CharField, Count, DateTimeField, Exists, Min, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone

from authorizations.models import secrets_of
from payments.models import Payment, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import clock
from portal.acquirer.results import Advice
from portal.acquirer.wallets import name_of
from portal.actor import ActorKind
from portal.admin.display import brief, page_of
from portal.gather import Standing
from portal.models import Incident
from portal.registry import TodayLine
from portal.statements import Given
from portal.words import say

WAITING = timedelta(minutes=5)
"""Longer than this without an answer, and a person may want to look."""
_ALARMING = timedelta(hours=1)
_LINES_AT_MOST = 30
_LATELY = timedelta(days=1)
_REASONS_AT_MOST = 10

# The queue.


def waiting() -> list[TodayLine]:
    """Payments and refunds whose result nobody knows for longer than WAITING; those with an incident are said there."""
    payments = (
        _unknown_payments(clock.now() - WAITING)
        .select_related("order", "wallet_account")
        .defer(*secrets_of("wallet_account"))
        .order_by("created_at")[:_LINES_AT_MOST]
    )
    refunds = (
        _unknown_refunds(clock.now() - WAITING)
        .select_related("payment__wallet_account")
        .defer(*secrets_of("payment__wallet_account"))
        .order_by("created_at")[:_LINES_AT_MOST]
    )
    return [*map(_payment_line, payments), *map(_refund_line, refunds)]


def _unknown_payments(before: datetime | Given) -> QuerySet[Payment]:
    rows = Payment.objects.filter(status=PaymentStatus.PROCESSING, created_at__lt=before)
    return rows.exclude(_has_incident(Payment))


def _unknown_refunds(before: datetime | Given) -> QuerySet[Refund]:
    rows = Refund.objects.filter(status=RefundStatus.PROCESSING, created_at__lt=before)
    return rows.exclude(_has_incident(Refund))


def _long_ago() -> dict[str, datetime]:
    return {"before": clock.now() - WAITING}


WAITING_ROWS = [
    (
        "payments.view_payment",
        Standing(lambda: _unknown_payments(Given("before", DateTimeField()))[:_LINES_AT_MOST], _long_ago),
    ),
    (
        "payments.view_refund",
        Standing(lambda: _unknown_refunds(Given("before", DateTimeField()))[:_LINES_AT_MOST], _long_ago),
    ),
]
"""What ``waiting`` has a line for."""


def _has_incident(model: type[Model]) -> Exists:
    key = Cast(OuterRef("pk"), CharField(max_length=64))
    return Exists(
        Incident.objects.filter(closed_at__isnull=True, subject_type=model._meta.label, subject_id=key).order_by()
    )


def _tone(since: datetime) -> str:
    return "bad" if clock.now() - since >= _ALARMING else "wait"


def _payment_line(payment: Payment) -> TodayLine:
    asked = (
        say("asked once")
        if payment.questions_asked == 1
        else say("asked {questions_asked} times", questions_asked=payment.questions_asked)
    )
    wallet = name_of(payment.wallet_account.wallet)
    return TodayLine(
        label=say("Unknown"),
        tone=_tone(payment.created_at),
        sentence=say(
            "Payment of order {order_number}: {wallet}, {asked}, no final answer",
            order_number=brief(payment.order.number),
            wallet=wallet,
            asked=asked,
        ),
        url=page_of(payment),
        act_url=reverse("admin:payments_payment_act", args=(payment.pk, "ask")),
        action=say("Ask now"),
        since=payment.created_at,
        amount=str(payment.amount),
    )


def _refund_line(refund: Refund) -> TodayLine:
    wallet = name_of(refund.payment.wallet_account.wallet)
    return TodayLine(
        label=say("Unknown"),
        tone=_tone(refund.created_at),
        sentence=say(
            "Refund {refund_request_id}: to {wallet}, no final answer",
            refund_request_id=brief(refund.refund_request_id),
            wallet=wallet,
        ),
        url=page_of(refund),
        act_url=reverse("admin:payments_refund_act", args=(refund.pk, "ask_refund")),
        action=say("Ask now"),
        since=refund.created_at,
        amount=str(refund.amount),
    )


def failures() -> list[TodayLine]:
    """Charges of the last day that failed and that a person can mend, one line for each reason.

    A buyer who sees "not enough money" mends it; nobody sees that our request was refused as wrong, or that a charge
    by the shop's server failed while the buyer was not there.
    """
    found = (
        _failed_for_a_person(clock.now() - _LATELY)
        .values("result_code", "advice")
        .annotate(times=Count("pk"), first=Min("created_at"), one=Min("pk"))
        .order_by("first")[:_REASONS_AT_MOST]
    )
    return [_failure_line(row) for row in found]


def _reasons(since: datetime | Given) -> QuerySet[Payment, Any]:
    return _failed_for_a_person(since).order_by().values("result_code", "advice").distinct()[:_REASONS_AT_MOST]


FAILURE_ROWS = [
    (
        "payments.view_payment",
        Standing(lambda: _reasons(Given("since", DateTimeField())), lambda: {"since": clock.now() - _LATELY}),
    )
]
"""What ``failures`` has a line for: each reason."""


def _failed_for_a_person(since: datetime | Given) -> QuerySet[Payment]:
    failed = Payment.objects.filter(status=PaymentStatus.FAILED, created_at__gte=since)
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
