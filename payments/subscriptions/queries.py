"""Questions about subscriptions; nothing here writes."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from authorizations import queries as authorization_queries
from authorizations.models import WalletAccount
from payments.models import Cycle, Subscription
from payments.states import OrderStatus
from payments.subscriptions.states import RUNNING, UNPAID, CycleStatus


def due_subscriptions() -> QuerySet[Subscription]:
    """Those with a moment at which the clock must look: a cycle opens, or a time is over."""
    return Subscription.objects.filter(due_at__isnull=False)


def due_cycles() -> QuerySet[Cycle]:
    """Cycles to be charged or tried again; and of those that wait for somebody, the ones about which there is news.

    What waits is due from the moment it began to, and is found here once the buyer has agreed again, the order was paid
    or withdrawn by somebody, or the subscription is over: nothing has to be woken for that.
    """
    agreed_again = WalletAccount.objects.filter(
        authorization_queries.debitable(),
        buyer=OuterRef("subscription__buyer"),
        wallet=OuterRef("subscription__wallet_account__wallet"),
    )
    waits_for_somebody = Q(status__in=(CycleStatus.NEEDS_CONSENT, CycleStatus.FAILED))
    is_news = ~Q(order__status=OrderStatus.INIT) | ~Q(subscription__status__in=RUNNING)
    return Cycle.objects.filter(
        Q(status__in=(CycleStatus.CHARGING, CycleStatus.RETRYING))
        | Q(Exists(agreed_again), status=CycleStatus.NEEDS_CONSENT)
        | (waits_for_somebody & is_news)
    )


def stopping_with(wallet_account: WalletAccount) -> QuerySet[Subscription]:
    """The subscriptions that end when this wallet is revoked."""
    rows = Subscription.objects.filter(wallet_account=wallet_account, status__in=RUNNING)
    return rows.select_related("plan").order_by("pk")


def with_posted(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows with what is posted for the next date of each, if anything: ``posted_value``, in minor units."""
    of_next = Cycle.objects.filter(subscription=OuterRef("pk"), number=OuterRef("next_number"))
    posted = of_next.filter(status=CycleStatus.PLANNED).values("amount_value")
    found: QuerySet[Any] = rows.annotate(posted_value=Subquery(posted))
    return found


def unpaid() -> QuerySet[Subscription]:
    """Subscriptions with a cycle that was not paid when it was due."""
    return Subscription.objects.filter(status__in=UNPAID)
