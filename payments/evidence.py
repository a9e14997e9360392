"""An order's evidence: the rows that tell what was owed, debited and given back, and the pack they go into."""

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model

from payments.customs.promising import CURRENCY
from payments.models import CERTIFICATE, Declaration, Order, Payment
from portal import evidence, journal, registry
from portal.acquirer.masking import HIDDEN
from portal.actor import Actor
from portal.evidence import Told, record, rows, said
from portal.models import AcquirerAccount
from portal.registry import Evidence

_CHANGE = ("at", "source", "event", "target", "heard_from", "note")
_ACTOR = ("actor_kind", "actor_name")
_ORDER = (
    "number", "reference", "status", "amount_value", "currency", "description", "created_at", "paid_at", "closed_at",
    *_ACTOR,
)  # fmt: skip
_ITEM = ("sku", "name", "unit_value", "quantity", "is_digital")
_PAYMENT = (
    "payment_request_id", "payment_id", "status", "amount_value", "currency", "returned_value", "kept_returned_value",
    "created_at", "expires_at", "paid_at", "finished_at", "result_code", "result_message", "questions_asked",
    "settlement_currency", "gross_settlement_value", "gross_settlement_currency", "quote_currency_pair", "quote_price",
    *_ACTOR,
)  # fmt: skip
_REFUND = (
    "refund_request_id", "refund_id", "status", "amount_value", "currency", "reason_code", "note", "created_at",
    "refunded_at", "finished_at", "result_code", "result_message", "gross_settlement_value",
    "gross_settlement_currency", *_ACTOR,
)  # fmt: skip
_CANCEL = (
    "cancel_id", "status", "amount_value", "reason_code", "note", "created_at", "finished_at", "result_code",
    "result_message", *_ACTOR,
)  # fmt: skip
_DECLARATION = (
    "declaration_request_id", "status", "amount_value", "currency", "customs_code", "merchant_customs_code",
    "merchant_customs_name", "is_split", "suborder_id", "created_at", "sent_at", "amended_at", "finished_at",
    "result_code", "result_message", "customs_payment_id", "customs_order_id", "identity_check", "clearing_channel",
    "clearing_transaction_id", "provider_registration_id", "status_text", "customs_result_code", "customs_result",
    *_ACTOR,
)  # fmt: skip
_CONTRADICTION = ("said", "heard_from", "detail", "at", "settled_at", "settled_how")
_WALLET = ("public_id", "wallet", "login_label", "status", "bound_at")


def parts_of(order: Order) -> list[Model]:
    """The order and everything that moved money for it: what incidents and the journal may speak of."""
    parts: list[Model] = [order]
    for payment in order.payments.order_by("created_at", "pk").prefetch_related("refunds", "cancels"):
        parts += [payment, *payment.refunds.all(), *payment.cancels.all()]
    return [*parts, *declarations_of(order)]


def declarations_of(order: Order) -> list[Declaration]:
    """What was declared to customs of the order; nothing is, and nothing is asked, in another currency than theirs."""
    if order.currency != CURRENCY:
        return []
    rows = Declaration.objects.filter(payment__order=order).select_related("payment").defer(*CERTIFICATE)
    return list(rows.order_by("created_at", "pk"))


def of_order(order: Any) -> list[Evidence]:
    """The order's rows, with every move of each; no token, and of the buyer only the merchant's own reference."""
    if not isinstance(order, Order):
        return []
    payments = order.payments.select_related("wallet_account").order_by("created_at", "pk")
    declared = declarations_of(order)
    return [
        rows(
            "order",
            record(order, *_ORDER)
            | {
                "buyer": order.buyer.reference,
                "account": order.account.slug,
                "items": [record(item, *_ITEM) for item in order.items.order_by("pk")],
                "changes": _changes(order),
            },
        ),
        rows("payments", [_payment(payment) for payment in payments]),
        *([rows("declarations", [_declaration(one) for one in declared])] if declared else []),
    ]


def _accounts_of(order: Order) -> list[AcquirerAccount]:
    """Those its payments went through; its own where there are none."""
    through = AcquirerAccount.objects.filter(wallet_accounts__payments__order=order)
    return list(through.order_by("slug").distinct()) or [order.account]


def _changes(thing: Any) -> list[dict[str, Any]]:
    return [record(change, *_CHANGE) for change in thing.changes.order_by("at", "pk")]


def _payment(payment: Payment) -> dict[str, Any]:
    refunds = payment.refunds.order_by("created_at", "pk")
    cancels = payment.cancels.order_by("created_at", "pk")
    contradictions = payment.contradictions.order_by("at", "pk")
    return record(payment, *_PAYMENT) | {
        "wallet": record(payment.wallet_account, *_WALLET),
        "changes": _changes(payment),
        "refunds": [record(refund, *_REFUND) | {"changes": _changes(refund)} for refund in refunds],
        "cancels": [record(cancel, *_CANCEL) | {"changes": _changes(cancel)} for cancel in cancels],
        "contradictions": [record(each, *_CONTRADICTION) for each in contradictions],
    }


def _declaration(declaration: Declaration) -> dict[str, Any]:
    """Of the buyer's certificate only its kind: number and name are not even read."""
    certificate = {"kind": declaration.certificate_kind, "number": HIDDEN, "name": HIDDEN}
    return record(declaration, *_DECLARATION) | {
        "payment_request_id": declaration.payment.payment_request_id,
        "certificate": certificate if declaration.certificate_kind else None,
        "changes": _changes(declaration),
    }


def take(
    order: Order,
    *,
    by: Actor,
    lines: Sequence[Told],
    subjects: Sequence[str],
    with_messages: bool,
    with_originals: bool,
    note: str = "",
) -> bytes:
    """The order's pack. Who took it stands in the journal, with the pack's SHA-256, before anybody has it."""
    title = (
        f"Evidence about order {order.number}",
        f"{order.amount}, {order.get_status_display().lower()}, placed {said(order.created_at)}",
        f"{order.account.name}: {order.description}",
    )
    more = [file for contributor in registry.evidence for file in contributor(order)]
    pack = evidence.pack(
        title,
        accounts=_accounts_of(order),
        subjects=subjects,
        lines=lines,
        more=[*more, *evidence.ground_rows(parts_of(order))],
        with_messages=with_messages,
        with_originals=with_messages and with_originals,
    )
    with transaction.atomic():
        journal.write(
            evidence.REVEALED if with_originals else evidence.TAKEN,
            by=by,
            subject=order,
            note=note,
            outcome=f"SHA-256 {hashlib.sha256(pack).hexdigest()}",
        )
    return pack
