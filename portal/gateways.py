"""From an account row to the acquirer that speaks for it, and from an exchange to the row that keeps it."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import requests
from django.conf import settings

from portal.acquirer import Acquirer, Credentials
from portal.acquirer.antom import Antom
from portal.acquirer.results import Secret, WireExchange
from portal.errors import PortalError
from portal.models import AcquirerAccount, Exchange


class _Adapter(Protocol):
    def __call__(self, credentials: Credentials, *, session: requests.Session | None = None) -> Acquirer: ...


_ADAPTERS: dict[str, _Adapter] = {AcquirerAccount.Adapter.ANTOM: Antom}

_lock = threading.Lock()
_speaking: dict[int, tuple[Credentials, Acquirer]] = {}
_session: requests.Session | None = None
"""None: each adapter opens its own."""


class AccountNotReady(PortalError):
    """The account misses a key; nothing was sent."""

    code = "account_not_ready"
    sentence = "The acquirer account {account} has no {missing} yet. Complete it under Acquirer accounts."


def acquirer_for(account: AcquirerAccount) -> Acquirer:
    """The acquirer as this account speaks to it; one adapter, and so one connection pool, per account and process.

    Raises AccountNotReady before anything is sent.
    """
    credentials = credentials_of(account)
    with _lock:
        held = _speaking.get(account.pk)
        if held is not None and held[0] == credentials:
            return held[1]
        acquirer = _ADAPTERS[account.adapter](credentials, session=_session)
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


def credentials_of(account: AcquirerAccount) -> Credentials:
    """What an adapter is handed to speak for the account. Raises AccountNotReady."""
    if not account.private_key:
        raise AccountNotReady(account=account.name, missing="key pair of ours")
    keys = {key.version: key.public_key for key in account.acquirer_keys.all() if key.retired_at is None}
    if not keys:
        raise AccountNotReady(account=account.name, missing="public key of the acquirer")
    return Credentials(
        gateway_url=account.gateway_url,
        client_id=account.client_id,
        key_version=account.key_version,
        private_key_pem=Secret(account.private_key),
        acquirer_keys=keys,
    )


def keep(account: AcquirerAccount, exchange: WireExchange | None, *, subject: str) -> Exchange | None:
    """Write the exchange's row, in the record phase, linked by our own id. None when nothing crossed the wire."""
    if exchange is None:
        return None
    return Exchange.objects.create(
        account=account,
        api=exchange.api,
        subject=subject[:64],
        sent_at=exchange.sent_at,
        duration_ms=exchange.duration_ms,
        url=exchange.url[:300],
        http_status=exchange.http_status,
        request_headers=exchange.request_headers,
        request_body=exchange.request_body,
        request_sha256=hashlib.sha256(exchange.request_body).hexdigest(),
        response_headers=exchange.response_headers,
        response_body=exchange.response_body,
        response_sha256=hashlib.sha256(exchange.response_body).hexdigest() if exchange.response_body else "",
        masked_request=exchange.masked_request,
        masked_response=exchange.masked_response,
        verdict=exchange.verdict,
        result_code=exchange.result_code[:64],
        result_status=exchange.result_status[:8],
        error=exchange.error[:64],
    )


def notification_url(account: AcquirerAccount, kind: str) -> str:
    """The exact URL the acquirer is to notify: ``kind`` is ``authorization``, ``payment`` or ``refund``."""
    return f"{(account.notify_base_url or settings.PORTAL_BASE_URL).rstrip('/')}/notify/{account.slug}/{kind}"
