"""Plans and subscriptions: parse, one operation, answer.

A buyer starts, pauses, resumes, skips, changes and cancels its own; the merchant's server those of its customers, and
it alone posts the amounts of metered plans. ``GET subscriptions?wallet_id=…`` names what ends when a wallet is revoked.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.request import Request
from rest_framework.response import Response

from authorizations.api.callers import BuyerCaller, refuse_merchants_questions, wallets_of
from authorizations.models import WalletAccount, secrets_of
from payments.api import recurring_forms as forms
from payments.api import recurring_shown as shown
from payments.errors import PlanNotOffered
from payments.models import Plan, Subscription
from payments.subscriptions import operations
from payments.subscriptions.queries import with_posted
from payments.subscriptions.states import RUNNING
from portal.api.callers import Caller, MerchantsOnly, caller_of
from portal.api.doors import Door
from portal.api.fields import Listing, Strict, read_body, read_query
from portal.api.once import once
from portal.api.pages import page
from portal.api.schema import Step, example, operation
from portal.errors import NotFound
from portal.idempotency import Remember
from portal.statements import Found, Given

TAG = "Subscriptions"
_AMOUNT = {"value": "49900", "currency": "PHP", "display": "499.00"}
_PLAN = {
    "code": "pass-monthly",
    "name": "Monthly pass",
    "sku": "pass",
    "amount": _AMOUNT,
    "currency": "PHP",
    "interval": "MONTH",
    "every": 1,
    "anchor_day": 31,
    "trial_days": 0,
    "charges": None,
    "zone": "Asia/Manila",
}
_SUBSCRIPTION: dict[str, Any] = {
    "id": "S20260314T8W1RQ7M3X9CZ4VBN05K",
    "status": "ACTIVE",
    "status_text": "Active",
    "plan": _PLAN,
    "customer": "customer-8812",
    "reference": "",
    "wallet_id": "W2026031407QZ5XKT3B8N4M2R6VYC",
    "wallet": "GCASH",
    "name": "GCash",
    "label": "63-9****31111",
    "most": None,
    "next_on": "2026-04-30",
    "next_at": "2026-04-30T02:00:00Z",
    "next_amount": _AMOUNT,
    "next_plan": None,
    "ends_with_period": False,
    "ends_on": None,
    "trouble": None,
    "grace_until": None,
    "past_due_until": None,
    "started_at": "2026-03-14T02:42:40.770000Z",
    "ended_at": None,
    "end": None,
}
_CYCLE = {
    "due_on": "2026-03-31",
    "status": "PAID",
    "status_text": "Paid",
    "amount": _AMOUNT,
    "order": "O20260331D9F3H7K1M5P8R2T6W0Y4",
    "next_try_at": None,
}
_WHOLE = _SUBSCRIPTION | {"cycles": [_CYCLE]}
_ENDED_AT = "2026-04-02T08:00:00.120000Z"
_PAUSED = _WHOLE | {"status": "PAUSED", "status_text": "Paused", "next_on": None, "next_at": None, "next_amount": None}
_OVER = _PAUSED | {"status": "CANCELLED", "status_text": "Cancelled", "ended_at": _ENDED_AT, "end": "CANCELLED"}
_UNFIT = ("wallet_not_active", "wallet_not_contracted", "wrong_currency", "amount_not_allowed", "plan_not_offered")


def _next(place: str = "/id") -> tuple[Step, ...]:
    """What may follow an answer that holds a subscription's id at this place."""
    return (
        Step("get_subscription", "Ask how it stands.", {"subscription_id": place}),
        Step("cancel_subscription", "End it.", {"subscription_id": place}),
    )


def plans_of(caller: Caller) -> QuerySet[Plan]:
    """What the caller's account offers."""
    return Plan.objects.filter(account=caller.account, is_offered=True).select_related("product")


def subscriptions_of(caller: Caller) -> QuerySet[Subscription]:
    """The caller's subscriptions, with all that is shown of them."""
    rows = _shown()
    if isinstance(caller, BuyerCaller):
        return rows.filter(buyer=caller.buyer)
    return rows.filter(account=caller.account)


def _shown() -> QuerySet[Subscription]:
    related = ("plan__product", "next_plan", "wallet_account", "buyer", "account")
    rows: QuerySet[Subscription] = with_posted(Subscription.objects.all())
    return rows.select_related(*related).defer(*secrets_of("wallet_account"))


_BUYERS_OWN = Found(lambda: _shown().filter(number=Given("number"), buyer_id=Given("buyer")).order_by())
_ACCOUNTS_OWN = Found(lambda: _shown().filter(number=Given("number"), account_id=Given("account")).order_by())


def subscription_of(caller: Caller, number: str) -> Subscription:
    """The caller's subscription of that id. Raises NotFound; somebody else's is not there."""
    if isinstance(caller, BuyerCaller):
        subscription = _BUYERS_OWN.first(number=number, buyer=caller.buyer.pk)
    else:
        subscription = _ACCOUNTS_OWN.first(number=number, account=caller.account.pk)
    if subscription is None:
        raise NotFound(thing="subscription", key=number)
    return subscription


def _plan_of(caller: Caller, code: str) -> Plan:
    plan = plans_of(caller).filter(code=code).first()
    if plan is None:
        raise PlanNotOffered(field="plan", problem="", plan=code)
    return plan


def _wallet_of(caller: Caller, wallet_id: str, customer: str = "") -> WalletAccount:
    rows = wallets_of(caller)
    wallet = (rows.filter(buyer__reference=customer) if customer else rows).filter(public_id=wallet_id).first()
    if wallet is None:
        raise NotFound(thing="wallet", key=wallet_id, field="wallet")
    return wallet


class Plans(Door):
    """What is offered again and again."""

    @operation(
        "list_plans",
        summary="List the plans",
        text="What can be subscribed to, by name.",
        tag=TAG,
        query=Listing,
        answers={200: (shown.PlanPage, "One page.")},
        examples=[example("plans", {"items": [_PLAN], "next_cursor": None}, status=200)],
    )
    def get(self, request: Request) -> Response:
        query = read_query(request, Listing)
        items, next_cursor = page(plans_of(caller_of(request)), query, by="name")
        return Response(shown.PlanPage({"items": items, "next_cursor": next_cursor}).data)


class Subscriptions(Door):
    """Subscriptions."""

    places = {"plan": "plan", "wallet": "wallet_id", "most": "most", "ends_on": "ends_on", "amount": "most"}

    @operation(
        "list_subscriptions",
        summary="List the subscriptions",
        text=(
            "A buyer's own, or those of all the customers of the merchant key's account, newest first, each with the "
            "day and amount of its next charge. With `wallet_id`, those that run on that wallet and end when it is "
            "revoked: name them before you revoke it. With `wallet_id` and `status`, those in that state."
        ),
        tag=TAG,
        query=forms.SubscriptionQuery,
        answers={200: (shown.SubscriptionPage, "One page.")},
        leads_to={200: _next("/items/0/id")},
        examples=[example("subscriptions", {"items": [_SUBSCRIPTION], "next_cursor": None}, status=200)],
    )
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        query = read_query(request, forms.SubscriptionQuery)
        refuse_merchants_questions(caller, query)
        rows = subscriptions_of(caller)
        columns = {
            "status": "status",
            "customer": "buyer__reference",
            "reference": "reference",
            "wallet_id": "wallet_account__public_id",
        }
        for name, column in columns.items():
            if name in query:
                rows = rows.filter(**{column: query[name]})
        if "wallet_id" in query and "status" not in query:
            rows = rows.filter(status__in=RUNNING)
        items, next_cursor = page(rows, query, by="-started_at")
        return Response(shown.SubscriptionPage({"items": items, "next_cursor": next_cursor}).data)

    @operation(
        "start_subscription",
        summary="Start a subscription",
        text=(
            "From now on the wallet is charged on each due date of the plan, without the buyer. The first charge may "
            "be due at once; ask for the subscription to see it. Of a metered plan, `most` is what the buyer agrees to."
        ),
        tag=TAG,
        takes=PolymorphicProxySerializer(
            component_name="SubscriptionWanted",
            serializers=[forms.SubscriptionByBuyer, forms.SubscriptionByMerchant],
            resource_type_field_name=None,
        ),
        answers={201: (shown.SubscriptionDetail, "The subscription.")},
        has_key=True,
        refuses=(*_UNFIT, "not_found", "conflict"),
        leads_to={201: _next()},
        examples=[
            example("by a buyer", {"plan": "pass-monthly", "wallet_id": _SUBSCRIPTION["wallet_id"]}),
            example(
                "metered, by the merchant's server",
                {
                    "customer": "customer-8812",
                    "plan": "electricity",
                    "wallet_id": _SUBSCRIPTION["wallet_id"],
                    "most": {"value": "500000", "currency": "PHP"},
                    "reference": "METER-0042",
                },
            ),
            example("started", _WHOLE | {"cycles": []}, status=201),
        ],
    )
    def post(self, request: Request) -> Response:
        caller = caller_of(request)
        begun, headers = once(
            request,
            lambda remember: _start(request, caller, remember),
            again=lambda row_id: subscriptions_of(caller).get(pk=row_id),
        )
        answer = shown.SubscriptionDetail(subscription_of(caller, begun.number)).data
        return Response(answer, status=201, headers=headers)


def _start(request: Request, caller: Caller, remember: Remember) -> Subscription:
    by_buyer = isinstance(caller, BuyerCaller)
    given = read_body(request, forms.SubscriptionByBuyer if by_buyer else forms.SubscriptionByMerchant)
    wallet = _wallet_of(caller, given["wallet_id"], given.get("customer", ""))
    return operations.start(
        wallet.buyer,
        _plan_of(caller, given["plan"]),
        wallet,
        by=caller.actor,
        most=given.get("most"),
        ends_on=given.get("ends_on"),
        reference=given.get("reference", ""),
        remember=remember,
    )


class SubscriptionOne(Door):
    """One subscription."""

    @operation(
        "get_subscription",
        summary="Ask for a subscription",
        text="With the day and amount of its next charge, and its newest dates.",
        tag=TAG,
        answers={200: (shown.SubscriptionDetail, "The subscription as it is now.")},
        refuses=("not_found",),
        examples=[example("active", _WHOLE, status=200)],
    )
    def get(self, request: Request, subscription_id: str) -> Response:
        return Response(shown.SubscriptionDetail(subscription_of(caller_of(request), subscription_id)).data)


Verb = Callable[[Caller, Subscription, dict[str, Any], Remember], Any]


def _done(request: Request, number: str, form: type[Strict], verb: Verb) -> Response:
    """Do one thing to the caller's subscription, once per Idempotency-Key, and answer with it as it is then."""
    caller = caller_of(request)
    subscription = subscription_of(caller, number)
    given = read_body(request, form)
    _, headers = once(
        request, lambda remember: verb(caller, subscription, given, remember), again=lambda row_id: subscription
    )
    return Response(shown.SubscriptionDetail(subscription_of(caller, number)).data, headers=headers)


class _Empty(Strict):
    """An empty object."""


class SubscriptionPause(Door):
    """Pausing."""

    @operation(
        "pause_subscription",
        summary="Pause a subscription",
        text="No cycle opens until it is resumed. Not while a charge of it is being made or is unpaid.",
        tag=TAG,
        takes=_Empty,
        answers={200: (shown.SubscriptionDetail, "The subscription, PAUSED.")},
        has_key=True,
        refuses=("not_found", "subscription_not_possible"),
        examples=[example("so", {}), example("paused", _PAUSED, status=200)],
    )
    def post(self, request: Request, subscription_id: str) -> Response:
        return _done(
            request,
            subscription_id,
            _Empty,
            lambda caller, it, given, remember: operations.pause(it, by=caller.actor, remember=remember),
        )


class SubscriptionResume(Door):
    """Resuming."""

    @operation(
        "resume_subscription",
        summary="Resume a subscription",
        text=(
            "Cycles open again, from the next date on that has not passed; nothing is made up for. A cancel at "
            "PERIOD_END is taken back."
        ),
        tag=TAG,
        takes=_Empty,
        answers={200: (shown.SubscriptionDetail, "The subscription, ACTIVE.")},
        has_key=True,
        refuses=("not_found", "subscription_not_possible"),
        examples=[example("so", {}), example("active", _WHOLE, status=200)],
    )
    def post(self, request: Request, subscription_id: str) -> Response:
        return _done(
            request,
            subscription_id,
            _Empty,
            lambda caller, it, given, remember: operations.resume(it, by=caller.actor, remember=remember),
        )


class SubscriptionSkip(Door):
    """Skipping one."""

    places = {"due_on": "due_on"}

    @operation(
        "skip_cycle",
        summary="Skip the next charge",
        text="Nothing is charged on that day; the one after it is.",
        tag=TAG,
        takes=forms.SkipGiven,
        answers={200: (shown.SubscriptionDetail, "The subscription, with its next date moved.")},
        has_key=True,
        refuses=("not_found", "subscription_not_possible", "no_such_due_date"),
        examples=[example("the next one", {"due_on": "2026-04-30"}), example("skipped", _WHOLE, status=200)],
    )
    def post(self, request: Request, subscription_id: str) -> Response:
        return _done(
            request,
            subscription_id,
            forms.SkipGiven,
            lambda caller, it, given, remember: operations.skip(
                it, given["due_on"], by=caller.actor, remember=remember
            ),
        )


class SubscriptionChange(Door):
    """Changing plan or wallet."""

    places = {"plan": "plan", "wallet": "wallet_id", "most": "most", "amount": "most"}

    @operation(
        "change_subscription",
        summary="Change plan or wallet",
        text=(
            "Another plan counts from the next cycle on, which keeps its date; naming the present plan takes a change "
            "back, or with another most lets that count from the next cycle on. Another wallet counts at once, and "
            "what is unpaid is tried with it. One of the two in one request."
        ),
        tag=TAG,
        takes=forms.ChangeGiven,
        answers={200: (shown.SubscriptionDetail, "The subscription as it is now.")},
        has_key=True,
        refuses=(*_UNFIT, "not_found", "subscription_not_possible"),
        examples=[
            example("another wallet", {"wallet_id": _SUBSCRIPTION["wallet_id"]}),
            example("changed", _WHOLE, status=200),
        ],
    )
    def post(self, request: Request, subscription_id: str) -> Response:
        return _done(request, subscription_id, forms.ChangeGiven, _change)


def _change(caller: Caller, it: Subscription, given: dict[str, Any], remember: Remember) -> Any:
    if "plan" in given:
        # The present one is known whether or not it is still offered: it takes a change back.
        plan = it.plan if given["plan"] == it.plan.code else _plan_of(caller, given["plan"])
        return operations.change_plan(it, plan, by=caller.actor, most=given.get("most"), remember=remember)
    wallet = _wallet_of(caller, given["wallet_id"], it.buyer.reference)
    return operations.change_wallet(it, wallet, by=caller.actor, remember=remember)


class SubscriptionCancel(Door):
    """Ending it."""

    @operation(
        "cancel_subscription",
        summary="Cancel a subscription",
        text=(
            "NOW: no charge is made any more, and what is unpaid is withdrawn; a charge that is on its way ends as it "
            "ends. PERIOD_END: it runs until the next charge would fall due. Nothing is given back by it."
        ),
        tag=TAG,
        takes=forms.CancelGiven,
        answers={200: (shown.SubscriptionDetail, "The subscription as it is now.")},
        has_key=True,
        refuses=("not_found",),
        examples=[
            example("now", {}),
            example("at the end", {"at": "PERIOD_END"}),
            example("cancelled", _OVER, status=200),
        ],
    )
    def post(self, request: Request, subscription_id: str) -> Response:
        return _done(
            request,
            subscription_id,
            forms.CancelGiven,
            lambda caller, it, given, remember: operations.cancel(
                it,
                by=caller.actor,
                at_period_end=given.get("at") == forms.PERIOD_END,
                note=given.get("note", ""),
                remember=remember,
            ),
        )


class SubscriptionAmounts(Door):
    """Metered amounts."""

    places = {"amount": "amount", "due_on": "due_on"}

    @operation(
        "post_amount",
        summary="Post a metered amount",
        text=(
            "What the cycle of a due date costs. Before that date it may be posted anew; after it, the cycle is "
            "charged at once. Without one until the next date, nothing is charged. For merchant keys only."
        ),
        tag=TAG,
        takes=forms.AmountPosted,
        answers={200: (shown.SubscriptionDetail, "The subscription as it is now.")},
        has_key=True,
        refuses=(
            "not_found",
            "merchants_only",
            "subscription_not_possible",
            "no_such_due_date",
            "amount_above_agreed",
            "amount_not_allowed",
            "wallet_not_contracted",
            "wrong_currency",
        ),
        examples=[
            example("April's", {"due_on": "2026-04-30", "amount": {"value": "123450", "currency": "PHP"}}),
            example("posted", _WHOLE, status=200),
        ],
    )
    def post(self, request: Request, subscription_id: str) -> Response:
        subscription_of(caller_of(request), subscription_id)
        if isinstance(caller_of(request), BuyerCaller):
            raise MerchantsOnly
        return _done(request, subscription_id, forms.AmountPosted, _post)


def _post(caller: Caller, it: Subscription, given: dict[str, Any], remember: Remember) -> Any:
    return operations.post_amount(it, given["due_on"], given["amount"], by=caller.actor, remember=remember)
