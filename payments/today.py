"""What payments show on the first page and find in the search. Reads only; every question is bounded."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from payments.models import Order, Payment, Product, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import clock
from portal.acquirer.wallets import name_of
from portal.admin.display import brief, page_of
from portal.models import Incident
from portal.money import Money
from portal.registry import Panel, TodayLine

WAITING = timedelta(minutes=5)
"""Longer than this without an answer, and a person may want to look."""
_ALARMING = timedelta(hours=1)
_LINES_AT_MOST = 30
_DAYS = 7
_CURRENCIES_AT_MOST = 8
_HITS_AT_MOST = 20

# The queue.


def waiting() -> list[TodayLine]:
    """Payments and refunds whose result nobody knows for longer than WAITING; those with an incident are said there."""
    latest = clock.now() - WAITING
    reported = {
        label: Incident.objects.filter(closed_at__isnull=True, subject_type=label).values_list("subject_id", flat=True)
        for label in (Payment._meta.label, Refund._meta.label)
    }
    payments = (
        Payment.objects.filter(status=PaymentStatus.PROCESSING, created_at__lt=latest)
        .exclude(pk__in=_numbers(reported[Payment._meta.label]))
        .select_related("order", "wallet_account")
        .order_by("created_at")[:_LINES_AT_MOST]
    )
    refunds = (
        Refund.objects.filter(status=RefundStatus.PROCESSING, created_at__lt=latest)
        .exclude(pk__in=_numbers(reported[Refund._meta.label]))
        .select_related("payment__wallet_account")
        .order_by("created_at")[:_LINES_AT_MOST]
    )
    return [*map(_payment_line, payments), *map(_refund_line, refunds)]


def _numbers(keys: Iterable[str]) -> list[int]:
    return [int(key) for key in keys if key.isdecimal()]


def _tone(since: datetime) -> str:
    return "bad" if clock.now() - since >= _ALARMING else "wait"


def _payment_line(payment: Payment) -> TodayLine:
    asked = "asked once" if payment.questions_asked == 1 else f"asked {payment.questions_asked} times"
    wallet = name_of(payment.wallet_account.wallet)
    return TodayLine(
        label="Unknown",
        tone=_tone(payment.created_at),
        sentence=f"Payment of order {brief(payment.order.number)}: {wallet}, {asked}, no final answer",
        url=page_of(payment),
        act_url=reverse("admin:payments_payment_act", args=(payment.pk, "ask")),
        action="Ask now",
        since=payment.created_at,
        amount=str(payment.amount),
    )


def _refund_line(refund: Refund) -> TodayLine:
    wallet = name_of(refund.payment.wallet_account.wallet)
    return TodayLine(
        label="Unknown",
        tone=_tone(refund.created_at),
        sentence=f"Refund {brief(refund.refund_request_id)}: to {wallet}, no final answer",
        url=page_of(refund),
        act_url=reverse("admin:payments_refund_act", args=(refund.pk, "ask_refund")),
        action="Ask now",
        since=refund.created_at,
        amount=str(refund.amount),
    )


# The figures.


def figures() -> list[Panel]:
    """Paid per currency and day, and the week by wallet. Currencies stand beside each other and never add up."""
    zone = timezone.get_default_timezone()
    today = timezone.localtime(clock.now(), zone).date()
    first = today - timedelta(days=_DAYS - 1)
    since = timezone.make_aware(datetime.combine(first, time.min), zone)
    paid = Q(paid_at__isnull=False)
    per_day = (
        Payment.objects.filter(created_at__gte=since)
        .values("currency", day=TruncDate("created_at", tzinfo=zone))
        .annotate(value=Sum("amount_value", filter=paid, default=0), times=Count("pk", filter=paid))
        .order_by()
    )
    days = [first + timedelta(days=index) for index in range(_DAYS)]
    values: dict[str, dict[date, tuple[int, int]]] = {}
    for row in per_day:
        values.setdefault(row["currency"], {})[row["day"]] = (row["value"], row["times"])
    currencies: list[dict[str, Any]] = [
        {
            "total": Money(sum(value for value, _ in by_day.values()), currency),
            "times": sum(times for _, times in by_day.values()),
            "bars": _bars([(day, *by_day.get(day, (0, 0))) for day in days], currency, today),
        }
        for currency, by_day in values.items()
    ]
    currencies.sort(key=lambda row: row["times"], reverse=True)
    if not currencies:
        return []
    permission = "payments.view_payment"
    return [
        Panel(
            title="Paid",
            note=f"last {_DAYS} days",
            template="payments/paid.html",
            context={"currencies": currencies[:_CURRENCIES_AT_MOST], "zone": settings.TIME_ZONE},
            permission=permission,
        ),
        Panel(
            title="By wallet",
            note=f"last {_DAYS} days",
            template="payments/by_wallet.html",
            context={"wallets": _by_wallet(since)},
            permission=permission,
            columns=12,
        ),
    ]


_BAR, _GAP, _HEIGHT = 15, 4, 44


def _bars(days: list[tuple[date, int, int]], currency: str, today: date) -> list[dict[str, Any]]:
    """The rectangles of one currency's chart, in the units of its view box; heights are shares of its best day."""
    most = max((value for _, value, _ in days), default=0)
    bars: list[dict[str, Any]] = []
    for index, (day, value, times) in enumerate(days):
        height = max(3, value * _HEIGHT // most) if value else 2
        bars.append(
            {
                "x": index * (_BAR + _GAP),
                "y": _HEIGHT - height,
                "width": _BAR,
                "height": height,
                "tone": "none" if not value else "now" if day == today else "",
                "title": f"{day:%a} {day.day} {day:%b}: {Money(value, currency)}, {times} paid",
            }
        )
    return bars


def _by_wallet(since: datetime) -> list[dict[str, Any]]:
    final = ~Q(status__in=(PaymentStatus.INITIATED, PaymentStatus.PROCESSING))
    paid = Q(paid_at__isnull=False)
    rows = (
        Payment.objects.filter(created_at__gte=since)
        .values("currency", wallet=F("wallet_account__wallet"))
        .annotate(
            times=Count("pk"),
            final=Count("pk", filter=final),
            paid=Count("pk", filter=paid),
            value=Sum("amount_value", filter=paid, default=0),
        )
        .order_by("-times", "wallet")
    )
    refunds = (
        Refund.objects.filter(created_at__gte=since, status=RefundStatus.SUCCEEDED)
        .values("currency", wallet=F("payment__wallet_account__wallet"))
        .annotate(value=Sum("amount_value"))
        .order_by()
    )
    given_back = {(row["wallet"], row["currency"]): row["value"] for row in refunds}
    return [
        {
            "name": name_of(row["wallet"]),
            "times": row["times"],
            "share": row["paid"] * 1000 // row["final"] / 10 if row["final"] else None,
            "width": row["paid"] * 56 // row["final"] if row["final"] else 0,
            "paid": Money(row["value"], row["currency"]),
            "refunded": Money(given_back.get((row["wallet"], row["currency"]), 0), row["currency"]),
        }
        for row in rows
    ]


# The search.


def search(text: str) -> list[tuple[str, str, str]]:
    """Exact ids first: a refund's own page, a payment's, an order's; then what is sold under this number."""
    refund = Refund.objects.filter(Q(refund_request_id=text) | Q(refund_id=text)).first()
    if refund is not None:
        return [("Refund", f"{refund} · {refund.amount} · {refund.get_status_display()}", page_of(refund))]
    payment = Payment.objects.filter(Q(payment_request_id=text) | Q(payment_id=text)).first()
    if payment is not None:
        return [("Payment", f"{payment} · {payment.amount} · {payment.get_status_display()}", page_of(payment))]
    orders = _orders(number=text) or _orders(reference=text) or _orders(payments__cancels__cancel_id=text)
    if orders:
        return orders
    theirs = [*_orders(buyer__reference=text), *_orders(payments__wallet_account__login_label=text)]
    products = Product.objects.filter(sku=text)[:_HITS_AT_MOST]
    return [*theirs[:_HITS_AT_MOST], *(("Product", str(product), page_of(product)) for product in products)]


def _orders(**where: str) -> list[tuple[str, str, str]]:
    """Orders by one column: each is looked up by its own index, where one OR over joined tables would read them all."""
    found = Order.objects.filter(pk__in=Order.objects.filter(**where).order_by().values("pk"))[:_HITS_AT_MOST]
    return [("Order", f"{order} · {order.amount} · {order.get_status_display()}", page_of(order)) for order in found]
