"""Transmitting a declaration again, amended or as it was, under the conditions that are documented.

The same declarationRequestId, five minutes after the previous call, and of the contents only what ``CHANGEABLE`` names:
merchantCustomsCode, merchantCustomsName, declarationAmount, suborderId, and the buyer's certificateNo and fullName.
``customsPlace``, which the page names too, is no field of the request.
Source: https://docs.antom.com/ac/ams/declare
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from payments.customs.operations.sending import send
from payments.customs.promising import reserve
from payments.customs.states import AMENDABLE, DeclarationEvent, DeclarationStatus
from payments.errors import AmendmentNotPossible, AmountNotAllowed, DeclarationExceedsPayment
from payments.models import Contents, Declaration
from payments.operations.payments import HELD
from payments.states import Messenger, PaymentStatus
from portal import clock, journal
from portal.actor import Actor
from portal.idempotency import Remember
from portal.money import MoneyError

CHANGEABLE = {
    "amount": "Amount",
    "merchant_customs_code": "Merchant’s code at customs",
    "merchant_customs_name": "Merchant’s name at customs",
    "suborder_id": "Id of the part of the order",
    "certificate_number": "Number of the buyer’s certificate",
    "certificate_name": "Name on the buyer’s certificate",
}
"""What may change, with its name for people."""
_SECRET = ("certificate_number", "certificate_name")
_AGAIN_AFTER = timedelta(minutes=5)


def may_amend_from(declaration: Declaration) -> datetime | None:
    """From when on it may be transmitted again; None before it was ever sent."""
    return declaration.sent_at + _AGAIN_AFTER if declaration.sent_at else None


def why_not_amend(declaration: Declaration) -> str:
    """Why it cannot be transmitted again now; empty when it can."""
    if declaration.status not in AMENDABLE:
        return f"it is {declaration.get_status_display().lower()}"
    if declaration.payment.status != PaymentStatus.SUCCEEDED:
        return "its payment is not paid any more"
    begins = may_amend_from(declaration)
    if begins is not None and clock.now() < begins:
        return f"that is taken 5 minutes after the last transmission, from {begins:%H:%M:%S} UTC on"
    return ""


def differences(before: Contents, after: Contents) -> list[tuple[str, str, str]]:
    """What an amendment changes: (name for people, before, after). Of a certificate only that it does."""
    found = []
    for name, label in CHANGEABLE.items():
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if name in _SECRET:
            old, new = "given" if old else "none", "another" if old else "given"
        found.append((label, str(old), str(new)))
    return found


def amend(
    declaration: Declaration,
    contents: Contents,
    *,
    by: Actor,
    reason_code: str = "",
    note: str = "",
    remember: Remember | None = None,
) -> Declaration:
    """Transmit a declaration again with these contents, which may be what it has.

    Raises AmendmentNotPossible, AmountNotAllowed or DeclarationExceedsPayment before anything is sent. While the answer
    is not known the larger amount of the two is reserved; where the acquirer refuses it, what was before stands.
    """
    with transaction.atomic(durable=True):
        payment = HELD.get(pk=declaration.payment_id)
        declaration.lock()
        declaration.payment = payment
        if why := why_not_amend(declaration):
            raise AmendmentNotPossible(why=why)
        contents = replace(contents, certificate_kind=declaration.certificate_kind)
        _refuse(declaration, contents)
        before = declaration.contents
        if contents.amount > before.amount and not reserve(payment, contents.amount - before.amount):
            room = payment.declarable + before.amount
            raise DeclarationExceedsPayment(amount=str(contents.amount), declarable=str(room))
        changes = differences(before, contents)
        facts: dict[str, Any] = {
            **_columns(contents),
            "former": json.dumps({**_columns(before), "identity_check": declaration.identity_check}),
            "amended_at": clock.now(),
            "times_sent": 0,
            "may_have_arrived": True,
            "attempts": 0,
            "due_at": clock.now(),
            "lease_until": None,
            "finished_at": None,
            "result_code": "",
            "result_message": "",
            "customs_result_code": "",
            "customs_result": "",
        }
        if any(getattr(before, name) != getattr(contents, name) for name in ("certificate_number", "certificate_name")):
            facts["identity_check"] = ""  # it was about other papers
        said = ", ".join(label for label, _, _ in changes) or "unchanged"
        try:
            with transaction.atomic():
                declaration.advance(DeclarationEvent.AMENDED, heard_from=Messenger.US, note=said, **facts)
        except IntegrityError:
            raise AmendmentNotPossible(why="another part of the order is declared under this id") from None
        journal.write(
            "transmit declaration again",
            by=by,
            subject=declaration,
            reason_code=reason_code,
            note=note,
            before={label: old for label, old, _ in changes},
            after={label: new for label, _, new in changes},
        )
        if remember:
            remember(declaration)
    return send(declaration)


def _columns(contents: Contents) -> dict[str, Any]:
    held = {name: getattr(contents, name) for name in CHANGEABLE if name != "amount"}
    return {"amount_value": contents.amount.value, "certificate_kind": contents.certificate_kind, **held}


def _refuse(declaration: Declaration, contents: Contents) -> None:
    if contents.amount.currency != declaration.currency:
        raise AmountNotAllowed(field="amount", problem=f"The declaration is in {declaration.currency}.")
    try:
        contents.amount.payable()
    except MoneyError as reason:
        raise AmountNotAllowed(field="amount", problem=str(reason)) from None
    if bool(contents.suborder_id) != declaration.is_split:
        raise AmendmentNotPossible(why="whether the order is split cannot be changed; only the id of the part can")
    if not declaration.certificate_kind and (contents.certificate_number or contents.certificate_name):
        raise AmendmentNotPossible(why="it came without a certificate, and only a certificate's number and name change")
    if bool(contents.certificate_number) != bool(contents.certificate_name):
        raise AmendmentNotPossible(why="of a certificate both its number and the full name on it are needed")
    others = declaration.payment.declarations.exclude(pk=declaration.pk).exclude(status=DeclarationStatus.FAILED)
    if others.filter(customs_code=declaration.customs_code, suborder_id=contents.suborder_id).exists():
        raise AmendmentNotPossible(why="another part of the order is declared under this id")
