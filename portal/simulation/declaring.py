"""What staff and the shop's server declare to customs in a history, and what must hold of it at its end.

What a rule declares by itself, the worker sends and asks about like everything else that is due.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from authorizations.models import WalletAccount
from payments import operations as paying
from payments.customs import operations
from payments.customs.promising import CURRENCY, WALLET, Buyer
from payments.customs.states import ON_ITS_WAY, CustomsOffice, DeclarationStatus, RuleScope
from payments.models import Contents, Declaration, DeclarationChange, Payment
from portal import clock
from portal.actor import Actor
from portal.models import JournalEntry, WebhookEvent
from portal.money import Money
from portal.sandbox.moments import SECOND, stamp
from portal.simulation.deciding import somebody
from portal.simulation.stage import PHONE
from portal.simulation.world import World

if TYPE_CHECKING:
    from portal.simulation.promises import Ending

AS_PAID = "declared as paid"
OFFICES = (CustomsOffice.ZONGSHU, CustomsOffice.NINGBO)
_NAMES: dict[str, Any] = {"merchant_customs_code": "3301961A7X", "merchant_customs_name": "Example Trading Ltd"}
_PARTS = ("P1", "P2", "P3")
_PAID = f"status = 'SUCCEEDED' AND currency = '{CURRENCY}'"
_SPEAKS = {"success": DeclarationStatus.ACCEPTED}
_LATER = timedelta(minutes=5, seconds=1)
"""When the same id may be transmitted again."""


def declares(world: World, rng: random.Random) -> str:
    """A paid order is declared, whole or in parts: at the desk, or by the shop's server; if none is, one is paid."""
    payment = world.some(rng, Payment, _PAID) if rng.random() < 0.95 else world.some(rng, Payment)
    if payment is None:
        return _something_is_bought(world, rng)
    is_part = rng.random() < 0.6
    whole, suborder = payment.declarable, rng.choice(_PARTS) if is_part else ""
    value = int(payment.amount_value * rng.choice((0.2, 0.4, 0.6, 1.1))) if is_part else whole.value
    amount, office = Money(max(1, value), payment.currency), rng.choice(OFFICES)
    if rng.random() < 0.6:
        world.expected.append("amends")
    if rng.random() < 0.4:
        body: dict[str, Any] = {"customs_code": office.value, **_NAMES, "amount": amount.to_wire()}
        body |= {"suborder": suborder} if suborder else {}
        buyer = payment.order.buyer
        path = f"/orders/{payment.order.number}/declarations"
        answer = world.posts(rng, buyer, world.key_of(buyer), path, body)
        return f"the shop declares {amount} of {payment.amount}: {answer.word}"
    papers = _papers(payment)
    made = operations.declare(
        payment,
        amount,
        office=office,
        suborder_id=suborder,
        buyer=papers if rng.random() < 0.5 else None,
        by=somebody(world, rng, "payments.act_declare"),
        **_NAMES,
    )
    return f"{amount} of {payment.amount} are declared: {made.status} {made.result_code}".strip()


def _papers(payment: Payment) -> Buyer:
    return Buyer("ID_CARD", "110101199001011234", payment.order.buyer.reference.title())


def sees_the_papers(world: World, rng: random.Random) -> str:
    """Somebody looks at the buyer's certificate of a declaration, and the journal knows of it."""
    found = world.some(rng, Declaration, "certificate_kind <> ''") if rng.random() < 0.9 else None
    found = found or world.some(rng, Declaration)
    if found is None:
        return ""
    by = somebody(world, rng, "payments.act_reveal_certificate")
    seen = operations.reveal(found, by=by, reason_code="CUSTOMS_ASKS")
    if seen != _papers(found.payment):
        world.seen.append((AS_PAID, f"the papers of {found} are not those that were given"))
    looks = JournalEntry.objects.filter(act="see buyer's certificate", subject_id=str(found.pk), actor_name=by.name)
    if not looks.filter(at=clock.now()).exists():
        world.seen.append((AS_PAID, f"the journal does not know that {by.name} saw the papers of {found}"))
    return f"{by.name} sees the papers of a declaration"


def _something_is_bought(world: World, rng: random.Random) -> str:
    where, account = "status = 'ACTIVE' AND wallet = %s AND account_id = %s", world.accounts["sim"]
    wallet = world.some(rng, WalletAccount, where, [WALLET, account.pk])
    if wallet is None:
        return ""
    amount = Money(rng.randrange(100, 2000) * 100, CURRENCY)
    by = Actor.merchant_server("simulate")
    order = paying.place_merchant_order(wallet.buyer, amount, description="Tea", reference="", by=by)
    world.expected += ["declares", "declares"]
    payment = paying.pay(order, wallet, by=by, terminal=PHONE)
    return f"{wallet.buyer} buys for {amount} by Alipay: {payment.status} {payment.result_code}".strip()


def amends(world: World, rng: random.Random) -> str:
    """A declaration is transmitted again, as it was or changed: mostly when that is taken."""
    found = world.some(rng, Declaration, "status IN ('DECLARED', 'REFUSED')")
    if found is None:
        return ""
    is_in_the_way = world.is_overtaking or world.line.under_way.total() > 0
    if rng.random() < 0.8 and not is_in_the_way and found.sent_at and clock.now() < found.sent_at + _LATER:
        world.clock.set(found.sent_at + _LATER)
    contents = _changed(rng, found)
    done = operations.amend(found, contents, by=somebody(world, rng, "payments.act_amend_declaration"))
    return f"a declaration of {found.payment.amount} is amended to {contents.amount}: {done.status}"


def _changed(rng: random.Random, found: Declaration) -> Contents:
    kind = rng.random()
    if kind < 0.2:
        return found.contents
    if kind < 0.4:
        return replace(found.contents, merchant_customs_code=rng.choice(("3301961A7X", "4401961B8Y")))
    if kind < 0.5 and found.is_split:
        return replace(found.contents, suborder_id=rng.choice(_PARTS))
    value = max(1, int(found.payment.amount_value * rng.choice((0.1, 0.3, 0.5, 0.8, 1.0))))
    return replace(found.contents, amount=Money(value, found.currency))


def asks_what_customs_says(world: World, rng: random.Random) -> str:
    """Somebody asks about a declaration, whatever its state."""
    found = world.some(rng, Declaration, "status <> 'INITIATED'")
    if found is None:
        return ""
    asked = operations.ask(found, by=somebody(world, rng, "payments.act_ask"))
    return f"asked about a declaration: {asked.status}"


def sets_the_rule(world: World, rng: random.Random) -> str:
    """A shop declares by itself from now on, or not any more."""
    slug, is_active = rng.choice(tuple(world.accounts)), rng.random() < 0.7
    operations.set_rule(
        world.accounts[slug],
        customs_code=rng.choice(OFFICES),
        scope=RuleScope.EVERYTHING if rng.random() < 0.8 else RuleScope.GOODS,
        skus=[],
        is_active=is_active,
        by=somebody(world, rng, "payments.act_customs_rule"),
        **_NAMES,
    )
    return f"{slug} declares by itself: {is_active}"


# What must hold.


def declared_as_paid(end: "Ending") -> list[str]:
    """Never more is declared than was paid, both sides know the same of each declaration, and each one ends."""
    return [*_never_too_much(end), *_none_is_left(end), *_known_alike(end), *_told_once(end)]


def _never_too_much(end: "Ending") -> Iterator[str]:
    reserved: dict[int, int] = defaultdict(int)
    for row in _ours():
        if row.status != DeclarationStatus.FAILED:
            reserved[row.payment_id] += _reserved(row)
    for payment in end.payments:
        if payment.declared_value != reserved[payment.pk]:
            yield f"{payment} reserves {payment.declared_value}, and {reserved[payment.pk]} of it is declared"
        if payment.declared_value > payment.amount_value:
            yield f"{payment.declared_value} of {payment} is declared, and {payment.amount_value} was paid"
    paid = {row["payment_id"]: row["value"] for row in end.payments_there.values()}
    held = Counter[str]()
    for there in end.declarations_there.values():
        held[there["payment_id"]] += there["value"]
    for payment_id, value in held.items():
        if value > paid[payment_id]:
            yield f"customs heard of {value} of {payment_id}, and {paid[payment_id]} was paid"


def _reserved(row: Declaration) -> int:
    """The larger of the two, while it is not known whether an amendment was taken."""
    return max(row.amount_value, json.loads(row.former)["amount_value"]) if row.former else row.amount_value


def _none_is_left(end: "Ending") -> Iterator[str]:
    for row in _ours():
        if row.status in ON_ITS_WAY and not end.waits(row):
            yield f"declaration {row} is still {row.status}"


def _known_alike(end: "Ending") -> Iterator[str]:
    for unknown in end.declarations_there.keys() - {str(row) for row in _ours()}:
        yield f"the acquirer has a declaration {unknown} that we never promised"
    for row in _ours():
        there = end.declarations_there.get(str(row))
        is_known = there is not None
        if end.waits(row):
            continue
        if is_known == (row.status == DeclarationStatus.FAILED):
            yield f"declaration {row} is {row.status} here; there it is known: {is_known}"
        elif there is not None:
            yield from _alike(row, there)


def _alike(row: Declaration, there: Any) -> Iterator[str]:
    asked, verdict = json.loads(there["request"]), json.loads(there["answer"])["customsVerdict"]
    told = asked["declarationAmount"], asked["merchantCustomsInfo"]["merchantCustomsCode"], asked.get("suborderId", "")
    if told != (row.amount.to_wire(), row.merchant_customs_code, row.suborder_id):
        yield f"declaration {row} holds other contents there: {told}"
    status = _SPEAKS.get(verdict["code"], DeclarationStatus.REFUSED)
    if row.status != status:
        yield f"declaration {row} is {row.status} here and {status} there"
    heard = DeclarationChange.objects.filter(declaration=row, target=status).order_by("-pk").first()
    if heard is not None and stamp(heard.at) < there["sent_at"] + int(verdict["seconds"] * SECOND):
        yield f"declaration {row} became {status} here before customs had said so"


def _told_once(end: "Ending") -> Iterator[str]:
    told = Counter(WebhookEvent.objects.filter(kind="declaration.accepted").values_list("subject_label", flat=True))
    accepted = DeclarationChange.objects.filter(
        target=DeclarationStatus.ACCEPTED, declaration__account=end.world.accounts["sim"]
    )
    if end.world.receiver is None:
        return
    for number in accepted.values_list("declaration__declaration_request_id", flat=True):
        if told[number] != 1:
            yield f"that declaration {number} was accepted was told {told[number]} times"


def _ours() -> list[Declaration]:
    return list(Declaration.objects.order_by("pk"))
