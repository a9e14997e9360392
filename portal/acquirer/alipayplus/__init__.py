"""Alipay+ as it speaks to acquiring partners: product Auto Debit, edition Unified Payment.

    asking, answers      pure: our words to theirs, and back; camelCase lives there and in ``notifications`` alone
    codes, meanings      every documented result code: what we may believe, what to do, in words
    notifications        what it tells and asks us
    presentation         how its method is to be shown: logo, promotion, client SDK
    points               what its documents leave open, with what we do until it is confirmed

It differs from other protocols in what capabilities say: a refund cannot be asked about and is repeated instead, our
answers to its messages are signed, it asks before a wallet unbinds, and it wants to know who the merchant is.

No verb raises for what the wire does. An answer that did not come, or that may not be believed, is UNKNOWN, with the
exchange and ``may_have_arrived``; a code in an answer that is not believed is kept for display.
Source: https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_acq_ns/api
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import requests

from portal import clock
from portal.acquirer import (
    Capabilities,
    ConsultRequest,
    Credentials,
    DeclarationRequest,
    Diagnosis,
    PaymentRequest,
    RefundRequest,
    Unbinding,
    diagnosis,
    inbound,
)
from portal.acquirer.alipayplus import answers, asking, codes, notifications, presentation
from portal.acquirer.alipayplus.codes import AUTHORIZATION_REFUSALS, PAYMENT_REFUSALS, Api
from portal.acquirer.alipayplus.meanings import meaning_of
from portal.acquirer.alipayplus.points import POINTS
from portal.acquirer.answering import unanswered
from portal.acquirer.client import Answer, Dialect, SignedClient, kept_answer, new_session
from portal.acquirer.deadlines import cancel_deadline
from portal.acquirer.errors import NotSent, NoVerdict
from portal.acquirer.points import Settled
from portal.acquirer.results import (
    Acknowledgement,
    Advice,
    CancelResult,
    ConsultResult,
    DeclarationInquiry,
    DeclarationResult,
    InboundMessage,
    Outcome,
    PaymentInquiry,
    PaymentResult,
    Presentation,
    RefundInquiry,
    RefundResult,
    RevokeResult,
    Secret,
    TokenResult,
    WireExchange,
)
from portal.acquirer.signing import Form
from portal.acquirer.wallets import Wallet

__all__ = ["AUTHORIZATION_REFUSALS", "CAPABILITIES", "PAYMENT_REFUSALS", "POINTS", "AlipayPlus", "meaning_of"]

CAPABILITIES = Capabilities(
    can_inquire_refund=False,
    can_cancel_in_part=False,
    signs_acknowledgements=True,
    asks_before_unbinding=True,
    needs_merchant_data=True,
    can_declare_customs=False,
    clears_first=True,
    payment_expiry_seconds=60,
    payment_poll_seconds=3.0,
    payment_poll_count=20,
    refund_poll_seconds=15.0,
    # Never counted: a refund is repeated, and nobody denies it.
    refund_missing_after=3,
    refresh_before_days=10,
    declaration_inquiry_size=1,
    presents_methods=True,
)

_PATHS: Mapping[Api, str] = {
    Api.PREPARE: "/aps/api/v1/authorizations/prepare",
    Api.APPLY_TOKEN: "/aps/api/v1/authorizations/applyToken",
    Api.CANCEL_TOKEN: "/aps/api/v1/authorizations/cancelToken",
    Api.PAY: "/aps/api/v1/payments/pay",
    Api.INQUIRY_PAYMENT: "/aps/api/v1/payments/inquiryPayment",
    Api.CANCEL_PAYMENT: "/aps/api/v1/payments/cancelPayment",
    Api.REFUND: "/aps/api/v1/payments/refund",
}
"""The same for sandbox clients. https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/api_overview"""


def stamp(moment: datetime) -> str:
    """``Request-Time`` and ``Response-Time``: ISO 8601 in whole seconds, with the offset."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


class AlipayPlus:
    """Speaks for one account; keeps nothing but its connections. Every id comes from the caller's row."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        session: requests.Session | None = None,
        client: SignedClient | None = None,
    ) -> None:
        self._credentials = credentials
        self._merchant = credentials.merchant
        self._settled = Settled(POINTS, credentials.settled)
        self._dialect = Dialect(
            stamp=stamp,
            form=Form(self._settled.text("signature_form")),
            sends_key_version=self._settled.flag("sends_key_version"),
        )
        self._session = session or new_session()
        self._client = client or SignedClient(credentials, session=self._session, dialect=self._dialect)

    @property
    def capabilities(self) -> Capabilities:
        """What this acquirer can do and how it likes to be treated, as far as it is settled for this account."""
        return replace(
            CAPABILITIES,
            refresh_before_days=self._settled.number("refresh_before_days"),
            unbinding=Unbinding(self._settled.text("unbinding")),
        )

    def consult(self, request: ConsultRequest) -> ConsultResult:
        """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_ns/prepare"""
        message = asking.preparation(request, merchant=self._merchant, settled=self._settled)
        try:
            answer = self._post(Api.PREPARE, message)
        except (NotSent, NoVerdict) as reason:
            return unanswered(ConsultResult, codes.unsure(Api.PREPARE), reason)
        return answers.preparation_result(answer, terminal=request.terminal.terminal_type)

    def apply_token(self, *, wallet: str, auth_code: Secret) -> TokenResult:
        """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/apply_token. Repeating it is the documented retry.

        The token of a lost answer may also come by authNotify.
        """
        return self._token(asking.token_for_code(merchant=self._merchant, auth_code=auth_code))

    def refresh_token(self, *, wallet: str, refresh_token: Secret) -> TokenResult:
        """https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_acq_ns/refresh_access_token

        A new pair kills the old one; wallets are asked to take the same refresh token again for five minutes.
        """
        return self._token(asking.token_for_refresh(merchant=self._merchant, refresh_token=refresh_token))

    def revoke(self, *, access_token: Secret) -> RevokeResult:
        """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/cancel_token. Repeating it is safe."""
        message = asking.token_cancellation(merchant=self._merchant, access_token=access_token)
        try:
            answer = self._post(Api.CANCEL_TOKEN, message)
        except (NotSent, NoVerdict) as reason:
            return unanswered(RevokeResult, codes.unsure(Api.CANCEL_TOKEN), reason)
        return answers.cancellation_of_token(answer)

    def pay(self, request: PaymentRequest, *, is_repeat: bool = False) -> PaymentResult:
        """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/pay_auto_debit

        ``is_repeat``: this id may have been sent before.
        """
        message = asking.agreement_payment(request, merchant=self._merchant, settled=self._settled, now=clock.now())
        try:
            answer = self._post(Api.PAY, message)
        except (NotSent, NoVerdict) as reason:
            return unanswered(PaymentResult, codes.unsure(Api.PAY), reason, is_repeat=is_repeat)
        return answers.payment_result(answer, payment_request_id=request.payment_request_id, is_repeat=is_repeat)

    def inquire_payment(self, *, payment_request_id: str, payment_id: str = "") -> PaymentInquiry:
        """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_tile/inquiry_payment"""
        message = asking.payment_question(payment_request_id=payment_request_id, payment_id=payment_id)
        try:
            answer = self._post(Api.INQUIRY_PAYMENT, message)
        except (NotSent, NoVerdict) as reason:
            return unanswered(PaymentInquiry, codes.unsure(Api.INQUIRY_PAYMENT), reason)
        return answers.payment_inquiry(answer, payment_request_id=payment_request_id, payment_id=payment_id)

    def recall_inquiry(
        self, exchange: WireExchange, *, payment_request_id: str, payment_id: str = ""
    ) -> PaymentInquiry:
        """What a kept answer to inquiryPayment says. Nothing is sent."""
        answer = kept_answer(exchange)
        if answer is None:
            return PaymentInquiry(outcome=Outcome.UNKNOWN, advice=codes.unsure(Api.INQUIRY_PAYMENT), exchange=exchange)
        return answers.payment_inquiry(answer, payment_request_id=payment_request_id, payment_id=payment_id)

    def cancel(self, *, payment_request_id: str, payment_id: str = "") -> CancelResult:
        """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/cancel_payment. The same id has the same result."""
        message = asking.payment_question(payment_request_id=payment_request_id, payment_id=payment_id)
        try:
            answer = self._post(Api.CANCEL_PAYMENT, message)
        except (NotSent, NoVerdict) as reason:
            return unanswered(CancelResult, codes.unsure(Api.CANCEL_PAYMENT), reason)
        return answers.cancel_result(answer, payment_request_id=payment_request_id, payment_id=payment_id)

    def refund(self, request: RefundRequest, *, is_repeat: bool = False) -> RefundResult:
        """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/refund. Repeated identically until it is final.

        ``is_repeat``: this id may have been sent before.
        """
        try:
            answer = self._post(Api.REFUND, asking.payment_refund(request))
        except (NotSent, NoVerdict) as reason:
            return unanswered(RefundResult, codes.unsure(Api.REFUND), reason, is_repeat=is_repeat)
        return answers.refund_result(
            answer,
            refund_request_id=request.refund_request_id,
            payment_id=request.payment_id,
            is_repeat=is_repeat,
        )

    def inquire_refund(self, *, refund_request_id: str, refund_id: str = "") -> RefundInquiry:
        """There is no such question (``can_inquire_refund``): UNKNOWN, and nothing is sent."""
        return RefundInquiry(outcome=Outcome.UNKNOWN, advice=Advice.SEND_AGAIN, may_have_arrived=False)

    def declare(self, request: DeclarationRequest, *, is_repeat: bool = False) -> DeclarationResult:
        """Its fields are not published to us (``can_declare_customs``): UNKNOWN, and nothing is sent."""
        return DeclarationResult(outcome=Outcome.UNKNOWN, advice=Advice.CALL_SUPPORT, may_have_arrived=is_repeat)

    def inquire_declarations(self, declaration_request_ids: Sequence[str]) -> DeclarationInquiry:
        """Its fields are not published to us (``can_declare_customs``): UNKNOWN, and nothing is sent."""
        return DeclarationInquiry(outcome=Outcome.UNKNOWN, advice=Advice.CALL_SUPPORT, may_have_arrived=False)

    def diagnose(self) -> Diagnosis:
        """Ask about a payment that cannot exist, and explain what comes back. Changes nothing anywhere."""
        question = asking.payment_question(payment_request_id=clock.fresh_id("TEST"))
        try:
            answer = self._post(Api.INQUIRY_PAYMENT, question)
        except (NotSent, NoVerdict) as reason:
            return diagnosis.explain(self._credentials, reason.exchange, reason, meaning_of=meaning_of)
        return diagnosis.explain(self._credentials, answer.exchange, None, meaning_of=meaning_of)

    def cancel_deadline(self, paid_at: datetime, *, method: Wallet | None) -> datetime | None:
        """Usually 00:15 of the acquirer's next day (UTC+8); None where what is paid cannot be cancelled."""
        return cancel_deadline(paid_at, method=method)

    def present(self, *, currency: str) -> Presentation | None:
        """https://docs.alipayplus.com/alipayplus/alipayplus/integration_cashier_acq/consult_info

        None while the address of the information is not settled and there is no client SDK.
        """
        url = presentation.address(self._credentials, self._settled, currency=currency)
        sdk_url = self._settled.text("sdk_url")
        if not url and not sdk_url:
            return None
        shown = presentation.read(self._session, url, self._settled) if url else Presentation(is_available=False)
        return replace(shown, sdk_url=sdk_url, kept_seconds=60 * self._settled.number("cdn_cache_minutes"))

    def read(self, *, path: str, headers: Mapping[str, str], body: bytes) -> InboundMessage:
        """Verify a message over its raw bytes, then parse it. Raises BadSignature, and nothing else."""
        signed = path if self._settled.flag("inbound_signed_with_query") else path.partition("?")[0]
        inbound.verify(self._credentials, path=signed, headers=headers, body=body)
        return self.parse(body)

    def parse(self, body: bytes) -> InboundMessage:
        """Parse the body of a message that was verified when it came in. Never raises."""
        return inbound.parsed(
            body,
            lambda message: notifications.told_apart(message, credentials=self._credentials, settled=self._settled),
        )

    def acknowledge(
        self, *, path: str, now: datetime, accepted: bool = True, allows: bool | None = None
    ) -> Acknowledgement:
        """Our answer, signed with our key: that it arrived, and ``allowUnbinding`` where we were asked.

        https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_tile/signature
        """
        plain = inbound.acknowledgement(accepted=accepted, allows=allows)
        signed = path if self._settled.flag("inbound_signed_with_query") else path.partition("?")[0]
        return inbound.signed(plain, self._credentials, self._dialect, path=signed, now=now)

    def _token(self, message: Mapping[str, Any]) -> TokenResult:
        try:
            answer = self._post(Api.APPLY_TOKEN, message)
        except (NotSent, NoVerdict) as reason:
            return unanswered(TokenResult, codes.unsure(Api.APPLY_TOKEN), reason)
        return answers.token_result(answer, settled=self._settled)

    def _post(self, api: Api, message: Mapping[str, Any]) -> Answer:
        return self._client.post(api.value, _PATHS[api], message)
