"""What every adapter promises, whichever acquirer it speaks to: every outcome, every fault, every message.

A capability decides which of two ways is taken, and nothing else does: no test here asks for a name.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from portal import clock
from portal.acquirer import signing
from portal.acquirer.adapters import ADAPTERS
from portal.acquirer.errors import BadSignature
from portal.acquirer.results import (
    Advice,
    AuthorizationEventKind,
    AuthorizationMessage,
    Outcome,
    PaymentMessage,
    RefundMessage,
    Result,
    Secret,
    SignatureVerdict,
    UnbindingQuestion,
    UnreadableMessage,
)
from portal.acquirer.wallets import wallet_facts
from portal.money import Money
from portal.sandbox.control import ControlFailed
from tests.acquirer.peer import STRANGERS

from .conftest import CONNECTED, PART, PRICE, Mailbox, Side

Verb = Callable[[Side], Result]

VERBS: dict[str, Verb] = {
    "consult": lambda side: side.consult(),
    "applyToken": lambda side: side.acquirer.apply_token(wallet="GCASH", auth_code=side.agrees()),
    "revoke": lambda side: side.acquirer.revoke(access_token=_token(side)),
    "pay": lambda side: side.acquirer.pay(side.payment(side.binds())),
    "inquiryPayment": lambda side: side.acquirer.inquire_payment(payment_request_id=side.paid()[0].payment_request_id),
    "cancel": lambda side: side.acquirer.cancel(payment_request_id=side.paid()[0].payment_request_id),
    "refund": lambda side: side.acquirer.refund(side.refund(side.paid()[1])),
}
"""Every verb all of them have, by the sandbox's plain word for it."""


def _token(side: Side) -> Secret:
    token = side.binds().access_token
    assert token is not None
    return token


def test_every_adapter_is_connected_here() -> None:
    assert set(CONNECTED) == set(ADAPTERS)


# Agreements.


def test_an_agreement_is_made_renewed_and_ended(side: Side) -> None:
    first = side.binds()
    assert first.access_token_expires_at is not None
    assert first.access_token_expires_at > clock.now()
    assert first.refresh_token is not None
    second = side.acquirer.refresh_token(wallet="GCASH", refresh_token=first.refresh_token)
    assert second.outcome is Outcome.SUCCESS
    assert second.access_token not in (None, first.access_token)
    refused = side.acquirer.pay(side.payment(first))
    assert (refused.outcome, refused.advice) == (Outcome.FAIL, Advice.REAUTHORIZE)
    assert second.access_token is not None
    ended = side.acquirer.revoke(access_token=second.access_token)
    again = side.acquirer.revoke(access_token=second.access_token)
    assert (ended.outcome, again.outcome, ended.already_dead) == (Outcome.SUCCESS, Outcome.SUCCESS, False)
    refused = side.acquirer.pay(side.payment(second))
    assert (refused.outcome, refused.advice) == (Outcome.FAIL, Advice.REAUTHORIZE)
    assert side.control.taken_from("ana") == []


def test_a_code_is_good_for_one_token(side: Side) -> None:
    """A repeat is answered with the same token, or refused; never with another."""
    code = side.agrees()
    first = side.acquirer.apply_token(wallet="GCASH", auth_code=code)
    again = side.acquirer.apply_token(wallet="GCASH", auth_code=code)
    assert first.outcome is Outcome.SUCCESS
    if again.outcome is Outcome.SUCCESS:
        assert again.access_token == first.access_token
    else:
        assert (again.outcome, again.advice, again.access_token) == (Outcome.FAIL, Advice.REAUTHORIZE, None)
    never = side.acquirer.apply_token(wallet="GCASH", auth_code=Secret("NO_SUCH_CODE"))
    assert (never.outcome, never.advice, never.access_token) == (Outcome.FAIL, Advice.REAUTHORIZE, None)


def test_a_refresh_token_nobody_gave_is_refused(side: Side) -> None:
    refused = side.acquirer.refresh_token(wallet="GCASH", refresh_token=Secret("NO_SUCH_TOKEN"))
    assert (refused.outcome, refused.advice) == (Outcome.FAIL, Advice.REAUTHORIZE)


# Payments.


def test_a_payment_is_made_and_asked_about(side: Side) -> None:
    request, paid = side.paid()
    assert (paid.amount, paid.payment_id != "") == (PRICE, True)
    assert paid.paid_at is not None
    assert paid.gross_settlement is not None
    assert paid.gross_settlement.currency == "USD"
    assert paid.quote is not None
    assert paid.quote.price > 0
    asked = side.acquirer.inquire_payment(payment_request_id=request.payment_request_id, payment_id=paid.payment_id)
    assert asked.payment is not None
    assert asked.exchange is not None
    assert (asked.payment.outcome, asked.payment.amount) == (Outcome.SUCCESS, PRICE)
    assert (asked.payment.payment_id, asked.payment.paid_at) == (paid.payment_id, paid.paid_at)
    recalled = side.acquirer.recall_inquiry(asked.exchange, payment_request_id=request.payment_request_id)
    assert recalled.payment == asked.payment
    of_another = side.acquirer.recall_inquiry(asked.exchange, payment_request_id="ANOTHER")
    assert (of_another.outcome, of_another.payment) == (Outcome.UNKNOWN, None)
    assert side.control.taken_from("ana") == [PRICE]


def test_a_currency_without_decimals_goes_and_comes_as_it_is(side: Side) -> None:
    token = side.binds(user="jisoo", wallet="KAKAOPAY")
    amount = Money(12_000, "KRW")
    paid = side.acquirer.pay(side.payment(token, amount, wallet="KAKAOPAY"))
    assert (paid.outcome, paid.amount) == (Outcome.SUCCESS, amount)


def test_the_same_payment_sent_again_is_one_debit(side: Side) -> None:
    request = side.payment(side.binds())
    side.control.fault("answer_lost", api="pay")
    lost = side.acquirer.pay(request)
    assert (lost.outcome, lost.may_have_arrived) == (Outcome.UNKNOWN, True)
    again = side.acquirer.pay(request, is_repeat=True)
    assert (again.outcome, again.amount) == (Outcome.SUCCESS, PRICE)
    assert side.control.taken_from("ana") == [PRICE]


def test_an_id_used_for_another_amount_says_nothing_about_either(side: Side) -> None:
    token = side.binds()
    request = side.payment(token)
    side.acquirer.pay(request)
    other = side.payment(token, Money(100, "PHP"), payment_request_id=request.payment_request_id)
    result = side.acquirer.pay(other)
    assert (result.outcome, result.code) == (Outcome.UNKNOWN, "REPEAT_REQ_INCONSISTENT")


def test_a_refusal_is_final_the_first_time_and_a_question_on_a_repeat(side: Side) -> None:
    request = side.payment(side.binds(user="paolo"))
    refused = side.acquirer.pay(request)
    assert (refused.outcome, refused.code) == (Outcome.FAIL, "USER_BALANCE_NOT_ENOUGH")
    repeated = side.acquirer.pay(request, is_repeat=True)
    assert (repeated.outcome, repeated.code) == (Outcome.UNKNOWN, "USER_BALANCE_NOT_ENOUGH")
    asked = side.acquirer.inquire_payment(payment_request_id=request.payment_request_id)
    assert asked.payment is not None
    assert asked.payment.outcome is Outcome.FAIL
    assert side.control.taken_from("paolo") == []


def test_a_call_that_worked_is_no_payment_that_was_made(side: Side) -> None:
    """The inquiry's own success says nothing of the payment."""
    request = side.payment(side.binds())
    side.control.fault("payment_stays_processing")
    assert side.acquirer.pay(request).outcome is Outcome.UNKNOWN
    asked = side.acquirer.inquire_payment(payment_request_id=request.payment_request_id)
    assert asked.outcome is Outcome.SUCCESS
    assert asked.payment is not None
    assert asked.payment.outcome is Outcome.UNKNOWN
    side.control.finish_payment(request.payment_request_id)
    asked = side.acquirer.inquire_payment(payment_request_id=request.payment_request_id)
    assert asked.payment is not None
    assert (asked.payment.outcome, asked.payment.amount) == (Outcome.SUCCESS, PRICE)


def test_nobody_knows_a_payment_that_was_never_made(side: Side) -> None:
    asked = side.acquirer.inquire_payment(payment_request_id="NEVER_MADE")
    assert (asked.is_unknown_there, asked.payment) == (True, None)
    cancelled = side.acquirer.cancel(payment_request_id="NEVER_MADE")
    assert (cancelled.outcome, cancelled.is_unknown_there) == (Outcome.FAIL, True)


# Money back.


def test_what_is_paid_is_cancelled_as_a_whole_and_once(side: Side) -> None:
    request, paid = side.paid()
    ids = {"payment_request_id": request.payment_request_id, "payment_id": paid.payment_id}
    assert side.acquirer.cancel(**ids).outcome is Outcome.SUCCESS
    assert side.acquirer.cancel(**ids).outcome is Outcome.SUCCESS
    asked = side.acquirer.inquire_payment(payment_request_id=request.payment_request_id)
    assert asked.payment is not None
    assert (asked.payment.outcome, asked.payment.is_cancelled) == (Outcome.FAIL, True)
    assert side.control.given_back_to("ana") == [PRICE]


def test_the_day_to_cancel_ends_where_we_say_it_does(side: Side) -> None:
    token = side.binds()
    first, second = side.payment(token), side.payment(token)
    paid = side.acquirer.pay(first)
    assert side.acquirer.pay(second).outcome is Outcome.SUCCESS
    assert paid.paid_at is not None
    until = side.acquirer.cancel_deadline(paid.paid_at, method=wallet_facts("GCASH"))
    assert until is not None
    side.control.set_clock(until - timedelta(seconds=1))
    assert side.acquirer.cancel(payment_request_id=first.payment_request_id).outcome is Outcome.SUCCESS
    side.control.set_clock(until + timedelta(seconds=1))
    late = side.acquirer.cancel(payment_request_id=second.payment_request_id)
    assert (late.outcome, late.is_too_late, late.advice) == (Outcome.FAIL, True, Advice.REFUND)


def test_money_is_given_back_in_parts_and_never_more_than_was_paid(side: Side) -> None:
    request, paid = side.paid()
    part = side.refund(paid)
    given = side.acquirer.refund(part)
    assert (given.outcome, given.amount, given.refund_id != "") == (Outcome.SUCCESS, PART, True)
    (listed,) = side.acquirer.inquire_payment(payment_request_id=request.payment_request_id).refunds
    assert (listed.refund_request_id, listed.refund.outcome) == (part.refund_request_id, Outcome.SUCCESS)
    assert (listed.refund.amount, listed.refund.refund_id) == (PART, given.refund_id)
    too_much = side.acquirer.refund(side.refund(paid, PRICE))
    assert (too_much.outcome, too_much.code) == (Outcome.FAIL, "REFUND_AMOUNT_EXCEED")
    assert side.control.given_back_to("ana") == [PART]


@pytest.mark.parametrize("fault", ["answer_lost", "request_lost", "http_500", "answer_unsigned"])
def test_a_refund_without_an_answer_is_heard_of_in_its_acquirers_way_and_made_once(side: Side, fault: str) -> None:
    """Asked about where that can be done, repeated where it cannot; either way it is given back once."""
    _, paid = side.paid()
    wanted = side.refund(paid)
    side.control.fault(fault, api="refund")
    lost = side.acquirer.refund(wanted)
    assert (lost.outcome, lost.may_have_arrived) == (Outcome.UNKNOWN, True)
    if side.acquirer.capabilities.can_inquire_refund:
        asked = side.acquirer.inquire_refund(refund_request_id=wanted.refund_request_id)
        known = asked.refund
        if known is None:
            assert asked.is_unknown_there
            known = side.acquirer.refund(wanted, is_repeat=True)
    else:
        assert lost.advice is Advice.SEND_AGAIN
        known = side.acquirer.refund(wanted, is_repeat=True)
    assert (known.outcome, known.amount) == (Outcome.SUCCESS, PART)
    assert side.control.given_back_to("ana") == [PART]


def test_a_refund_in_process_is_unknown_until_it_is_done(side: Side) -> None:
    _, paid = side.paid()
    wanted = side.refund(paid)
    side.control.fault("refund_stays_processing")
    assert side.acquirer.refund(wanted).outcome is Outcome.UNKNOWN
    assert _about(side, wanted).outcome is Outcome.UNKNOWN
    side.control.finish_refund(wanted.refund_request_id)
    assert _about(side, wanted).outcome is Outcome.SUCCESS
    assert side.control.given_back_to("ana") == [PART]


def test_a_refund_that_failed_is_heard_of_as_failed(side: Side) -> None:
    _, paid = side.paid()
    wanted = side.refund(paid)
    side.control.fault("refund_fails", code="PROCESS_FAIL")
    side.acquirer.refund(wanted)
    assert _about(side, wanted).outcome is Outcome.FAIL
    assert side.control.given_back_to("ana") == []


def _about(side: Side, wanted: Any) -> Any:
    if side.acquirer.capabilities.can_inquire_refund:
        return side.acquirer.inquire_refund(refund_request_id=wanted.refund_request_id).refund
    nothing = side.acquirer.inquire_refund(refund_request_id=wanted.refund_request_id)
    assert (nothing.outcome, nothing.exchange) == (Outcome.UNKNOWN, None)
    return side.acquirer.refund(wanted, is_repeat=True)


# Faults.


@pytest.mark.parametrize("word", VERBS)
@pytest.mark.parametrize(
    "fault", ["answer_lost", "request_lost", "answer_wrongly_signed", "answer_unsigned", "http_500"]
)
def test_no_verdict_is_unknown_and_raises_nothing(side: Side, word: str, fault: str) -> None:
    side.control.fault(fault, api=word)
    result = VERBS[word](side)
    assert (result.outcome, result.may_have_arrived) == (Outcome.UNKNOWN, True)
    assert result.exchange is not None
    assert result.exchange.error
    assert result.exchange.verdict is not SignatureVerdict.VERIFIED or result.exchange.http_status == 500


@pytest.mark.parametrize("word", VERBS)
def test_a_u_and_an_f_of_the_call_are_read_as_such(side: Side, word: str) -> None:
    side.control.fault("answer_code", api=word, code="UNKNOWN_EXCEPTION")
    assert VERBS[word](side).outcome is Outcome.UNKNOWN
    side.control.fault("answer_code", api=word, code="PROCESS_FAIL")
    refused = VERBS[word](side)
    assert (refused.outcome, refused.code) == (Outcome.FAIL, "PROCESS_FAIL")


@pytest.mark.parametrize("word", ["consult", "pay", "refund", "cancel", "inquiryPayment", "revoke", "applyToken"])
def test_what_certainly_never_left_may_be_sent_again(side: Side, word: str) -> None:
    nowhere = side.speaking_as(gateway_url="http://gateway.example")
    request, paid = side.paid()
    verbs: dict[str, Callable[[], Result]] = {
        "consult": lambda: Side(side.name, side.credentials, side.control, nowhere).consult(),
        "applyToken": lambda: nowhere.apply_token(wallet="GCASH", auth_code=Secret("CODE")),
        "revoke": lambda: nowhere.revoke(access_token=Secret("TOKEN")),
        "pay": lambda: nowhere.pay(request),
        "refund": lambda: nowhere.refund(side.refund(paid)),
        "cancel": lambda: nowhere.cancel(payment_request_id=request.payment_request_id),
        "inquiryPayment": lambda: nowhere.inquire_payment(payment_request_id=request.payment_request_id),
    }
    result = verbs[word]()
    assert (result.outcome, result.may_have_arrived, result.advice) == (Outcome.UNKNOWN, False, Advice.SEND_AGAIN)


def test_no_secret_stands_in_what_people_see(side: Side) -> None:
    token = side.binds()
    result = side.acquirer.pay(side.payment(token))
    assert token.access_token is not None
    assert token.refresh_token is not None
    assert token.exchange is not None
    assert result.exchange is not None
    for secret in (token.access_token.reveal(), token.refresh_token.reveal()):
        for exchange in (token.exchange, result.exchange):
            assert secret not in exchange.masked_request + exchange.masked_response
            assert secret not in repr(token) + repr(result)
    assert side.credentials.private_key_pem.reveal() not in repr(side.credentials)


# Messages.


def test_its_messages_are_believed_read_and_acknowledged(side: Side, mailbox: Mailbox) -> None:
    request, paid = side.paid()
    if ADAPTERS[side.name].capabilities.can_inquire_refund:
        side.acquirer.refund(side.refund(paid))
    side.control.tick()
    (agreed,) = mailbox.messages(AuthorizationMessage)
    assert (agreed.kind, bool(agreed.auth_code), agreed.auth_state != "") == (
        AuthorizationEventKind.CODE_CREATED,
        True,
        True,
    )
    (told,) = mailbox.messages(PaymentMessage)
    assert (told.payment_request_id, told.payment.outcome) == (request.payment_request_id, Outcome.SUCCESS)
    assert (told.payment.amount, told.payment.paid_at, told.is_pending) == (PRICE, paid.paid_at, False)
    assert all(one.refund.amount == PART for one in mailbox.messages(RefundMessage))
    assert {one["status"] for one in side.control.notifications()} == {"ACKNOWLEDGED"}
    assert mailbox.refused == []


def test_one_that_is_altered_sent_elsewhere_or_signed_by_another_is_refused(side: Side, mailbox: Mailbox) -> None:
    side.paid()
    side.control.tick()
    heard = mailbox.heard[-1]
    other_headers = {**heard.headers, "request-time": "2020-01-01T00:00:00+00:00"}
    for path, headers, body in (
        (heard.uri, heard.headers, heard.body.replace(b"499", b"498").replace(b"authCode", b"authcode")),
        (heard.uri + "x", heard.headers, heard.body),
        (heard.uri, other_headers, heard.body),
        (heard.uri, {**heard.headers, "client-id": "SOMEBODY"}, heard.body),
        (heard.uri, {}, heard.body),
    ):
        with pytest.raises(BadSignature):
            side.acquirer.read(path=path, headers=headers, body=body)
    content = signing.content_to_sign(
        "POST", heard.uri, heard.headers["client-id"], heard.headers["request-time"], heard.body
    )
    forged = signing.signature_header(signing.sign(STRANGERS, content))
    with pytest.raises(BadSignature):
        side.acquirer.read(path=heard.uri, headers={**heard.headers, "signature": forged}, body=heard.body)


def test_a_kept_message_is_read_again_as_it_was(side: Side, mailbox: Mailbox) -> None:
    side.paid()
    side.control.tick()
    assert len(mailbox.read) == len(mailbox.heard) > 0
    for heard, read in zip(mailbox.heard, mailbox.read, strict=True):
        assert side.acquirer.parse(heard.body) == read


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"{}", b'{"paymentResult": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_message_is_unreadable_and_raises_nothing(side: Side, body: bytes) -> None:
    assert isinstance(side.acquirer.parse(body).message, UnreadableMessage)


def test_a_wrongly_signed_message_is_refused_and_comes_again(side: Side, mailbox: Mailbox) -> None:
    request = side.payment(side.binds())
    side.control.tick()
    side.control.fault("notification_wrongly_signed", notification="notifyPayment")
    side.acquirer.pay(request)
    side.control.tick()
    assert mailbox.refused == ["wrong_signature"]
    assert mailbox.messages(PaymentMessage) == []


def test_a_buyer_ends_the_agreement_in_the_wallet(side: Side, mailbox: Mailbox) -> None:
    token = side.binds("farah", "TNG")
    assert side.control.revoke_in_the_wallet("farah", "TNG", client_id=side.credentials.client_id) == 1
    side.control.tick()
    told = mailbox.messages(AuthorizationMessage)
    (ended,) = [one for one in told if one.kind is AuthorizationEventKind.TOKEN_CANCELED]
    assert ended.access_token == token.access_token
    asked = [one.access_token for one in mailbox.messages(UnbindingQuestion)]
    assert asked == ([token.access_token] if side.acquirer.capabilities.asks_before_unbinding else [])


def test_an_agreement_that_may_not_be_ended_in_the_wallet_lives_on(side: Side, mailbox: Mailbox) -> None:
    if not side.acquirer.capabilities.asks_before_unbinding:
        assert side.acquirer.acknowledge(path="/", now=clock.now(), allows=False).status == 200
        return
    token = side.binds("farah", "TNG")
    mailbox.allows = False
    with pytest.raises(ControlFailed):
        side.control.revoke_in_the_wallet("farah", "TNG", client_id=side.credentials.client_id)
    paid = side.acquirer.pay(side.payment(token, Money(100_00, "MYR"), wallet="TNG"))
    assert paid.outcome is Outcome.SUCCESS


def test_an_acknowledgement_is_signed_where_the_acquirer_wants_it(side: Side) -> None:
    path = "/notify/shop/payment"
    answer = side.acquirer.acknowledge(path=path, now=clock.now())
    assert answer.status == 200
    signature = answer.headers.get("signature", "")
    assert bool(signature) is side.acquirer.capabilities.signs_acknowledgements
    if signature:
        key = signing.load_private_key(side.credentials.private_key_pem.reveal()).public_key()
        content = signing.content_to_sign(
            "POST", path, answer.headers["client-id"], answer.headers["response-time"], answer.body
        )
        assert signing.verify(key, content, signing.parse_header(signature)["signature"])
    assert side.acquirer.acknowledge(path=path, now=clock.now(), accepted=False).status == 401


# Words and the test call.


def test_the_test_call_finds_it_healthy_and_says_who_is_at_fault(side: Side) -> None:
    healthy = side.acquirer.diagnose()
    assert (healthy.is_healthy, healthy.findings[0][0]) == (True, "healthy")
    wrong_key = side.speaking_as(private_key_pem=Secret(signing.private_pem(STRANGERS)))
    assert "signature_refused" in [code for code, _ in wrong_key.diagnose().findings]
    stranger = side.speaking_as(client_id="SANDBOX_NOBODY")
    assert "wrong_environment" in [code for code, _ in stranger.diagnose().findings]
    other = signing.public_pem(STRANGERS.public_key())
    unbelieved = side.speaking_as(acquirer_keys={"1": other})
    assert "answer_signed_with_another_key" in [code for code, _ in unbelieved.diagnose().findings]


def test_every_refusal_has_words_and_advice(side: Side) -> None:
    adapter = ADAPTERS[side.name]
    for code, advice in adapter.authorization_refusals | adapter.payment_refusals:
        meaning = adapter.meaning_of(code)
        assert "never seen" not in meaning.meaning, code
        assert advice is not Advice.NOTHING
    assert "never seen" in adapter.meaning_of("A_CODE_NEVER_SEEN").meaning
    assert adapter.meaning_of("") == ("", "")
