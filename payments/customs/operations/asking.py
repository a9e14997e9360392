"""Asking what customs says: ten declarations a question, each answer written down on its own.

Source: https://docs.antom.com/ac/ams/inquirydeclare
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction

from payments import schedule
from payments.customs import announcements
from payments.customs.operations.sending import (
    CONTRADICTION,
    DENIALS,
    UNANSWERED,
    climb,
    taken,
    without_certificate,
    without_papers,
)
from payments.customs.states import DeclarationEvent, DeclarationStatus
from payments.models import Declaration
from payments.operations.payments import HELD
from payments.states import Messenger
from portal import clock, incidents, journal
from portal.acquirer.results import CustomsStatus, DeclarationInquiry, DeclarationRecord, Outcome
from portal.actor import Actor, ActorKind
from portal.errors import TransitionNotAllowed
from portal.gateways import acquirer_for, keep

_ACCEPTED = "success"
"""The one published ``customsDeclarationResultCode``."""


def ask(declaration: Declaration, *, by: Actor | None = None) -> Declaration:
    """Ask about one declaration and write down what is said."""
    if by is not None and by.kind is ActorKind.PERSON:
        with transaction.atomic(durable=True):
            journal.write("ask the acquirer", by=by, subject=declaration)
    (asked,) = ask_together([declaration])
    return asked


def ask_together(declarations: Sequence[Declaration]) -> list[Declaration]:
    """Ask about up to ten declarations of one account in one question. ValueError for more."""
    account = declarations[0].payment.account
    ids = [declaration.declaration_request_id for declaration in declarations]
    inquiry = acquirer_for(account).inquire_declarations(ids)  # wire: no transaction is open
    subject = ids[0] if len(ids) == 1 else clock.fresh_id("DQ")
    with transaction.atomic(durable=True):
        keep(account, without_papers(inquiry.exchange, declarations), subject=subject)
        Declaration.objects.filter(pk__in=[one.pk for one in declarations]).update(asked_under=subject)
    for declaration in declarations:
        record_inquiry(declaration, inquiry)
    return list(declarations)


def record_inquiry(declaration: Declaration, inquiry: DeclarationInquiry) -> None:
    """Write down what was said of one of them. Safe to repeat, and in any order with what is sent meanwhile."""
    own_id = declaration.declaration_request_id
    record = next((one for one in inquiry.records if one.declaration_request_id == own_id), None)
    with transaction.atomic(durable=True):
        HELD.get(pk=declaration.payment_id)
        declaration.lock()
        if inquiry.outcome is Outcome.SUCCESS and record is not None:
            _heard(declaration, record, asked_at=inquiry.exchange.sent_at if inquiry.exchange else None)
        else:
            is_denied = inquiry.outcome is Outcome.SUCCESS and own_id in inquiry.not_found
            _unheard(declaration, is_denied=is_denied)


def _unheard(declaration: Declaration, *, is_denied: bool) -> None:
    """Nobody knows of it, or nobody could be asked. Denials are counted a little apart; then it is sent again."""
    if declaration.status not in (DeclarationStatus.PROCESSING, DeclarationStatus.DECLARED):
        return
    at = clock.now()
    if declaration.due_at is not None and at < declaration.due_at:
        return  # somebody asked out of turn: that is no denial more, and no rung
    facts = climb(declaration)
    if is_denied and declaration.times_denied + 1 <= DENIALS:
        facts = {"due_at": at + schedule.REFUND_FIRST, "lease_until": None}
    facts["times_denied"] = declaration.times_denied + 1 if is_denied else 0
    Declaration.objects.filter(pk=declaration.pk).update(**facts)
    declaration.refresh_from_db()


def _heard(declaration: Declaration, record: DeclarationRecord, *, asked_at: datetime | None) -> None:
    is_ours = record.amount in (None, declaration.amount)
    if not is_ours and declaration.status != DeclarationStatus.AMENDING:
        incidents.raise_incident(
            CONTRADICTION,
            f"The acquirer holds declaration {declaration.declaration_request_id} with another amount: "
            f"{record.amount}, not {declaration.amount}.",
            subject=declaration,
            detail="Our row stands. Transmit it again as it should be.",
        )
        if declaration.status in (DeclarationStatus.PROCESSING, DeclarationStatus.DECLARED):
            Declaration.objects.filter(pk=declaration.pk).update(**climb(declaration))
            declaration.refresh_from_db()
        return
    told = {
        name: value[:64]
        for name, value in (
            ("customs_payment_id", record.customs_payment_id),
            ("customs_order_id", record.customs_order_id),
            ("status_text", record.status_text),
        )
        if value
    }
    if declaration.status == DeclarationStatus.PROCESSING:
        taken(declaration, heard_from=Messenger.DECLARE_INQUIRY, **told)
    event = _verdict(declaration, record) if _is_about_what_was_sent(declaration, asked_at) else None
    if event is not None:
        _record_verdict(declaration, record, event, told)
    elif declaration.status == DeclarationStatus.DECLARED:
        is_early = declaration.due_at is not None and clock.now() < declaration.due_at
        later: dict[str, Any] = {} if is_early else climb(declaration)
        Declaration.objects.filter(pk=declaration.pk).update(**told, **later, times_denied=0)
        declaration.refresh_from_db()


def _is_about_what_was_sent(declaration: Declaration, asked_at: datetime | None) -> bool:
    """Whether it was asked after the last transmission.

    One that is sent again five minutes later or more is a new one, though nothing is changed in it: customs looks at it
    anew, and what it said before may become another word. Who asked meanwhile asks once more.
    """
    return asked_at is None or declaration.sent_at is None or asked_at > declaration.sent_at


def _verdict(declaration: Declaration, record: DeclarationRecord) -> DeclarationEvent | None:
    """What customs says, if it speaks, and of these contents.

    Undocumented beside ``success``; we choose to take any other code that comes with a time, and the status FAIL, as a
    refusal, because it is an answer and no acceptance. A refusal moves no money, can be mended, and gives way to a
    later ``success``.
    """
    amended_at = declaration.amended_at
    if amended_at and record.returned_at and record.returned_at < amended_at.replace(microsecond=0):
        return None
    if record.result_code.lower() == _ACCEPTED or (not record.result_code and record.status is CustomsStatus.SUCCESS):
        return DeclarationEvent.CUSTOMS_ACCEPTED
    if record.status is CustomsStatus.FAIL or (record.result_code and record.returned_at):
        return DeclarationEvent.CUSTOMS_REFUSED
    return None


def _record_verdict(
    declaration: Declaration, record: DeclarationRecord, event: DeclarationEvent, told: dict[str, Any]
) -> None:
    facts = {
        **told,
        "customs_result_code": record.result_code[:64],
        "customs_result": without_certificate(declaration, record.result_description),
        "due_at": None,
        "lease_until": None,
        "finished_at": clock.now(),
    }
    with suppress(TransitionNotAllowed):  # heard before, or being amended meanwhile
        if declaration.advance(event, heard_from=Messenger.DECLARE_INQUIRY, note=facts["customs_result_code"], **facts):
            incidents.settle(UNANSWERED, subject=declaration, by=Actor.clock(), resolution="Customs has answered.")
            announcements.customs_spoke(declaration)
