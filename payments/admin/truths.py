"""Three truths about a payment, side by side and field by field: our rows, the acquirer's answer, the settlement.

A field is compared among those who speak of it. The acquirer's answer is the one it gave when it was last asked, read
again from the kept exchange, so that what the page shows and what the evidence holds are the same bytes. The portal
asks again when a person presses the button, and by itself when somebody opens the page of what is not final.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from payments import queries
from payments.admin import chips
from payments.models import UNPAID, Payment
from payments.queries import LastAnswer
from payments.states import PaymentStatus
from portal import clock, registry
from portal.acquirer.results import Outcome
from portal.admin import display
from portal.admin.display import Chip
from portal.admin.ledger import Card, ReadyForm
from portal.money import Money
from portal.registry import Said, Truth
from portal.words import lazy, say

FIELDS = {
    "state": lazy("State"),
    "amount": lazy("Amount"),
    "payment_id": lazy("Their id"),
    "paid_at": lazy("Paid at"),
    "given_back": lazy("Given back"),
    "settles_as": lazy("Settles as"),
    "rate": lazy("Rate"),
    "fee": lazy("Fee"),
    "net": lazy("Net"),
    "settlement": lazy("Settlement"),
}
"""The fields in their order; who says something of a payment says it under these names."""
PAID, UNPAID_STATE, CANCELLED, UNKNOWN = "PAID", "NOT PAID", "CANCELLED", "UNKNOWN"
"""What a state is compared by, whatever each side calls it."""
_FRESH = timedelta(seconds=30)
"""Asked less long ago, opening the page does not ask again."""
_ROUNDING = Decimal("0.0001")
"""Reports print rates with four to six significant digits."""
_SILENCE = {
    "connect_failed": lazy("it could not be reached"),
    "connect_timeout": lazy("it could not be reached in time"),
    "name_not_resolved": lazy("its name is not known"),
    "read_timeout": lazy("it took the question and gave no answer in time"),
    "connection_lost": lazy("the line broke before an answer came"),
    "http_status": lazy("it answered with an error instead of a result"),
    "not_believed": lazy("what came was not signed by it, and is not believed"),
    "account_not_ready": lazy("the account misses a key"),
}


@dataclass(frozen=True)
class Row:
    """One field: what each side says of it, and whether they agree."""

    label: str
    cells: Sequence[Any]
    verdict: Chip | None


def card(payment: Payment, form: ReadyForm | None) -> Card:
    """The comparison; ``form`` asks the acquirer anew, for whoever may."""
    answer = queries.last_answer(payment)
    sides = [_ours(payment), _theirs(payment, answer), *_others(payment)]
    rows = [row for name, label in FIELDS.items() if (row := _row(name, label, sides)) is not None]
    different = sum(row.verdict is not None and row.verdict.tone == "bad" for row in rows)
    equal = sum(row.verdict is not None and row.verdict.tone == "good" for row in rows)
    return Card(
        say("Three truths"),
        template="payments/truths.html",
        context={
            "sides": sides,
            "rows": rows,
            "verdict": _verdict(equal, different),
            "silence": _silence(answer),
            "asked_at": answer.asked_at,
            "form": form,
            "asks_on_open": form is not None and _is_worth_asking(payment, answer),
        },
    )


def _verdict(equal: int, different: int) -> Chip:
    if different:
        return Chip(
            say("1 field differs") if different == 1 else say("{different} fields differ", different=different), "bad"
        )
    return Chip(say("All equal"), "good") if equal else Chip(say("Nothing to compare yet"))


def _is_worth_asking(payment: Payment, answer: LastAnswer) -> bool:
    if payment.status != PaymentStatus.PROCESSING:
        return False
    return answer.asked_at is None or clock.now() - answer.asked_at > _FRESH


def _silence(answer: LastAnswer) -> str:
    if not answer.silence:
        return ""
    why = _SILENCE.get(answer.silence, answer.silence.replace("_", " "))
    shown = say(" What it said before is shown.") if answer.exchange is not None else ""
    return say("The acquirer gave no answer when it was last asked: {why}.{shown}", why=why, shown=shown)


def _row(name: str, label: str, sides: Sequence[Truth]) -> Row | None:
    said = [side.fields.get(name) for side in sides]
    if not any(said):
        return None
    compared = [each.compared for each in said if each is not None and each.compared is not None]
    verdict = None
    if len(compared) > 1:
        verdict = (
            Chip(say("Equal"), "good") if all(one == compared[0] for one in compared) else Chip(say("Different"), "bad")
        )
    return Row(label, [each.shown if each is not None else display.NOTHING for each in said], verdict)


def money_said(amount: Money | None) -> dict[str, Any]:
    """An amount as a field says it: compared by value and currency."""
    return {"shown": display.money(amount), "compared": amount}


def _fields(**given: Said | None) -> Mapping[str, Said]:
    return {name: said for name, said in given.items() if said is not None}


def _ours(payment: Payment) -> Truth:
    state = {
        PaymentStatus.SUCCEEDED: PAID,
        PaymentStatus.REVERSED: PAID,
        PaymentStatus.CANCELLED: CANCELLED,
        PaymentStatus.FAILED: UNPAID_STATE,
    }.get(PaymentStatus(payment.status), UNKNOWN)
    done = queries.refunded_total(payment)
    settles = payment.gross_settlement
    return Truth(
        say("Ours"),
        _fields(
            state=Said(chips.status(payment), state),
            amount=Said(**money_said(payment.amount)),
            payment_id=Said(display.ident(payment.payment_id), payment.payment_id) if payment.payment_id else None,
            paid_at=Said(display.stamp(payment.paid_at, seconds=False), _second(payment.paid_at))
            if payment.paid_at
            else None,
            given_back=Said(**money_said(done)) if done.value and payment.status not in UNPAID else None,
            settles_as=Said(**money_said(settles)) if settles is not None else None,
            rate=rate_said(payment.quote_currency_pair, payment.quote_price),
        ),
        say("our rows"),
    )


def _theirs(payment: Payment, answer: LastAnswer) -> Truth:
    if answer.exchange is None:
        note = say("no answer yet") if answer.asked_at else say("not asked yet")
        return Truth(say("Acquirer"), {}, note)
    note = display.link(display.page_of(answer.exchange), display.when(answer.exchange.sent_at))
    if answer.is_unknown_there:
        chip = Chip(say("No such payment"), "wait")
        return Truth(say("Acquirer"), {"state": Said(chip, UNPAID_STATE)}, note)
    said = answer.said
    if said is None:
        return Truth(say("Acquirer"), {"state": Said(Chip(say("Said nothing of it"), "wait"))}, note)
    state = {Outcome.SUCCESS: ("SUCCESS", "good", PAID), Outcome.FAIL: ("FAIL", "bad", UNPAID_STATE)}.get(
        said.outcome, ("PROCESSING", "wait", UNKNOWN)
    )
    if said.is_cancelled:
        state = ("CANCELLED", "", CANCELLED)
    refunds = [one.refund.amount for one in answer.refunds if one.refund.outcome is Outcome.SUCCESS]
    back = [amount for amount in refunds if amount is not None and amount.currency == payment.currency]
    given_back = Money(sum(amount.value for amount in back), payment.currency)
    quote = said.quote
    return Truth(
        say("Acquirer"),
        _fields(
            state=Said(Chip(*state[:2]), state[2]),
            amount=Said(**money_said(said.amount)) if said.amount is not None else None,
            payment_id=Said(display.ident(said.payment_id), said.payment_id) if said.payment_id else None,
            paid_at=Said(display.stamp(said.paid_at, seconds=False), _second(said.paid_at)) if said.paid_at else None,
            given_back=Said(**money_said(given_back)) if back else None,
            settles_as=Said(**money_said(said.gross_settlement)) if said.gross_settlement is not None else None,
            rate=rate_said(quote.currency_pair, quote.price) if quote is not None else None,
        ),
        note,
    )


def _others(payment: Payment) -> list[Truth]:
    told = [truth for contributor in registry.truths for truth in contributor(payment)]
    return told or [Truth(say("Settlement"), {}, say("no row yet"))]


def _second(moment: Any) -> Any:
    return None if moment is None else moment.replace(microsecond=0)


@dataclass(frozen=True, eq=False)
class Rate:
    """An exchange rate; one printed the other way round is the same rate, as exactly as both are printed."""

    pair: str
    price: Decimal

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rate):
            return NotImplemented
        if self.pair == other.pair:
            return self.price == other.price
        if self.pair.split("/")[::-1] != other.pair.split("/"):
            return False
        return abs(self.price * other.price - 1) < _ROUNDING

    __hash__ = None  # type: ignore[assignment]  # nearly equal ones have no common hash


def rate_said(pair: str, price: Decimal | None) -> Said | None:
    """A rate as a field says it; None where there is none."""
    if not pair or price is None:
        return None
    return Said(display.joined((pair, f"{price.normalize():f}"), " "), Rate(pair, price.normalize()))
