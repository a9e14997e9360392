"""Customs: the merchant's server declares a paid order, or parts of it, and asks what became of it."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from authorizations.api.callers import BuyerCaller
from payments.api import customs_forms as forms
from payments.api import customs_shown as shown
from payments.api.callers import order_of
from payments.api.shown import present_payment
from payments.customs import operations
from payments.errors import DeclarationNotPossible
from payments.models import CERTIFICATE, CustomsRule, Declaration, Order
from portal.api.callers import Caller, MerchantsOnly, caller_of, one
from portal.api.doors import Door
from portal.api.fields import read_body
from portal.api.once import once
from portal.api.schema import Step, example, operation
from portal.idempotency import Remember

TAG = "Customs"
_GIVEN = {
    "amount": {"value": "6000", "currency": "CNY"},
    "customs_code": "ZONGSHU",
    "merchant_customs_code": "3301961A7X",
    "merchant_customs_name": "Example Trading Ltd",
    "suborder": "T-8841-1",
    "certificate": {"kind": "ID_CARD", "number": "110101199001011234", "name": "Li Si"},
}
_DECLARATION: dict[str, Any] = {
    "id": "D20260314H4M8Q2V6Z0C3F7K1N5S9",
    "order": "O20260314D9F3H7K1M5P8R2T6W0Y4",
    "status": "AT_CUSTOMS",
    "reason": None,
    "amount": {"value": "6000", "currency": "CNY", "display": "60.00"},
    "customs_code": "ZONGSHU",
    "merchant_customs_code": "3301961A7X",
    "merchant_customs_name": "Example Trading Ltd",
    "suborder": "T-8841-1",
    "has_certificate": True,
    "identity_check": "CHECK_PASSED",
    "customs_payment_id": "2026031422001447000000000001",
    "customs_order_id": "T-8841-1",
    "created_at": "2026-03-14T02:42:40.770000Z",
    "finished_at": None,
}
_REFUSED = _DECLARATION | {
    "status": "REFUSED",
    "reason": {"code": "failed", "text": "The buyer is not the payer."},
    "identity_check": "CHECK_NOT_PASSED",
    "finished_at": "2026-03-14T02:50:02.110000Z",
}
_NAMES = ("customs_code", "merchant_customs_code", "merchant_customs_name")


def declarations_of(caller: Caller) -> QuerySet[Declaration]:
    """The declarations of the merchant's account, without the buyers' papers; none for a buyer."""
    rows = Declaration.objects.select_related("payment__order", "account")
    if isinstance(caller, BuyerCaller):
        return rows.none()
    return rows.filter(payment__order__account=caller.account).defer(*CERTIFICATE)


class OrderDeclarations(Door):
    """Declaring."""

    places = {"amount": "amount", "certificate": "certificate"}

    @operation(
        "declare_order",
        summary="Declare an order to customs",
        text=(
            "Tells China customs of what was paid by Alipay: all of it, or with `suborder` a part; together never more "
            "than was paid. What customs says comes minutes to days later. For merchant keys only."
        ),
        tag=TAG,
        takes=forms.DeclarationGiven,
        answers={201: (shown.DeclarationShown, "The declaration.")},
        has_key=True,
        refuses=(
            "not_found",
            "merchants_only",
            "declaration_not_possible",
            "declaration_exceeds_payment",
            "amount_not_allowed",
            "account_not_ready",
        ),
        leads_to={201: (Step("get_declaration", "Ask what customs says.", {"declaration_id": "/id"}),)},
        examples=[
            example("a part", _GIVEN),
            example("by the account's rule", {}),
            example("passed on", _DECLARATION, status=201),
        ],
    )
    def post(self, request: Request, number: str) -> Response:
        caller = caller_of(request)
        order = order_of(caller, number)
        if isinstance(caller, BuyerCaller):
            raise MerchantsOnly
        given = read_body(request, forms.DeclarationGiven)
        made, headers = once(
            request,
            lambda remember: _declare(caller, order, given, remember),
            again=lambda row_id: declarations_of(caller).get(pk=row_id),
        )
        return Response(shown.DeclarationShown(made).data, status=201, headers=headers)


def _declare(caller: Caller, order: Order, given: dict[str, Any], remember: Remember) -> Declaration:
    payment = present_payment(order)
    if payment is None:
        raise DeclarationNotPossible(why="nothing was paid")
    names = {name: given[name] for name in _NAMES if name in given}
    if not names:
        rule = CustomsRule.objects.filter(account=payment.account).first()
        if rule is None:
            raise DeclarationNotPossible(why="name the customs office, since the account has no customs rule")
        names = {name: getattr(rule, name) for name in _NAMES}
    papers = given.get("certificate")
    return operations.declare(
        payment,
        given.get("amount") or payment.declarable,
        office=names["customs_code"],
        merchant_customs_code=names["merchant_customs_code"],
        merchant_customs_name=names["merchant_customs_name"],
        suborder_id=given.get("suborder", ""),
        buyer=operations.certificate_given(papers["kind"], papers["number"], papers["name"]) if papers else None,
        by=caller.actor,
        remember=remember,
    )


class DeclarationDetail(Door):
    """One declaration."""

    @operation(
        "get_declaration",
        summary="Ask for a declaration",
        text="What the acquirer and customs have said of it. For merchant keys only; nobody else's are there.",
        tag=TAG,
        answers={200: (shown.DeclarationShown, "The declaration as it is now.")},
        refuses=("not_found",),
        examples=[
            example("at customs", _DECLARATION, status=200),
            example("refused", _REFUSED, status=200),
        ],
    )
    def get(self, request: Request, declaration_id: str) -> Response:
        rows = declarations_of(caller_of(request))
        found = one(rows, "declaration", declaration_request_id=declaration_id)
        return Response(shown.DeclarationShown(found).data)
