"""Sending a declaration, and writing down what the acquirer said of the call. Customs speaks later, to ``asking``."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from payments import schedule
from payments.customs import announcements
from payments.customs.promising import REGION, is_for_customs, release
from payments.customs.states import DeclarationEvent, DeclarationStatus
from payments.models import Declaration, Payment
from payments.operations.payments import HELD, ask
from payments.states import Messenger, PaymentStatus
from portal import clock, due, incidents
from portal.acquirer import Acquirer, Certificate, DeclarationRequest
from portal.acquirer.masking import hide
from portal.acquirer.results import DeclarationResult, Outcome, Secret, WireExchange
from portal.actor import Actor, ActorKind
from portal.errors import TransitionNotAllowed
from portal.gateways import acquirer_for, keep
from portal.money import Money

UNANSWERED = "DECLARATION_UNANSWERED"
"""The kind of incident about a declaration that has no last word at the end of the ladder."""
CONTRADICTION = "DECLARATION_CONTRADICTION"
DENIALS = 3
"""So many "not found" in a row mean it. Undocumented; we choose what the same acquirer's refunds need."""
_CHANGED_NOTHING = ("CONTEXT_INCONSISTENT", "REPEAT_REQ_INCONSISTENT")
"""F of an amendment that closes it, whether it was sent once or again: had these contents arrived, the same contents
would have been an idempotent success. https://docs.antom.com/ac/ams/declare"""
_TOLD = ("amount_value", "merchant_customs_code", "merchant_customs_name")
"""Of what an amendment may change: what an inquiry tells of a declaration."""
_SENDABLE = (
    DeclarationStatus.INITIATED,
    DeclarationStatus.PROCESSING,
    DeclarationStatus.AMENDING,
    DeclarationStatus.DECLARED,  # the acquirer has lost it
)


def send(declaration: Declaration, *, is_leased: bool = False) -> Declaration:
    """Send a promised declaration, unless somebody else is at it: the first time, or the same again under its id.

    The same contents under the same id change nothing where they had arrived. https://docs.antom.com/ac/ams/declare
    """
    account = declaration.payment.account
    acquirer = acquirer_for(account)
    if declaration.status == DeclarationStatus.INITIATED and declaration.actor_kind == ActorKind.CLOCK:
        hear_the_most(declaration.payment)
        _keep_within_the_most(declaration)
    at = clock.now()
    free = Q() if is_leased else Q(lease_until__isnull=True) | Q(lease_until__lt=at)
    with transaction.atomic(durable=True):  # counted, and perhaps arrived, before it is sent
        declaration.lock()
        # What the acquirer has denied so often is not there, so a refusal of it now is the first there is.
        is_denied = declaration.status == DeclarationStatus.PROCESSING and declaration.times_denied >= DENIALS
        is_repeat = declaration.times_sent > 0 and declaration.may_have_arrived and not is_denied
        rows = Declaration.objects.filter(free, pk=declaration.pk, status__in=_SENDABLE)
        if not declaration.payment.payment_id:
            rows.update(**climb(declaration))  # the acquirer's id of the payment is still to come
            held = 0
        else:
            held = rows.update(
                lease_until=at + due.LEASE,
                due_at=at + schedule.WIRE_GRACE,
                times_sent=F("times_sent") + 1,
                may_have_arrived=True,
                times_denied=0,
                sent_at=at,
            )
            if held and declaration.status == DeclarationStatus.INITIATED:
                declaration.advance(DeclarationEvent.SENT, heard_from=Messenger.US)
        declaration.refresh_from_db()
    if not held:
        return declaration
    result = acquirer.declare(_request(declaration), is_repeat=is_repeat)  # wire
    record_result(declaration, result)
    if declaration.status == DeclarationStatus.AMENDING and _is_refused(result):
        _ask_which_stands(declaration, acquirer)
    return declaration


def _ask_which_stands(declaration: Declaration, acquirer: Acquirer) -> None:
    """An amendment that may have arrived before is refused now: what the acquirer holds says which of the two stands.

    Papers and the part's id are not among what it tells; where nothing else differs, the amendment stays unknown, and
    becomes an incident. https://docs.antom.com/ac/ams/inquirydeclare
    """
    inquiry = acquirer.inquire_declarations([declaration.declaration_request_id])  # wire
    with transaction.atomic(durable=True):
        declaration.payment = HELD.get(pk=declaration.payment_id)
        declaration.lock()
        without = without_papers(inquiry.exchange, [declaration])
        keep(declaration.payment.account, without, subject=declaration.declaration_request_id)
        record = next(iter(inquiry.records), None)
        if declaration.status != DeclarationStatus.AMENDING or record is None or not declaration.former:
            return
        former = json.loads(declaration.former)
        ours = tuple(getattr(declaration, name) for name in _TOLD)
        before = tuple(former[name] for name in _TOLD)
        held = (
            record.amount.value if record.amount else None,
            record.merchant_customs_code,
            record.merchant_customs_name,
        )
        if held == ours != before:
            taken(declaration, heard_from=Messenger.DECLARE_INQUIRY)
        elif held == before != ours:
            said = {"result_code": declaration.result_code, "result_message": declaration.result_message}
            _stands_as_before(declaration, said)


def hear_the_most(payment: Payment) -> None:
    """Ask about a payment of which nobody has said how much may be declared: the answer to pay does not.

    Asked once; where that says nothing either, it is what was paid. https://docs.antom.com/ac/ams/notify_payment
    """
    if payment.customs_value is None and payment.status == PaymentStatus.SUCCEEDED and is_for_customs(payment):
        ask(payment)


def _keep_within_the_most(declaration: Declaration) -> None:
    """What a rule promised when it was paid is lowered to what may be declared, before it is sent the first time."""
    with transaction.atomic(durable=True):
        payment = HELD.get(pk=declaration.payment_id)
        declaration.lock()
        declaration.payment = payment
        beyond = payment.declared_beyond.value
        if declaration.status != DeclarationStatus.INITIATED or not 0 < beyond < declaration.amount_value:
            return
        Declaration.objects.filter(pk=declaration.pk).update(amount_value=F("amount_value") - beyond)
        declaration.amount_value -= beyond
        release(payment, Money(beyond, payment.currency))


def _request(declaration: Declaration) -> DeclarationRequest:
    certificate = None
    if declaration.certificate_kind:
        certificate = Certificate(
            kind=declaration.certificate_kind,
            number=Secret(declaration.certificate_number),
            full_name=Secret(declaration.certificate_name),
        )
    return DeclarationRequest(
        declaration_request_id=declaration.declaration_request_id,
        payment_id=declaration.payment.payment_id,
        amount=declaration.amount,
        customs_code=declaration.customs_code,
        region=REGION,
        merchant_customs_code=declaration.merchant_customs_code,
        merchant_customs_name=declaration.merchant_customs_name,
        is_split=declaration.is_split,
        suborder_id=declaration.suborder_id,
        certificate=certificate,
    )


def record_result(declaration: Declaration, result: DeclarationResult) -> Declaration:
    """Write down what the acquirer said of the call. Safe to repeat; UNKNOWN moves nothing."""
    with transaction.atomic(durable=True):
        payment = HELD.get(pk=declaration.payment_id)
        declaration.lock()
        without = without_papers(result.exchange, [declaration])
        keep(payment.account, without, subject=declaration.declaration_request_id)
        said = {"result_code": result.code[:64], "result_message": without_certificate(declaration, result.message)}
        if declaration.status == DeclarationStatus.AMENDING and _changed_nothing(result):
            _stands_as_before(declaration, said)
        elif result.outcome is Outcome.UNKNOWN:
            facts: dict[str, Any] = {**said, **climb(declaration), "may_have_arrived": result.may_have_arrived}
            Declaration.objects.filter(pk=declaration.pk, status__in=_SENDABLE).update(**facts)
            declaration.refresh_from_db()
        elif result.outcome is Outcome.SUCCESS:
            told = {
                "customs_payment_id": result.customs_payment_id[:64],
                "customs_order_id": result.customs_order_id[:64],
                # An amendment is answered as the first time, whatever papers it came with.
                "identity_check": ""
                if declaration.status == DeclarationStatus.AMENDING
                else result.identity_check[:32],
                "clearing_channel": result.clearing_channel[:32],
                "clearing_transaction_id": result.clearing_transaction_id[:64],
                "provider_registration_id": result.provider_registration_id[:64],
            }
            taken(declaration, heard_from=Messenger.DECLARE_ANSWER, **said, **{k: v for k, v in told.items() if v})
        else:
            _turned_down(declaration, said)
    return declaration


def _is_refused(result: DeclarationResult) -> bool:
    exchange = result.exchange
    return exchange is not None and not exchange.error and exchange.result_status == "F"


def _changed_nothing(result: DeclarationResult) -> bool:
    """Whether a believed answer says that the contents which were sent are not what the acquirer holds."""
    return _is_refused(result) and result.code in _CHANGED_NOTHING


def taken(declaration: Declaration, *, heard_from: Messenger, **facts: Any) -> None:
    """The acquirer has it: from now on customs is asked about. Whoever calls holds the payment and the row."""
    if declaration.status not in (DeclarationStatus.PROCESSING, DeclarationStatus.AMENDING):
        Declaration.objects.filter(pk=declaration.pk, status=DeclarationStatus.DECLARED).update(
            **facts, **climb(declaration), times_denied=0
        )
        declaration.refresh_from_db()
        return
    before = _former_amount(declaration)
    again: dict[str, Any] = {"due_at": schedule.ladder_time(0), "lease_until": None, "attempts": 1}
    again |= {"times_denied": 0, "former": ""}
    if not declaration.advance(DeclarationEvent.TAKEN, heard_from=heard_from, **again, **facts):
        return
    if before is not None and before > declaration.amount:
        release(declaration.payment, before - declaration.amount)
    incidents.settle(UNANSWERED, subject=declaration, by=Actor.clock(), resolution="The acquirer has it.")


def _turned_down(declaration: Declaration, said: dict[str, Any]) -> None:
    if declaration.status == DeclarationStatus.AMENDING:
        _stands_as_before(declaration, said)
        return
    facts: dict[str, Any] = {**said, "due_at": None, "lease_until": None, "finished_at": clock.now()}
    with suppress(TransitionNotAllowed):
        if declaration.advance(
            DeclarationEvent.TURNED_DOWN, heard_from=Messenger.DECLARE_ANSWER, note=said["result_code"], **facts
        ):
            release(declaration.payment, declaration.amount)
            announcements.turned_down(declaration)
            incidents.settle(UNANSWERED, subject=declaration, by=Actor.clock(), resolution="Not declared.")


def _stands_as_before(declaration: Declaration, said: dict[str, Any]) -> None:
    """An amendment was refused: the contents before it are what the acquirer holds."""
    former = json.loads(declaration.former)
    amended = declaration.amount
    facts = {**former, **said, "former": "", "due_at": schedule.ladder_time(0), "lease_until": None, "attempts": 1}
    if declaration.advance(
        DeclarationEvent.AMENDMENT_REFUSED,
        heard_from=Messenger.DECLARE_ANSWER,
        note=said["result_code"],
        amended_at=None,
        **facts,
    ):
        before = Money(former["amount_value"], declaration.currency)
        if amended > before:
            release(declaration.payment, amended - before)
        incidents.settle(UNANSWERED, subject=declaration, by=Actor.clock(), resolution="The amendment was refused.")


def _former_amount(declaration: Declaration) -> Money | None:
    if not declaration.former:
        return None
    return Money(json.loads(declaration.former)["amount_value"], declaration.currency)


def climb(declaration: Declaration) -> dict[str, Any]:
    """When to look at it again, the ladder one rung up; past the last rung a person looks at it too."""
    step = declaration.attempts
    if schedule.ladder_has_ended(step - 1):
        incidents.raise_incident(
            UNANSWERED,
            f"Declaration {declaration.declaration_request_id} ({declaration.amount}) has had no last word since "
            f"{declaration.created_at:%d %b %H:%M}.",
            subject=declaration,
            detail="It is looked at once a day. Transmit it again, or ask the acquirer's support what customs says.",
        )
    return {"due_at": schedule.later(schedule.REFUND_FIRST, step), "lease_until": None, "attempts": step + 1}


def without_certificate(declaration: Declaration, text: str) -> str:
    """What the acquirer or customs wrote, with the buyer's number and name hidden wherever they repeat them."""
    return hide(text, _papers(declaration))[:256]


def without_papers(exchange: WireExchange | None, declarations: Iterable[Declaration]) -> WireExchange | None:
    """The exchange with what is shown of its answer as it may be shown: an answer about papers may quote them, and of
    those that the request did not hold the client knows nothing."""
    papers = [one for declaration in declarations for one in _papers(declaration)]
    if exchange is None or not papers:
        return exchange
    return replace(exchange, masked_response=hide(exchange.masked_response, papers))


def _papers(declaration: Declaration) -> list[str]:
    former = json.loads(declaration.former) if declaration.former else {}
    given = (declaration.certificate_number, declaration.certificate_name)
    before = (former.get("certificate_number"), former.get("certificate_name"))
    return [one for one in (*given, *before) if one]
