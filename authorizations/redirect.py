"""The page a wallet sends the buyer back to by browser (``authRedirectUrl``).

The wallet comes back on success and on refusal; a refusal is known only by what is missing. A code is brought at once
and the buyer is sent on to a page without it, so that it stays out of the browser's history and a reload brings
nothing twice. Source: https://docs.antom.com/ac/autodebitpay/redirect_wallet-merchant

The state names one attempt of one buyer, begun in a session of theirs; the API takes a code from no other buyer's
session. A browser that comes back here may be another than the one that began, and then has no session at all: it is
believed by its state alone, because the acquirer tells of the same code by message, and binds by that whoever looks.

AlipayCN shows it in a browser that lies over the mini program, where the buyer goes on once it is closed; the same code
may come from the mini program and by message, too, and is used once. Source:
https://miniprogram.alipay.com/docs-alipayconnect/miniprogram_alipayconnect/solutions/cn-auto-debit-payment
"""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from authorizations.api.reasons import reason_of
from authorizations.errors import AuthorizationNotOpen, AuthStateMismatch
from authorizations.models import Authorization
from authorizations.operations import report_failure
from authorizations.operations.binding import CANCELLED_BY_BUYER
from authorizations.operations.callbacks import redeem_callback
from authorizations.states import AuthorizationStatus, Messenger
from portal.acquirer import TerminalType
from portal.acquirer.results import Secret
from portal.acquirer.wallets import name_of
from portal.actor import Actor, ActorKind
from portal.gateways import AccountNotReady

_LONGEST_CODE = 128
_LONGEST_STATE = 256
_LOOK_AGAIN_SECONDS = 3
_OURS = re.compile(r"/pay/(wallets|orders/[A-Za-z0-9_-]{1,64})")
"""The hosted pages, which stand above this app."""


@never_cache
@require_GET
def returned(request: HttpRequest, authorization_id: str) -> HttpResponse:
    """Take what the wallet sent, then send the buyer on to the result."""
    authorization = _authorization(authorization_id)
    auth_code, auth_state = request.GET.get("authCode", ""), request.GET.get("authState", "")
    if not auth_code or not auth_state:
        if not auth_state or auth_state == authorization.auth_state:
            report_failure(authorization, CANCELLED_BY_BUYER, by=Actor(ActorKind.BUYER, authorization.buyer.reference))
        return _quiet(HttpResponseRedirect(reverse("wallet-result", args=[authorization.public_id])))
    try:
        if not _is_plausible(auth_code, auth_state):
            raise AuthStateMismatch
        redeem_callback(authorization, Secret(auth_code), auth_state, heard_from=Messenger.REDIRECT)
    except AuthStateMismatch as reason:
        return _quiet(render(request, "return/foreign.html", {"reason": reason.message}, status=400))
    except (AuthorizationNotOpen, AccountNotReady) as reason:
        return _quiet(render(request, "return/foreign.html", {"reason": reason.message}, status=409))
    return _quiet(HttpResponseRedirect(reverse("wallet-result", args=[authorization.public_id])))


@never_cache
@require_GET
def result(request: HttpRequest, authorization_id: str) -> HttpResponse:
    """Where the attempt stands, as the portal knows it; looks again by itself while it is being confirmed."""
    authorization = _authorization(authorization_id)
    status = AuthorizationStatus(authorization.status)
    reason = reason_of(authorization)
    response = render(
        request,
        "return/result.html",
        {
            "status": status.value,
            "wallet": name_of(authorization.wallet),
            "merchant": settings.PORTAL_MERCHANT_NAME or authorization.buyer.account.name,
            "label": authorization.wallet_account.login_label if authorization.wallet_account else "",
            "reason": reason["text"] if reason else "",
            "back": _way_back(authorization),
            "is_over_a_mini_program": authorization.terminal_type == TerminalType.MINI_APP,
        },
    )
    if status in (AuthorizationStatus.CODE_RECEIVED, AuthorizationStatus.OFFERED, AuthorizationStatus.STARTED):
        response["Refresh"] = str(_LOOK_AGAIN_SECONDS)
    return _quiet(response)


def _authorization(authorization_id: str) -> Authorization:
    rows = Authorization.objects.select_related("account", "buyer__account", "wallet_account")
    return get_object_or_404(rows, public_id=authorization_id)


def _is_plausible(auth_code: str, auth_state: str) -> bool:
    """Whether the two could be ours at all; the rest is never looked up nor stored."""
    return (
        len(auth_code) <= _LONGEST_CODE
        and len(auth_state) <= _LONGEST_STATE
        and all(text.isascii() and text.isprintable() and " " not in text for text in (auth_code, auth_state))
    )


def _way_back(authorization: Authorization) -> str:
    """The merchant's own page, where its server named one: a buyer's client could name anybody's, or one of ours."""
    if _OURS.fullmatch(authorization.return_to):
        return authorization.return_to
    if authorization.actor_kind != ActorKind.MERCHANT_SERVER:
        return ""
    try:
        parts = urlsplit(authorization.return_to)
    except ValueError:
        return ""
    return authorization.return_to if parts.scheme == "https" and parts.netloc else ""


def _quiet(response: HttpResponse) -> HttpResponse:
    """Tell nobody where the buyer came from: the address held a code."""
    response["Referrer-Policy"] = "no-referrer"
    return response
