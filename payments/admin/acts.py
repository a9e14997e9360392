"""What a person may do about a payment, from the payment's page or its order's: ask, cancel, refund, give back."""

from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from payments import operations, queries
from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, PaymentStatus, ReasonCode, RefundStatus
from portal import clock
from portal.acquirer.wallets import name_of
from portal.admin import display
from portal.admin.acts import Act, ActForm, AmountForm, Done, ReasonForm
from portal.money import Money

REASONS = [(code.value, code.label) for code in ReasonCode if code != ReasonCode.NO_FINAL_ANSWER]
"""What a person may choose; the one that is left out is the clock's."""


def payment_of(thing: Any) -> Payment | None:
    """The payment an act is about: itself, or the one that pays the order."""
    if isinstance(thing, Payment):
        return thing
    if isinstance(thing, Order):
        return queries.live_payment(thing)
    return None


def wallet_words(payment: Payment) -> str:
    """``GCash 63-9****31111``."""
    wallet = payment.wallet_account
    return f"{name_of(wallet.wallet)} {wallet.login_label}".strip()


def wallet_cell(payment: Payment) -> SafeString:
    """The same for a list: the account's last figures, all of it on hover."""
    wallet = payment.wallet_account
    label = wallet.login_label
    return format_html(
        '{} <span class="dim" title="{}">{}</span>', name_of(wallet.wallet), label, f"…{label[-5:]}" if label else ""
    )


class _PaymentForm(ActForm):
    """A form about the payment of ``thing``."""

    @property
    def payment(self) -> Payment:
        found = payment_of(self.thing)
        if found is None:  # ``why_not`` has refused before: no payment, no such act
            raise LookupError("there is no payment")
        return found


class AskForm(_PaymentForm):
    """Ask the acquirer."""

    title = "Ask the acquirer now"

    def will_happen(self) -> list[str]:
        return [
            f"We ask about {self.payment.payment_request_id} (inquiryPayment) and write down what the acquirer says.",
            "Nothing is charged or given back by asking. What is final stays; a contradiction is kept and shown.",
        ]

    def button(self) -> str:
        return "Ask now"


class CancelForm(_PaymentForm, ReasonForm):
    """Cancel the whole payment."""

    reasons = REASONS

    def heading(self) -> str:
        return f"Cancel the payment of {self.payment.amount}"

    def will_happen(self) -> list[str]:
        payment = self.payment
        if payment.status == PaymentStatus.PROCESSING:
            return [
                "The result of this payment is not known. The cancel makes sure that the buyer pays nothing.",
                "It cannot be taken back. The order may then be paid again.",
            ]
        until = queries.money_back(payment).cancel_until
        return [
            f"All of {payment.amount} goes back to {wallet_words(payment)}, without a refund fee.",
            f"The acquirer takes a cancel until {display.acquirer_time(until)}. It cannot be taken back.",
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return f"Cancel the payment of {self.payment.amount}"


class RefundForm(_PaymentForm, AmountForm):
    """Give back a part, or all that is left, by refund."""

    reasons = REASONS

    def heading(self) -> str:
        return "Refund"

    def most(self) -> Money:
        return self.payment.refundable

    def will_happen(self) -> list[str]:
        payment = self.payment
        back = queries.money_back(payment)
        until = f" A refund is possible until {display.exact(back.refund_until)}." if back.refund_until else ""
        better = (
            [f"A cancel is still possible until {display.acquirer_time(back.cancel_until)}; it costs no refund fee."]
            if back.best == "CANCEL"
            else []
        )
        return [
            f"The amount goes back to {wallet_words(payment)} as a refund. It cannot be taken back.{until}",
            *better,
        ]

    def button(self) -> str:
        return f"Request refund of {self.amount()}"

    def button_pattern(self) -> str:
        return "Request refund of {amount}"


class GiveBackForm(_PaymentForm, AmountForm):
    """One wish, and the portal decides how: by cancel while that is possible, else by refund."""

    reasons = REASONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.payment.status != PaymentStatus.SUCCEEDED:
            del self.fields["amount"]  # what is not known to be paid is cancelled, and a cancel is whole

    def heading(self) -> str:
        return "Give the money back"

    def most(self) -> Money:
        return queries.money_back(self.payment).refundable

    def will_happen(self) -> list[str]:
        payment = self.payment
        back = queries.money_back(payment)
        to = wallet_words(payment)
        if back.best == "CANCEL" and payment.status == PaymentStatus.PROCESSING:
            return ["The result of this payment is not known, so it is cancelled whole: the buyer pays nothing."]
        if back.best == queries.KEPT:
            return [
                f"We hold this payment as {payment.get_status_display().lower()}, and were told that it was taken.",
                "The acquirer is asked first; nothing happens unless it says that it keeps the money.",
                f"Then all of {payment.amount} goes back to {to}: by cancel while that is possible, else by refund.",
                "The payment’s status stays as it is.",
            ]
        if back.best == "CANCEL":
            return [
                f"All of it: a cancel, without a refund fee, until {display.acquirer_time(back.cancel_until)}.",
                f"Less than all of it: a refund of that amount. Either way it goes to {to}.",
            ]
        reason = f"{back.why[:1].upper()}{back.why[1:]}, so this will be a refund" if back.why else "This is a refund"
        return [f"{reason}. The amount goes back to {to}. It cannot be taken back."]

    def button(self) -> str:
        return f"Give back {self.amount()}"

    def button_pattern(self) -> str:
        return "Give back {amount}"


# When an act makes no sense.


def _no_payment(thing: Any) -> str:
    payment = payment_of(thing)
    if payment is None:
        return "Nobody has tried to pay this order yet."
    return "The payment was never sent." if payment.status == PaymentStatus.INITIATED else ""


def _no_cancel(thing: Any) -> str:
    payment = payment_of(thing)
    if payment is None or payment.status not in (PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED):
        return "There is no payment that could be cancelled: it must be unknown or paid."
    back = queries.money_back(payment)
    if back.best == "CANCEL":
        return ""
    if back.best == "REFUND":
        return f"A cancel is not possible: {back.why}. Refund it instead."
    return f"A cancel is not possible: {back.why}."


def _no_refund(thing: Any) -> str:
    payment = payment_of(thing)
    if payment is None or payment.status != PaymentStatus.SUCCEEDED:
        return "Only what is paid can be refunded."
    back = queries.money_back(payment)
    if payment.refundable.value == 0:
        return "Everything was given back, or is on its way back."
    if not payment.payment_id:
        return "The acquirer’s id of this payment is not known yet. Ask the acquirer first."
    if back.refund_until is not None and clock.now() >= back.refund_until:
        return f"The time for a refund ended {display.exact(back.refund_until)}."
    return ""


def _no_way_back(thing: Any) -> str:
    payment = payment_of(thing)
    if payment is None:
        return "Nobody has paid this order."
    back = queries.money_back(payment)
    return "" if back.best else f"Nothing can be given back: {back.why}."


PAYMENT_ACTS = (
    Act("ask", "Ask now", form=AskForm, why_not=_no_payment),
    Act("refund", "Refund…", form=RefundForm, why_not=_no_refund),
    Act("cancel", "Cancel…", form=CancelForm, why_not=_no_cancel),
    Act("give_back", "Give the money back…", form=GiveBackForm, tone="risk", why_not=_no_way_back),
)


# What became of it, in words.


def _refunded(refund: Refund, payment: Payment) -> Done:
    match RefundStatus(refund.status):
        case RefundStatus.SUCCEEDED:
            return Done(f"{refund.amount} went back to {wallet_words(payment)}.")
        case RefundStatus.FAILED:
            return Done(f"The refund failed: {refund.result_code}. {refund.result_message}".strip(), "bad")
        case _:
            return Done(
                f"The refund of {refund.amount} is promised; its result is not known yet. We keep asking.", "wait"
            )


def _cancelled(cancel: Cancel, payment: Payment) -> Done:
    match CancelStatus(cancel.status):
        case CancelStatus.CONFIRMED:
            return Done(f"The payment of {payment.amount} is cancelled; the buyer keeps the money.")
        case CancelStatus.REFUSED:
            return Done(
                f"The acquirer refused the cancel: {cancel.result_code}. {cancel.result_message}".strip(), "bad"
            )
        case _:
            return Done(
                f"The cancel of {payment.amount} is promised; its result is not known yet. We keep asking.", "wait"
            )


class PaymentActs:
    """The acts' doing, for the admins of payments and of orders alike."""

    def ask(self, request: HttpRequest, thing: Any, form: AskForm) -> Done:
        payment = form.payment
        asked = operations.ask(payment, by=form.actor)
        if asked.status == PaymentStatus.PROCESSING:
            return Done("The acquirer has no final answer yet. We keep asking.", "wait")
        return Done(f"The acquirer was asked. The payment is {asked.get_status_display().lower()}.")

    def cancel(self, request: HttpRequest, thing: Any, form: CancelForm) -> Done:
        payment = form.payment
        cancel = operations.cancel(
            payment,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return _cancelled(cancel, payment)

    def refund(self, request: HttpRequest, thing: Any, form: RefundForm) -> Done:
        payment = form.payment
        refund = operations.refund(
            payment,
            form.amount(),
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return _refunded(refund, payment)

    def give_back(self, request: HttpRequest, thing: Any, form: GiveBackForm) -> Done:
        payment = form.payment
        given = operations.give_money_back(
            payment,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            amount=form.amount(),
            remember=form.remember,
        )
        return _refunded(given, payment) if isinstance(given, Refund) else _cancelled(given, payment)
