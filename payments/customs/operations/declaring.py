"""Declaring a payment, or a part of it, by hand or by the merchant's server."""

from django.db import transaction

from payments.customs.operations.sending import hear_the_most, send
from payments.customs.promising import CURRENCY, WALLET, Buyer, promise
from payments.customs.states import DeclarationStatus
from payments.errors import AmountNotAllowed, DeclarationExceedsPayment, DeclarationNotPossible
from payments.models import Contents, Declaration, Payment
from payments.operations.payments import HELD
from payments.states import PaymentStatus
from portal import journal
from portal.actor import Actor, ActorKind
from portal.gateways import acquirer_for, adapter_of
from portal.idempotency import Remember
from portal.money import Money, MoneyError


def declare(
    payment: Payment,
    amount: Money,
    *,
    office: str,
    merchant_customs_code: str,
    merchant_customs_name: str,
    by: Actor,
    suborder_id: str = "",
    buyer: Buyer | None = None,
    note: str = "",
    remember: Remember | None = None,
) -> Declaration:
    """Declare ``amount`` of a payment to a customs office, once, under a new declarationRequestId.

    With ``suborder_id`` the order is split, and several parts of it may be declared. Raises DeclarationNotPossible,
    DeclarationExceedsPayment or AmountNotAllowed before anything is sent. The declaration returned may still be
    PROCESSING; what customs says of it comes later in any case.
    Source: https://docs.antom.com/ac/ams/declare
    """
    acquirer_for(payment.account)  # refuses here, before the promise
    hear_the_most(payment)
    with transaction.atomic(durable=True):  # promise: declarationRequestId is born here, the amount reserved
        payment = HELD.get(pk=payment.pk)
        _refuse(payment, amount, office, suborder_id)
        contents = Contents(
            amount=amount,
            merchant_customs_code=merchant_customs_code,
            merchant_customs_name=merchant_customs_name,
            suborder_id=suborder_id,
            certificate_kind=buyer.kind if buyer else "",
            certificate_number=buyer.number if buyer else "",
            certificate_name=buyer.name if buyer else "",
        )
        promised = promise(payment, contents, office, by=by, is_split=bool(suborder_id))
        if promised is None:
            raise DeclarationExceedsPayment(amount=str(amount), declarable=str(payment.declarable))
        if by.kind is ActorKind.PERSON:
            after = {"amount": str(amount), "customs": office, "certificate": "given" if buyer else "none"}
            journal.write("declare to customs", by=by, subject=promised, note=note, after=after)
        if remember:
            remember(promised)
    return send(promised)


def why_not_declare(payment: Payment) -> str:
    """Why a payment cannot be declared now; empty when it can."""
    if not adapter_of(payment.account).capabilities.can_declare_customs:
        return "its acquirer takes no declarations from us"
    if payment.currency != CURRENCY or payment.wallet_account.wallet != WALLET:
        return "customs takes payments by Alipay in CNY only"
    if payment.status != PaymentStatus.SUCCEEDED:
        return f"it is {payment.get_status_display().lower()}"
    if not payment.payment_id:
        return "the acquirer's id of it is not known yet; ask the acquirer first"
    if not payment.declarable.value:
        return "all of it is declared"
    return ""


def _refuse(payment: Payment, amount: Money, office: str, suborder_id: str) -> None:
    if why := why_not_declare(payment):
        raise DeclarationNotPossible(why=why)
    if amount.currency != payment.currency:
        raise AmountNotAllowed(field="amount", problem=f"The payment is in {payment.currency}.")
    try:
        amount.payable()
    except MoneyError as reason:
        raise AmountNotAllowed(field="amount", problem=str(reason)) from None
    if amount > payment.declarable:
        raise DeclarationExceedsPayment(amount=str(amount), declarable=str(payment.declarable))
    live = payment.declarations.exclude(status=DeclarationStatus.FAILED)
    if live.filter(customs_code=office, suborder_id=suborder_id).exists():
        raise DeclarationNotPossible(why="this order, or this part of it, was declared to this customs office before")
    if live.filter(customs_code=office, is_split=not suborder_id).exists():
        raise DeclarationNotPossible(why="an order is declared whole or in parts, not both")
