"""Products, orders, paying, calling off, refunding: parse, one operation, answer."""

from functools import partial
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ErrorDetail, ValidationError

from authorizations.api.callers import BuyerCaller, refuse_merchants_questions, terminal_of, terminal_type_of
from authorizations.models import WalletAccount
from authorizations.operations.buyers import meet
from payments import operations
from payments.api import forms, shown
from payments.api.callers import order_alone, order_and_wallet, order_of, orders_of, products_of, refunds_of
from payments.errors import RefundNotPossible
from payments.models import Order, Payment
from payments.operations.calling_off import call_off
from payments.states import OrderStatus, PaymentStatus
from payments.subscriptions.operations import pay_by_hand
from portal.acquirer import TerminalType
from portal.api.callers import Caller, MerchantsOnly, caller_of, one
from portal.api.doors import Door
from portal.api.fields import read_body, read_query
from portal.api.fields import shown as as_shown
from portal.api.once import once
from portal.api.pages import page
from portal.api.schema import Step, example, operation
from portal.errors import NotFound
from portal.idempotency import Remember

BUYER_REQUEST = "BUYER_REQUEST"

_AMOUNT = {"value": "49900", "currency": "PHP", "display": "499.00"}
_PAYMENT = {
    "id": "P2026031405K8W1RQ7M3X9CZT4VBN",
    "status": "PAID",
    "reason": None,
    "amount": _AMOUNT,
    "returned": _AMOUNT | {"value": "0", "display": "0.00"},
    "wallet_id": "W2026031407QZ5XKT3B8N4M2R6VYC",
    "wallet": "GCASH",
    "name": "GCash",
    "label": "63-9****31111",
    "created_at": "2026-03-14T02:43:01.004000Z",
    "paid_at": "2026-03-14T02:43:02Z",
}
_PLACED: dict[str, Any] = {
    "number": "O20260314D9F3H7K1M5P8R2T6W0Y4",
    "status": "INIT",
    "status_text": "To be paid",
    "amount": _AMOUNT,
    "description": "Monthly pass",
    "reference": "",
    "customer": "customer-8812",
    "items": [{"sku": "pass", "name": "Monthly pass", "quantity": 1, "unit_amount": _AMOUNT}],
    "created_at": "2026-03-14T02:42:40.770000Z",
    "paid_at": None,
    "closed_at": None,
    "payment": None,
    "cancel": None,
    "refunds": [],
}
_PAID = _PLACED | {
    "status": "PAID",
    "status_text": "Paid",
    "paid_at": "2026-03-14T02:43:02Z",
    "payment": _PAYMENT,
}
_CANCELLED = _PLACED | {
    "status": "CANCELLED",
    "status_text": "Cancelled",
    "closed_at": "2026-03-14T02:50:00.120000Z",
}
_PENDING = _PAYMENT | {"status": "PENDING", "paid_at": None}
_REFUSED = _PENDING | {
    "status": "FAILED",
    "reason": {
        "code": "USER_BALANCE_NOT_ENOUGH",
        "text": "There is not enough money in the wallet. Top it up, or use another one.",
        "action": "choose_another_wallet",
    },
}
_REFUND = {
    "id": "R20260316Q8S2V6X0Z4B7D1F5H9J3",
    "order": _PLACED["number"],
    "payment": _PAYMENT["id"],
    "status": "SUCCEEDED",
    "amount": _AMOUNT | {"value": "20000", "display": "200.00"},
    "reason_code": "BUYER_REQUEST",
    "created_at": "2026-03-16T07:00:00.411000Z",
    "refunded_at": "2026-03-16T07:00:01Z",
}
_PRODUCT = {
    "sku": "pass",
    "name": "Monthly pass",
    "description": "Thirty days of everything.",
    "is_digital": True,
    "prices": [_AMOUNT],
}


def _next(*, number: str) -> tuple[Step, ...]:
    """What may follow an answer that holds an order's number at this place."""
    return (
        Step("get_order", "Ask what has become of it.", {"number": number}),
        Step("pay_order", "Pay it with a bound wallet.", {"number": number}),
        Step("cancel_order", "Call it off.", {"number": number}),
        Step("refund_order", "Give back a part or all of what was paid.", {"number": number}),
    )


def _paying(order: dict[str, Any], payment: dict[str, Any]) -> dict[str, Any]:
    """An example answer of pay."""
    return {
        "status": payment["status"],
        "reason": payment["reason"],
        "payment": payment,
        "order": order | {"payment": payment},
    }


class Products(Door):
    """What is sold."""

    @operation(
        "list_products",
        summary="List the products",
        text="What the merchant sells, by name, with its price in each currency.",
        tag="Orders",
        query=forms.ProductQuery,
        answers={200: (shown.ProductPage, "One page.")},
        examples=[example("products", {"items": [_PRODUCT], "next_cursor": None}, status=200)],
    )
    def get(self, request: Request) -> Response:
        query = read_query(request, forms.ProductQuery)
        rows = products_of(caller_of(request))
        if "currency" in query:
            rows = rows.filter(prices__currency=query["currency"])
        items, next_cursor = page(rows, query, by="name")
        context = {"currency": query.get("currency")}
        return Response(shown.ProductPage({"items": items, "next_cursor": next_cursor}, context=context).data)


class Orders(Door):
    """Orders."""

    places = {"lines": "items", "amount": "amount"}

    @operation(
        "list_orders",
        summary="List the orders",
        text="A buyer's own, or those of all the customers of the merchant key's account. Newest first.",
        tag="Orders",
        query=forms.OrderQuery,
        answers={200: (shown.OrderPage, "One page.")},
        leads_to={200: _next(number="/items/0/number")},
        examples=[example("orders", {"items": [_PAID], "next_cursor": None}, status=200)],
    )
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        query = read_query(request, forms.OrderQuery)
        refuse_merchants_questions(caller, query)
        rows = orders_of(caller)
        for name, column in (("status", "status"), ("customer", "buyer__reference"), ("reference", "reference")):
            if name in query:
                rows = rows.filter(**{column: query[name]})
        items, next_cursor = page(rows, query, by="-created_at")
        return Response(shown.OrderPage({"items": items, "next_cursor": next_cursor}).data)

    @operation(
        "place_order",
        summary="Place an order",
        text=(
            "A buyer orders products at their price in a currency, and names no amount. The merchant's server names "
            "the customer, the amount and, if it wants, its own reference, which is taken once."
        ),
        tag="Orders",
        takes=PolymorphicProxySerializer(
            component_name="OrderWanted",
            serializers=[forms.OrderByBuyer, forms.OrderByMerchant],
            resource_type_field_name=None,
        ),
        answers={201: (shown.OrderShown, "The order, to be paid.")},
        has_key=True,
        refuses=("price_missing", "amount_not_allowed", "conflict"),
        leads_to={201: _next(number="/number")},
        examples=[
            example("by a buyer", {"items": [{"sku": "pass", "quantity": 1}], "currency": "PHP"}),
            example(
                "by the merchant's server",
                {
                    "customer": "customer-8812",
                    "amount": {"value": "49900", "currency": "PHP"},
                    "description": "Monthly pass, March",
                    "reference": "INV-2026-0042",
                },
            ),
            example("placed", _PLACED, status=201),
        ],
    )
    def post(self, request: Request) -> Response:
        caller = caller_of(request)
        placed, headers = once(
            request,
            lambda remember: _place(request, caller, remember),
            again=lambda row_id: orders_of(caller).get(pk=row_id),
        )
        return Response(shown.OrderShown(order_of(caller, placed.number)).data, status=201, headers=headers)


def _place(request: Request, caller: Caller, remember: Remember) -> Order:
    if isinstance(caller, BuyerCaller):
        given = read_body(request, forms.OrderByBuyer)
        lines = [(line["sku"], line["quantity"]) for line in given["items"]]
        return operations.place_order(caller.buyer, lines, given["currency"], by=caller.actor, remember=remember)
    given = read_body(request, forms.OrderByMerchant)
    return operations.place_merchant_order(
        meet(caller.account, given["customer"]),
        given["amount"],
        description=given["description"],
        reference=given.get("reference", ""),
        by=caller.actor,
        remember=remember,
    )


class OrderDetail(Door):
    """One order."""

    @operation(
        "get_order",
        summary="Ask for an order",
        text="With its payment, and what went back. For polling while its payment is PENDING.",
        tag="Orders",
        answers={200: (shown.OrderShown, "The order as it is now.")},
        refuses=("not_found",),
        examples=[example("paid", _PAID, status=200)],
    )
    def get(self, request: Request, number: str) -> Response:
        return Response(shown.OrderShown(order_of(caller_of(request), number)).data)


class OrderPay(Door):
    """Paying."""

    places = {"wallet": "wallet_id"}

    @operation(
        "pay_order",
        summary="Pay an order",
        text=(
            "Debits the bound wallet; the buyer sees no page of the wallet. PENDING: nobody knows yet; ask for the "
            "order every 2 to 3 s, and say after 75 s that the buyer will be informed. After FAILED, paying again is a "
            "new act with a new Idempotency-Key."
        ),
        tag="Payments",
        takes=forms.PayGiven,
        answers={200: (shown.PayAnswer, "What became of it.")},
        has_key=True,
        leads_to={200: _next(number="/order/number")},
        refuses=(
            "not_found",
            "order_not_payable",
            "wallet_not_active",
            "wallet_in_doubt",
            "wallet_not_contracted",
            "terminal_not_served",
            "wrong_currency",
            "amount_not_allowed",
            "account_not_ready",
        ),
        examples=[
            example("with a wallet", {"wallet_id": _PAYMENT["wallet_id"], "os_type": "ANDROID"}),
            example("paid", _paying(_PAID, _PAYMENT), status=200),
            example("pending", _paying(_PLACED, _PENDING), status=200),
            example("refused", _paying(_PLACED, _REFUSED), status=200),
        ],
    )
    def post(self, request: Request, number: str) -> Response:
        caller = caller_of(request)
        try:
            given = read_body(request, forms.PayGiven)
        except APIException:
            order_and_wallet(caller, number, "")  # an order that is not there is refused first
            raise
        order, wallet, cycle = order_and_wallet(caller, number, given["wallet_id"])
        pay = operations.pay if cycle is None else partial(pay_by_hand, cycle)
        if terminal_type_of(caller, given) is not TerminalType.WEB and "os_type" not in given:
            sentence = "Say IOS or ANDROID; only a WEB terminal needs none."
            raise ValidationError({"os_type": [ErrorDetail(sentence, "required")]})
        payment, headers = once(
            request,
            lambda remember: pay(
                order,
                _there(wallet, given["wallet_id"]),
                by=caller.actor,
                terminal=terminal_of(request, caller, given),
                remember=remember,
            ),
            again=lambda row_id: order.payments.select_related("wallet_account__account", "order").get(pk=row_id),
            looks_first=False,
        )
        order = _as_paid(payment, caller)
        its_order = as_shown(shown.OrderShown, order)
        is_told = shown.present_payment(order) is payment
        paid = its_order["payment"] if is_told else as_shown(shown.PaymentShown, payment)
        answer = {"status": paid["status"], "reason": paid["reason"], "payment": paid, "order": its_order}
        return Response(answer, headers=headers)


def _there(wallet: WalletAccount | None, wallet_id: str) -> WalletAccount:
    """Raises NotFound where the order's buyer has no such wallet."""
    if wallet is None:
        raise NotFound(thing="wallet", key=wallet_id, field="wallet")
    return wallet


def _as_paid(payment: Payment, caller: Caller) -> Order:
    """The payment's order, with all that is shown of it: as it was left, where nothing else can be shown of it."""
    order = payment.order
    if payment.status == PaymentStatus.SUCCEEDED and order.status == OrderStatus.PAID and payment.is_alone:
        return shown.with_only(order, payment)
    return order_of(caller, order.number)


class OrderCancel(Door):
    """Calling an order off."""

    @operation(
        "cancel_order",
        summary="Cancel an order",
        text=(
            "An order that nobody paid is withdrawn. Of a paid one the merchant's server cancels the whole payment, "
            "while the wallet allows it; a buyer is told to ask the merchant (`needs_merchant`), and for the order of "
            "a subscription to cancel that (`order_of_subscription`)."
        ),
        tag="Payments",
        takes=forms.Why,
        answers={200: (shown.OrderShown, "CANCELLED; or as before, with `cancel.status` PENDING.")},
        has_key=True,
        refuses=(
            "not_found",
            "needs_merchant",
            "order_of_subscription",
            "payment_in_progress",
            "order_not_withdrawable",
            "cancel_not_possible",
            "account_not_ready",
        ),
        examples=[
            example("because", {"reason_code": "BUYER_REQUEST"}),
            example("withdrawn", _CANCELLED, status=200),
        ],
    )
    def post(self, request: Request, number: str) -> Response:
        caller = caller_of(request)
        order = order_alone(caller, number)
        why = read_body(request, forms.Why)
        _, headers = once(
            request,
            lambda remember: call_off(
                order,
                by=caller.actor,
                reason_code=why.get("reason_code", BUYER_REQUEST),
                note=why.get("note", ""),
                remember=remember,
            ),
            again=lambda row_id: order,
        )
        return Response(shown.OrderShown(order_of(caller, number)).data, headers=headers)


class OrderRefunds(Door):
    """Refunding."""

    places = {"amount": "amount"}

    @operation(
        "refund_order",
        summary="Refund an order",
        text=(
            "Gives back an amount of what was paid: all of it or a part, once or several times, never more than is "
            "left. For merchant keys only."
        ),
        tag="Payments",
        takes=forms.RefundGiven,
        answers={201: (shown.RefundShown, "The refund, often PENDING at first.")},
        has_key=True,
        leads_to={
            201: (Step("get_refund", "Ask what has become of it.", {"refund_id": "/id"}), *_next(number="/order")),
        },
        refuses=(
            "not_found",
            "merchants_only",
            "refund_not_possible",
            "refund_exceeds_payment",
            "amount_not_allowed",
            "account_not_ready",
        ),
        examples=[
            example(
                "a part",
                {"amount": {"value": "20000", "currency": "PHP"}, "reason_code": "BUYER_REQUEST"},
            ),
            example("refunded", _REFUND, status=201),
        ],
    )
    def post(self, request: Request, number: str) -> Response:
        caller = caller_of(request)
        order = order_of(caller, number)
        if isinstance(caller, BuyerCaller):
            raise MerchantsOnly
        given = read_body(request, forms.RefundGiven)
        refund, headers = once(
            request,
            lambda remember: operations.refund(
                _paid(order),
                given["amount"],
                by=caller.actor,
                reason_code=given.get("reason_code", BUYER_REQUEST),
                note=given.get("note", ""),
                remember=remember,
            ),
            again=lambda row_id: refunds_of(caller).get(pk=row_id),
        )
        return Response(shown.RefundShown(refund).data, status=201, headers=headers)


def _paid(order: Order) -> Payment:
    """The payment that money goes back of. Raises RefundNotPossible where there is none."""
    payment = shown.present_payment(order)
    if payment is None:
        raise RefundNotPossible(why="nothing was paid")
    return payment


class RefundDetail(Door):
    """One refund."""

    @operation(
        "get_refund",
        summary="Ask for a refund",
        text="For polling while it is PENDING.",
        tag="Payments",
        answers={200: (shown.RefundShown, "The refund as it is now.")},
        refuses=("not_found",),
        examples=[example("refunded", _REFUND, status=200)],
    )
    def get(self, request: Request, refund_id: str) -> Response:
        refund = one(refunds_of(caller_of(request)), "refund", refund_request_id=refund_id)
        return Response(shown.RefundShown(refund).data)
