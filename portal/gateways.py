"""From an account row to the acquirer that speaks for it, and from an exchange to the row that keeps it."""

import hashlib
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import requests
from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, QuerySet

from portal import incidents, measures, statements
from portal.acquirer import Acquirer, Credentials, Merchant
from portal.acquirer.adapters import ADAPTERS, Adapter
from portal.acquirer.masking import HIDDEN
from portal.acquirer.meanings import Meaning
from portal.acquirer.results import Secret, SignatureVerdict, WireExchange
from portal.errors import PortalError
from portal.models import AcquirerAccount, AcquirerKey, Exchange
from portal.statements import Found, Given, Rows

UNBELIEVED = "ANSWERS_NOT_BELIEVED"
_ABOUT_PAPERS = ("declare", "inquiryDeclarationRequests")
_NOT_THEIRS = (SignatureVerdict.WRONG, SignatureVerdict.UNKNOWN_KEY)


logger = logging.getLogger("portal.acquirer")

_lock = threading.Lock()
_OUTCOMES = {"S": "success", "F": "failure"}
_SUBJECTS = {
    "pay": "payment_request_id",
    "inquiryPayment": "payment_request_id",
    "cancel": "payment_request_id",
    "cancelPayment": "payment_request_id",
    "refund": "refund_request_id",
    "inquiryRefund": "refund_request_id",
    "consult": "auth_state",
    "prepare": "auth_state",
    "applyToken": "auth_state",
    "revoke": "wallet",
    "cancelToken": "wallet",
}
"""What the subject of a call is, for the log."""
_speaking: dict[int, tuple[Credentials, Acquirer]] = {}
_session: requests.Session | None = None
"""None: each adapter opens its own."""


_KEYS = Found(lambda: _keys_of(Given("account")))


def _keys_of(account: Any) -> QuerySet[AcquirerKey, Any]:
    return AcquirerKey.objects.filter(account_id=account, retired_at=None).values_list("version", "public_key")


def protocols() -> list[tuple[str, str]]:
    """The protocols that are spoken here, by value and name."""
    return [(value, label) for value, label in AcquirerAccount.Adapter.choices if value in ADAPTERS]


def keys_beside(path: str) -> Rows:
    """The acquirer's keys of the account at ``path``, as a value that a query reads beside its rows."""
    return Rows(_keys_of(OuterRef(path)).order_by())


class AccountNotReady(PortalError):
    """The account misses a key; nothing was sent."""

    code = "account_not_ready"
    sentence = "The acquirer account {account} has no {missing} yet. Complete it under Acquirer accounts."


def adapter_of(account: AcquirerAccount) -> Adapter:
    """What can be said of the account's protocol, whether or not the account has its keys."""
    return ADAPTERS[account.adapter]


def meaning_of(account: AcquirerAccount, code: str, api: str = "") -> Meaning:
    """What a result code means with this account's acquirer, in English sentences to be told. Asks nobody."""
    return adapter_of(account).meaning_of(code, api)


def acquirer_for(account: AcquirerAccount, *, keys: Iterable[tuple[str, str]] | None = None) -> Acquirer:
    """The acquirer as this account speaks to it; one adapter, and so one connection pool, per account and process.

    ``keys``: what ``keys_beside`` has just read, where something has. Raises AccountNotReady before anything is sent.
    """
    credentials = credentials_of(account, keys=keys)
    with _lock:
        held = _speaking.get(account.pk)
        if held is not None and held[0] == credentials:
            return held[1]
        acquirer = adapter_of(account).speak(credentials, session=_session)
        _speaking[account.pk] = (credentials, acquirer)
        return acquirer


@contextmanager
def speaking_over(session: requests.Session) -> Iterator[None]:
    """Let every account speak over one session for a while: a simulation's line, which is no socket."""
    global _session  # noqa: PLW0603 - one line for the whole process, as long as it is in force
    with _lock:
        _speaking.clear()
        _session = session
    try:
        yield
    finally:
        with _lock:
            _speaking.clear()
            _session = None


def is_simulated() -> bool:
    """Whether calls go over a simulation's line."""
    return _session is not None


def credentials_of(account: AcquirerAccount, *, keys: Iterable[tuple[str, str]] | None = None) -> Credentials:
    """What an adapter is handed to speak for the account. Raises AccountNotReady."""
    if not account.private_key:
        raise AccountNotReady(account=account.name, missing="key pair of ours")
    read = _KEYS.tuples(account=account.pk) if keys is None else keys
    theirs = {str(version): str(key) for version, key in read}
    if not theirs:
        raise AccountNotReady(account=account.name, missing="public key of the acquirer")
    needs_merchant = adapter_of(account).capabilities.needs_merchant_data
    if needs_merchant and not (account.merchant_reference and account.merchant_legal_name):
        raise AccountNotReady(account=account.name, missing="merchant data")
    return Credentials(
        gateway_url=account.gateway_url,
        client_id=account.client_id,
        key_version=account.key_version,
        private_key_pem=Secret(account.private_key),
        acquirer_keys=theirs,
        acquirer_id=account.customer_id,
        merchant=Merchant(
            reference=account.merchant_reference,
            legal_name=account.merchant_legal_name,
            display_name=account.merchant_display_name,
            category_code=account.merchant_category_code,
            region=account.merchant_region,
            state=account.merchant_state,
            city=account.merchant_city,
            address=account.merchant_address,
            zip_code=account.merchant_zip_code,
            logo_url=account.merchant_logo_url,
        ),
        settled={str(name): str(value) for name, value in account.protocol_settings.items()},
    )


def keep(account: AcquirerAccount, exchange: WireExchange | None, *, subject: str) -> Exchange | None:
    """Write the exchange's row, in the record phase, linked by our own id. None when nothing crossed the wire."""
    row = to_keep(account, exchange, subject=subject)
    if row is not None:
        row.save()
    return row


def to_keep(account: AcquirerAccount, exchange: WireExchange | None, *, subject: str) -> Exchange | None:
    """The exchange's row, to be written in the caller's transaction together with what it brought.

    An answer whose signature does not verify is everybody's trouble, not this payment's alone: it is told at once.
    """
    if exchange is None:
        return None
    _tell(exchange, subject)
    if exchange.verdict in _NOT_THEIRS:
        # Once this is committed: meanwhile it would hold a row that others wait for.
        transaction.on_commit(partial(_tell_of_unbelieved, account, exchange.api))
    return statements.new(
        Exchange,
        account_id=account.pk,
        api=exchange.api,
        subject=subject[:64],
        sent_at=exchange.sent_at,
        duration_ms=exchange.duration_ms,
        url=exchange.url[:300],
        http_status=exchange.http_status,
        request_headers=_headers(exchange, exchange.request_headers, exchange.masked_request),
        request_body=exchange.request_body,
        request_sha256=_digest(exchange, exchange.request_body, exchange.masked_request),
        response_headers=_headers(exchange, exchange.response_headers, exchange.masked_response),
        response_body=exchange.response_body,
        response_sha256=_digest(exchange, exchange.response_body, exchange.masked_response),
        masked_request=exchange.masked_request,
        masked_response=exchange.masked_response,
        verdict=exchange.verdict,
        result_code=exchange.result_code[:64],
        result_status=exchange.result_status[:8],
        error=exchange.error[:64],
    )


def _headers(exchange: WireExchange, headers: dict[str, str], shown: str) -> dict[str, str]:
    """As they were; of a body with papers without the signature, by which a guess could be checked."""
    if not _holds_papers(exchange, shown):
        return headers
    return {name: HIDDEN if name.lower() == "signature" else value for name, value in headers.items()}


def _digest(exchange: WireExchange, body: bytes, shown: str) -> str:
    """What proves later which bytes they were; empty for none, and for bytes that hold a buyer's papers.

    All of those but number and name are shown, and a number has few digits: whoever knows the name would find it.
    """
    return hashlib.sha256(body).hexdigest() if body and not _holds_papers(exchange, shown) else ""


def _holds_papers(exchange: WireExchange, shown: str) -> bool:
    return exchange.api in _ABOUT_PAPERS and HIDDEN in shown


def _tell(exchange: WireExchange, subject: str) -> None:
    """Count a call, and say a line of it: ours is the id, the acquirer's the code."""
    outcome = _outcome(exchange)
    measures.acquirer_called(exchange.api, outcome, exchange.duration_ms / 1000)
    said = {"outcome": outcome, "code": exchange.error or exchange.result_code, "duration_ms": exchange.duration_ms}
    name = _SUBJECTS.get(exchange.api)
    logger.info("%s", exchange.api, extra=said | ({name: subject} if name and subject else {}))


def _outcome(exchange: WireExchange) -> str:
    """What came of the call itself, in a word: whether the payment was paid is not asked here."""
    if exchange.http_status is None:
        return "no_answer"
    if exchange.error:
        return "not_believed"
    return _OUTCOMES.get(exchange.result_status, "unknown")


def kept(row: Exchange) -> WireExchange:
    """A kept exchange as it crossed the wire. Decrypts its bytes."""
    return WireExchange(
        api=row.api,
        method="POST",
        url=row.url,
        request_headers=row.request_headers,
        request_body=bytes(row.request_body),
        sent_at=row.sent_at,
        duration_ms=row.duration_ms,
        http_status=row.http_status,
        response_headers=row.response_headers,
        response_body=bytes(row.response_body or b""),
        verdict=SignatureVerdict(row.verdict),
        result_code=row.result_code,
        result_status=row.result_status,
        error=row.error,
        masked_request=row.masked_request,
        masked_response=row.masked_response,
    )


def _tell_of_unbelieved(account: AcquirerAccount, api: str) -> None:
    incidents.raise_incident(
        UNBELIEVED,
        f"Answers of {account.name} do not verify with the acquirer's key that is kept.",
        subject=account,
        detail=f"The last was about {api}. What they say is not believed, so results stay unknown. "
        "Make a test call on the account's page: it says which key differs.",
    )


def notification_url(account: AcquirerAccount, kind: str) -> str:
    """The exact URL the acquirer is to notify: ``kind`` is one of those of ``adapter_of(account).connecting``."""
    return f"{(account.notify_base_url or settings.PORTAL_BASE_URL).rstrip('/')}/notify/{account.slug}/{kind}"
