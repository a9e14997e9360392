"""The acquirer as Antom's API speaks it (https://docs.antom.com/ac/ams/api_fund).

    asking, answers      pure: our words to theirs, and back; camelCase lives there and in ``notifications`` alone
    codes                every documented result code: what we may believe, what to do
    notifications        what it tells us unasked

No verb raises for what the wire does. An answer that did not come, or that may not be believed, is UNKNOWN, with the
exchange and ``may_have_arrived``; a code in an answer that is not believed is kept for display.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
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
    diagnosis,
    inbound,
)
from portal.acquirer.answering import unanswered
from portal.acquirer.antom import answers, asking, codes, notifications
from portal.acquirer.antom.codes import AUTHORIZATION_REFUSALS, PAYMENT_REFUSALS, Api
from portal.acquirer.antom.meanings import meaning_of
from portal.acquirer.client import Answer, SignedClient, kept_answer
from portal.acquirer.deadlines import cancel_deadline
from portal.acquirer.errors import NotSent, NoVerdict
from portal.acquirer.results import (
    Acknowledgement,
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
from portal.acquirer.wallets import Wallet

__all__ = ["AUTHORIZATION_REFUSALS", "CAPABILITIES", "PAYMENT_REFUSALS", "Antom", "meaning_of", "path_of"]

CAPABILITIES = Capabilities(
    can_inquire_refund=True,
    can_cancel_in_part=False,
    signs_acknowledgements=False,
    asks_before_unbinding=False,
    needs_merchant_data=False,
    can_declare_customs=True,
    clears_first=False,
    payment_expiry_seconds=60,
    payment_poll_seconds=3.0,
    payment_poll_count=20,
    refund_poll_seconds=15.0,
    refund_missing_after=3,
    refresh_before_days=10,
    declaration_inquiry_size=10,
)

_SANDBOX_CLIENT = "SANDBOX_"

_PATHS: Mapping[Api, str] = {
    Api.CONSULT: "/ams/api/v1/authorizations/consult",
    Api.APPLY_TOKEN: "/ams/api/v1/authorizations/applyToken",
    Api.REVOKE: "/ams/api/v1/authorizations/revoke",
    Api.PAY: "/ams/api/v1/payments/pay",
    Api.INQUIRY_PAYMENT: "/ams/api/v1/payments/inquiryPayment",
    Api.CANCEL: "/ams/api/v1/payments/cancel",
    Api.REFUND: "/ams/api/v1/payments/refund",
    Api.INQUIRY_REFUND: "/ams/api/v1/payments/inquiryRefund",
    Api.DECLARE: "/ams/api/v1/customs/declare",
    Api.INQUIRY_DECLARATIONS: "/ams/api/v1/customs/inquiryDeclarationRequests",
}


def path_of(api: Api, *, client_id: str) -> str:
    """Where an API is for this client: sandbox client ids have paths of their own, and sign what they request."""
    path = _PATHS[api]
    if client_id.startswith(_SANDBOX_CLIENT):
        return path.replace("/ams/api/", "/ams/sandbox/api/", 1)
    return path


class Antom:
    """Speaks for one account; keeps nothing but its connections. Every id comes from the caller's row."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        session: requests.Session | None = None,
        client: SignedClient | None = None,
    ) -> None:
        self._credentials = credentials
        self._client = client or SignedClient(credentials, session=session)

    @property
    def capabilities(self) -> Capabilities:
        """What this acquirer can do and how it likes to be treated."""
        return CAPABILITIES

    def consult(self, request: ConsultRequest) -> ConsultResult:
        """https://docs.antom.com/ac/ams/authconsult"""
        try:
            answer = self._post(Api.CONSULT, asking.authorization_consult(request))
        except (NotSent, NoVerdict) as reason:
            return unanswered(ConsultResult, codes.unsure(Api.CONSULT), reason)
        return answers.consult_result(answer)

    def apply_token(self, *, wallet: str, auth_code: Secret) -> TokenResult:
        """https://docs.antom.com/ac/ams/accesstokenapp. The code is spent by this, whether or not an answer comes."""
        return self._token(asking.token_for_code(wallet=wallet, auth_code=auth_code))

    def refresh_token(self, *, wallet: str, refresh_token: Secret) -> TokenResult:
        """https://docs.antom.com/ac/autodebitpay/refresh_accesstoken. A new pair kills the old one."""
        return self._token(asking.token_for_refresh(wallet=wallet, refresh_token=refresh_token))

    def revoke(self, *, access_token: Secret) -> RevokeResult:
        """https://docs.antom.com/ac/ams/authrevocation. Repeating it is the documented retry."""
        try:
            answer = self._post(Api.REVOKE, asking.revocation(access_token=access_token))
        except (NotSent, NoVerdict) as reason:
            return unanswered(RevokeResult, codes.unsure(Api.REVOKE), reason)
        return answers.revoke_result(answer)

    def pay(self, request: PaymentRequest, *, is_repeat: bool = False) -> PaymentResult:
        """https://docs.antom.com/ac/ams/payment_agreement. ``is_repeat``: this id may have been sent before."""
        try:
            answer = self._post(Api.PAY, asking.agreement_payment(request, now=clock.now()))
        except (NotSent, NoVerdict) as reason:
            return unanswered(PaymentResult, codes.unsure(Api.PAY), reason, is_repeat=is_repeat)
        return answers.payment_result(answer, payment_request_id=request.payment_request_id, is_repeat=is_repeat)

    def inquire_payment(self, *, payment_request_id: str, payment_id: str = "") -> PaymentInquiry:
        """https://docs.antom.com/ac/ams/paymentri_online"""
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
        """https://docs.antom.com/ac/ams/paymentc_online. Repeating it is the documented retry."""
        message = asking.payment_question(payment_request_id=payment_request_id, payment_id=payment_id)
        try:
            answer = self._post(Api.CANCEL, message)
        except (NotSent, NoVerdict) as reason:
            return unanswered(CancelResult, codes.unsure(Api.CANCEL), reason)
        return answers.cancel_result(answer, payment_request_id=payment_request_id, payment_id=payment_id)

    def refund(self, request: RefundRequest, *, is_repeat: bool = False) -> RefundResult:
        """https://docs.antom.com/ac/ams/refund_online. ``is_repeat``: this id may have been sent before."""
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
        """https://docs.antom.com/ac/ams/ir_online"""
        message = asking.refund_question(refund_request_id=refund_request_id, refund_id=refund_id)
        try:
            answer = self._post(Api.INQUIRY_REFUND, message)
        except (NotSent, NoVerdict) as reason:
            return unanswered(RefundInquiry, codes.unsure(Api.INQUIRY_REFUND), reason)
        return answers.refund_inquiry(answer, refund_request_id=refund_request_id)

    def declare(self, request: DeclarationRequest, *, is_repeat: bool = False) -> DeclarationResult:
        """https://docs.antom.com/ac/ams/declare. ``is_repeat``: this id may have been sent before."""
        try:
            answer = self._post(Api.DECLARE, asking.customs_declaration(request))
        except (NotSent, NoVerdict) as reason:
            return unanswered(DeclarationResult, codes.unsure(Api.DECLARE), reason, is_repeat=is_repeat)
        return answers.declaration_result(answer, is_repeat=is_repeat)

    def inquire_declarations(self, declaration_request_ids: Sequence[str]) -> DeclarationInquiry:
        """https://docs.antom.com/ac/ams/inquirydeclare. Raises ValueError, before the wire, unless asked 1 to 10."""
        asked = tuple(declaration_request_ids)
        if not 1 <= len(asked) <= CAPABILITIES.declaration_inquiry_size:
            raise ValueError(f"1 to {CAPABILITIES.declaration_inquiry_size} declarations a question, not {len(asked)}")
        try:
            answer = self._post(Api.INQUIRY_DECLARATIONS, asking.declarations_question(asked))
        except (NotSent, NoVerdict) as reason:
            return unanswered(DeclarationInquiry, codes.unsure(Api.INQUIRY_DECLARATIONS), reason)
        return answers.declaration_inquiry(answer, asked=asked)

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
        """It says nothing of that: the catalogue's rows do."""
        return None

    def read(self, *, path: str, headers: Mapping[str, str], body: bytes) -> InboundMessage:
        """Verify a notification over its raw bytes, then parse it. Raises BadSignature, and nothing else."""
        inbound.verify(self._credentials, path=path, headers=headers, body=body)
        return notifications.parse(body)

    def parse(self, body: bytes) -> InboundMessage:
        """Parse the body of a notification that was verified when it came in. Never raises."""
        return notifications.parse(body)

    def acknowledge(
        self, *, path: str, now: datetime, accepted: bool = True, allows: bool | None = None
    ) -> Acknowledgement:
        """The fixed body every verified notification gets; this acquirer wants no signature on it."""
        return inbound.acknowledgement(accepted=accepted)

    def _token(self, message: Mapping[str, Any]) -> TokenResult:
        try:
            answer = self._post(Api.APPLY_TOKEN, message)
        except (NotSent, NoVerdict) as reason:
            return unanswered(TokenResult, codes.unsure(Api.APPLY_TOKEN), reason)
        return answers.token_result(answer)

    def _post(self, api: Api, message: Mapping[str, Any]) -> Answer:
        return self._client.post(api.value, path_of(api, client_id=self._credentials.client_id), message)
