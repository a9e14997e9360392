"""Every verb against the real sandbox over the loopback: what we say is understood, and what it says is read."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from portal import clock
from portal.acquirer import (
    Certificate,
    ConsultRequest,
    Credentials,
    DeclarationRequest,
    PaymentRequest,
    RefundRequest,
    Terminal,
    TerminalType,
    signing,
)
from portal.acquirer.antom import Antom
from portal.acquirer.errors import BadSignature
from portal.acquirer.results import (
    AuthorizationMessage,
    CustomsStatus,
    InboundMessage,
    Outcome,
    PaymentMessage,
    RefundMessage,
    Secret,
    SignatureVerdict,
)
from portal.acquirer.wallets import wallet_facts
from portal.money import Money
from portal.sandbox.control import SandboxControl
from portal.sandbox.server import Sandbox

from .peer import STRANGERS, Peer, Reply, listening

TERMINAL = Terminal(terminal_type=TerminalType.MINI_APP, os_type="ANDROID", client_ip="203.0.113.9")
PRICE = Money(49900, "PHP")


class Mailbox:
    """Where the sandbox's notifications arrive; read as the account reads them."""

    def __init__(self, peer: Peer, antom: Antom) -> None:
        self._peer, self._antom = peer, antom
        self.url = f"{peer.url}/notify/antom"
        answer = antom.acknowledge(path="/notify/antom", now=clock.now())
        peer.will(Reply(answer.body, is_signed=False))

    def read(self) -> list[InboundMessage]:
        return [self._antom.read(path=heard.uri, headers=heard.headers, body=heard.body) for heard in self._peer.heard]


@pytest.fixture
def antom(sandbox: Sandbox) -> Antom:
    return Antom(credentials_of(sandbox))


def credentials_of(sandbox: Sandbox, **changed: Any) -> Credentials:
    connection = sandbox.connection
    given: dict[str, Any] = {
        "gateway_url": connection.gateway_url,
        "client_id": connection.client_id,
        "key_version": "1",
        "private_key_pem": Secret(connection.merchant_private_key),
        "acquirer_keys": {"1": connection.acquirer_public_key},
    }
    return Credentials(**given | changed)


@pytest.fixture
def mailbox(antom: Antom) -> Iterator[Mailbox]:
    with listening() as peer:
        yield Mailbox(peer, antom)


@pytest.fixture
def control(sandbox: Sandbox) -> SandboxControl:
    return SandboxControl(sandbox.url)


def bind(antom: Antom, control: SandboxControl, user: str = "ana", wallet: str = "GCASH", notify_url: str = "") -> Any:
    consulted = antom.consult(
        ConsultRequest(
            auth_state=clock.fresh_id("AUTH"),
            wallet=wallet,
            redirect_url="https://shop.example/return",
            notify_url=notify_url,
            terminal=TERMINAL,
        )
    )
    assert consulted.outcome is Outcome.SUCCESS
    assert consulted.exchange is not None
    assert consulted.exchange.verdict is SignatureVerdict.VERIFIED
    code = control.agree(consulted.url_for(is_app=False), user)["authCode"]
    token = antom.apply_token(wallet=wallet, auth_code=Secret(code))
    assert token.outcome is Outcome.SUCCESS
    assert token.access_token
    return token


def payment(token: Any, **changed: Any) -> PaymentRequest:
    given: dict[str, Any] = {
        "payment_request_id": clock.fresh_id("PAY"),
        "amount": PRICE,
        "wallet": "GCASH",
        "access_token": token.access_token,
        "order_reference": "ORDER1",
        "order_description": "Monthly plan",
        "settlement_currency": "USD",
        "expires_at": clock.now() + timedelta(seconds=60),
        "notify_url": "",
        "terminal": TERMINAL,
        "app_id": "3333010071465913",
    }
    return PaymentRequest(**given | changed)


def refund(paid: Any, amount: Money, **changed: Any) -> RefundRequest:
    given: dict[str, Any] = {
        "refund_request_id": clock.fresh_id("REF"),
        "payment_id": paid.payment_id,
        "amount": amount,
        "reason": "item returned",
        "notify_url": "",
    }
    return RefundRequest(**given | changed)


def test_an_agreement_is_made_renewed_and_ended(antom: Antom, control: SandboxControl) -> None:
    first = bind(antom, control)
    assert first.access_token_expires_at is not None
    assert first.access_token_expires_at > clock.now()
    second = antom.refresh_token(wallet="GCASH", refresh_token=first.refresh_token)
    assert second.outcome is Outcome.SUCCESS
    assert second.access_token != first.access_token
    assert second.access_token is not None
    assert antom.pay(payment(first)).code == "INVALID_ACCESS_TOKEN"
    ended = antom.revoke(access_token=second.access_token)
    again = antom.revoke(access_token=second.access_token)
    assert (ended.outcome, ended.already_dead) == (Outcome.SUCCESS, False)
    assert (again.outcome, again.already_dead) == (Outcome.SUCCESS, True)


def test_a_code_is_good_for_one_token(antom: Antom) -> None:
    refused = antom.apply_token(wallet="GCASH", auth_code=Secret("NO_SUCH_CODE"))
    assert (refused.outcome, refused.code) == (Outcome.FAIL, "INVALID_AUTHCODE")


def test_a_payment_is_made_asked_about_and_cancelled(antom: Antom, control: SandboxControl) -> None:
    request = payment(bind(antom, control))
    paid = antom.pay(request)
    assert (paid.outcome, paid.code, paid.amount) == (Outcome.SUCCESS, "SUCCESS", PRICE)
    assert paid.paid_at is not None
    assert paid.gross_settlement is not None
    assert paid.gross_settlement.currency == "USD"
    assert paid.quote is not None
    assert paid.quote.price > 0

    asked = antom.inquire_payment(payment_request_id=request.payment_request_id)
    assert asked.outcome is Outcome.SUCCESS
    assert asked.payment is not None
    assert (asked.payment.outcome, asked.payment.payment_id) == (Outcome.SUCCESS, paid.payment_id)
    assert (asked.payment.amount, asked.payment.paid_at) == (PRICE, paid.paid_at)

    cancelled = antom.cancel(payment_request_id=request.payment_request_id, payment_id=paid.payment_id)
    assert (cancelled.outcome, cancelled.payment_id) == (Outcome.SUCCESS, paid.payment_id)
    asked = antom.inquire_payment(payment_request_id=request.payment_request_id)
    assert asked.payment is not None
    assert (asked.payment.outcome, asked.payment.is_cancelled) == (Outcome.FAIL, True)
    assert control.balance("ana", "GCASH") == Money(25_000_00, "PHP")


def test_the_same_payment_sent_again_is_one_debit(antom: Antom, control: SandboxControl) -> None:
    request = payment(bind(antom, control))
    control.fault("answer_lost", api="pay")
    lost = antom.pay(request)
    assert (lost.outcome, lost.may_have_arrived) == (Outcome.UNKNOWN, True)
    again = antom.pay(request, is_repeat=True)
    assert (again.outcome, again.amount) == (Outcome.SUCCESS, PRICE)
    assert control.taken_from("ana") == [PRICE]


def test_an_id_used_for_another_amount_says_nothing_about_either(antom: Antom, control: SandboxControl) -> None:
    token = bind(antom, control)
    request = payment(token)
    antom.pay(request)
    other = payment(token, payment_request_id=request.payment_request_id, amount=Money(100, "PHP"))
    result = antom.pay(other)
    assert (result.outcome, result.code) == (Outcome.UNKNOWN, "REPEAT_REQ_INCONSISTENT")


def test_a_refusal_is_final(antom: Antom, control: SandboxControl) -> None:
    request = payment(bind(antom, control, user="paolo"))
    refused = antom.pay(request)
    assert (refused.outcome, refused.code) == (Outcome.FAIL, "USER_BALANCE_NOT_ENOUGH")
    assert control.taken_from("paolo") == []


def test_nobody_knows_a_payment_that_was_never_made(antom: Antom) -> None:
    asked = antom.inquire_payment(payment_request_id="PAY_NEVER_MADE")
    assert (asked.outcome, asked.is_unknown_there, asked.payment) == (Outcome.FAIL, True, None)
    assert antom.cancel(payment_request_id="PAY_NEVER_MADE").is_unknown_there
    assert antom.inquire_refund(refund_request_id="REF_NEVER_MADE").is_unknown_there


def test_money_is_given_back_in_parts(antom: Antom, control: SandboxControl) -> None:
    request = payment(bind(antom, control))
    paid = antom.pay(request)
    part = refund(paid, Money(10000, "PHP"))
    given = antom.refund(part)
    assert (given.outcome, given.amount, given.payment_id) == (Outcome.SUCCESS, Money(10000, "PHP"), paid.payment_id)
    asked = antom.inquire_refund(refund_request_id=part.refund_request_id)
    assert asked.refund is not None
    assert (asked.refund.outcome, asked.refund.refund_id) == (Outcome.SUCCESS, given.refund_id)
    (listed,) = antom.inquire_payment(payment_request_id=request.payment_request_id).refunds
    assert (listed.refund_request_id, listed.refund.amount) == (part.refund_request_id, Money(10000, "PHP"))
    assert listed.refund.outcome is Outcome.SUCCESS
    too_much = antom.refund(refund(paid, PRICE))
    assert (too_much.outcome, too_much.code) == (Outcome.FAIL, "REFUND_AMOUNT_EXCEED")
    assert control.given_back_to("ana") == [Money(10000, "PHP")]


def test_the_day_to_cancel_ends_where_we_say_it_does(antom: Antom, control: SandboxControl, sandbox: Sandbox) -> None:
    token = bind(antom, control)
    first, second = payment(token), payment(token)
    paid = antom.pay(first)
    antom.pay(second)
    assert paid.paid_at is not None
    until = antom.cancel_deadline(paid.paid_at, method=wallet_facts("GCASH"))
    assert until is not None
    control.set_clock(until - timedelta(seconds=1))
    assert antom.cancel(payment_request_id=first.payment_request_id).outcome is Outcome.SUCCESS
    control.set_clock(until + timedelta(seconds=1))
    late = antom.cancel(payment_request_id=second.payment_request_id)
    assert (late.outcome, late.is_too_late) == (Outcome.FAIL, True)


def test_a_thai_bank_refuses_to_cancel_what_is_paid(antom: Antom, control: SandboxControl) -> None:
    bank = "DIRECT_DEBIT_SIAMCOMMERCIALBANK"
    token = bind(antom, control, user="somchai", wallet=bank)
    request = payment(token, wallet=bank, amount=Money(100_00, "THB"))
    assert antom.pay(request).outcome is Outcome.SUCCESS
    refused = antom.cancel(payment_request_id=request.payment_request_id)
    assert (refused.outcome, refused.is_unsupported) == (Outcome.FAIL, True)


def test_a_payment_is_declared_to_customs(antom: Antom, control: SandboxControl) -> None:
    token = bind(antom, control, user="meiling", wallet="ALIPAY_CN")
    request = payment(token, wallet="ALIPAY_CN", amount=Money(100_00, "CNY"))
    paid = antom.pay(request)
    asked = antom.inquire_payment(payment_request_id=request.payment_request_id)
    assert asked.payment is not None
    assert asked.payment.customs_declaration_amount == Money(100_00, "CNY")
    declaration = DeclarationRequest(
        declaration_request_id=clock.fresh_id("DECL"),
        payment_id=paid.payment_id,
        amount=Money(100_00, "CNY"),
        customs_code="ZONGSHU",
        region="CN",
        merchant_customs_code="3301961A7X",
        merchant_customs_name="Example Trading Ltd",
        certificate=Certificate(kind="ID_CARD", number=Secret("110101199001011234"), full_name=Secret("Li Si")),
    )
    declared = antom.declare(declaration)
    assert (declared.outcome, declared.code) == (Outcome.SUCCESS, "SUCCESS")
    assert declared.customs_payment_id
    assert declared.exchange is not None
    assert "110101199001011234" not in declared.exchange.masked_request
    held = antom.inquire_declarations([declaration.declaration_request_id, "DECL_UNKNOWN"])
    (record,) = held.records
    assert (record.declaration_request_id, record.amount) == (declaration.declaration_request_id, Money(100_00, "CNY"))
    assert record.status is CustomsStatus.IN_PROCESS
    assert held.not_found == ("DECL_UNKNOWN",)


def test_its_notifications_are_read(antom: Antom, control: SandboxControl, mailbox: Mailbox) -> None:
    token = bind(antom, control, notify_url=mailbox.url + "/auth?x=1")
    request = payment(token, notify_url=mailbox.url)
    paid = antom.pay(request)
    part = refund(paid, Money(10000, "PHP"), notify_url=mailbox.url)
    antom.refund(part)
    control.tick()
    by_kind = {inbound.kind: inbound for inbound in mailbox.read()}

    agreed = by_kind["notifyAuthorization"].message
    assert isinstance(agreed, AuthorizationMessage)
    assert agreed.auth_code
    told = by_kind["notifyPayment"].message
    assert isinstance(told, PaymentMessage)
    assert (told.payment_request_id, told.payment.outcome) == (request.payment_request_id, Outcome.SUCCESS)
    assert (told.payment.amount, told.payment.paid_at) == (PRICE, paid.paid_at)
    given = by_kind["notifyRefund"].message
    assert isinstance(given, RefundMessage)
    assert (given.refund_request_id, given.refund.amount) == (part.refund_request_id, Money(10000, "PHP"))
    assert {notification["status"] for notification in control.notifications()} == {"ACKNOWLEDGED"}


def test_a_notification_it_signs_wrongly_is_refused(antom: Antom, control: SandboxControl, mailbox: Mailbox) -> None:
    token = bind(antom, control)
    control.fault("notification_wrongly_signed", notification="notifyPayment")
    antom.pay(payment(token, notify_url=mailbox.url))
    control.tick()
    with pytest.raises(BadSignature) as caught:
        mailbox.read()
    assert caught.value.code == "wrong_signature"


@pytest.mark.parametrize(
    ("fault", "message", "code"),
    [
        ("answer_lost", "connection_lost", ""),
        ("request_lost", "connection_lost", ""),
        ("answer_wrongly_signed", "answer_wrongly_signed (said=SUCCESS)", "SUCCESS"),
        ("answer_unsigned", "answer_unsigned (said=SUCCESS)", "SUCCESS"),
        ("http_500", "http_status (status=500)", None),
    ],
)
def test_no_verdict_is_unknown(
    antom: Antom, control: SandboxControl, fault: str, message: str, code: str | None
) -> None:
    token = bind(antom, control)
    control.fault(fault, api="pay")
    result = antom.pay(payment(token))
    assert (result.outcome, result.may_have_arrived) == (Outcome.UNKNOWN, True)
    assert result.message.startswith(message.removesuffix(")"))
    assert code is None or result.code == code


def test_a_code_forced_upon_it_is_read(antom: Antom, control: SandboxControl) -> None:
    token = bind(antom, control)
    control.fault("answer_code", api="pay", code="PAYMENT_IN_PROCESS")
    result = antom.pay(payment(token))
    assert (result.outcome, result.code) == (Outcome.UNKNOWN, "PAYMENT_IN_PROCESS")


def test_the_test_call_finds_it_healthy_and_says_what_is_not(antom: Antom, sandbox: Sandbox) -> None:
    assert antom.diagnose().findings[0][0] == "healthy"
    connection = sandbox.connection
    wrong_key = credentials_of(sandbox, private_key_pem=Secret(signing.private_pem(STRANGERS)))
    assert [code for code, _ in Antom(wrong_key).diagnose().findings] == ["signature_refused"]
    own_key = credentials_of(sandbox, acquirer_keys={"1": connection.merchant_public_key})
    assert [code for code, _ in Antom(own_key).diagnose().findings] == [
        "own_key_as_acquirer_key",
        "answer_signed_with_another_key",
    ]
    stranger = credentials_of(sandbox, client_id="SANDBOX_NOBODY")
    assert "wrong_environment" in [code for code, _ in Antom(stranger).diagnose().findings]
