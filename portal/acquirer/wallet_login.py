"""Who is in the mini program: the wallet's login code, exchanged for the wallet's id of its user.

A login code is not an authorization code, and the tokens that come with it debit nothing; we ask once who the user is
and keep none of them. The endpoint is the wallet's, not the acquirer's:
``/v1/authorizations/applyToken`` with the codes below, as the wallets' mini program portals describe it
(https://miniprogram.alipay.com/docs-alipayconnect/miniprogram_alipayconnect/mpdev/api_openapi_getauthcode).
"""

import json
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import requests

from portal.acquirer import Credentials
from portal.acquirer.client import SignedClient
from portal.acquirer.errors import AcquirerError
from portal.acquirer.results import Advice, Outcome, Result, Secret

PATH = "/v1/authorizations/applyToken"
_REFUSALS = frozenset(
    {
        "INVALID_CODE",
        "USED_CODE",
        "EXPIRED_CODE",
        "INVALID_REFRESH_TOKEN",
        "EXPIRED_REFRESH_TOKEN",
        "USED_REFRESH_TOKEN",
        "INVALID_AUTH_CLIENT",
        "INVALID_AUTH_CLIENT_STATUS",
        "AUTH_CLIENT_UNSUPPORTED_GRANT_TYPE",
        "REFERENCE_CLIENT_ID_NOT_MATCH",
        "EXPIRED_AGENT_TOKEN",
        "INVALID_AGENT_TOKEN",
    }
)
CODE_REFUSALS = frozenset({"INVALID_CODE", "USED_CODE", "EXPIRED_CODE"})
"""The code's own fault: a fresh one may do. Every other refusal is a matter of the merchant's configuration."""


@dataclass(frozen=True, kw_only=True)
class LoginResult(Result):
    """SUCCESS: the wallet vouches for this user. FAIL: it does not. UNKNOWN: nobody is logged in."""

    customer_id: Secret | None = None
    """The wallet's id of its user: kept by digest only, and shown to nobody."""


def exchange(
    credentials: Credentials, url: str, *, site_name: str, login_code: Secret, session: requests.Session | None = None
) -> LoginResult:
    """Exchange a login code at the wallet's endpoint ``url``; what the wire does is said in the result.

    The code is single use, so a lost answer is not asked for again: the mini program gets a new code.
    """
    parts = urlsplit(url)
    # Undocumented how the wallet's endpoint is signed; we choose the acquirer's headers and our key of this account,
    # because the pages that describe the endpoint belong to the same platform and name no other way.
    client = SignedClient(replace(credentials, gateway_url=f"{parts.scheme}://{parts.netloc}"), session=session)
    message = {
        "grantType": "AUTHORIZATION_CODE",
        "authCode": login_code.reveal(),
        "extendInfo": json.dumps({"customerBelongsTo": site_name}, separators=(",", ":")),
    }
    try:
        answer = client.post("walletLogin", parts.path or PATH, message)
    except AcquirerError as reason:
        return LoginResult(
            outcome=Outcome.UNKNOWN,
            code=reason.code,
            message=str(reason),
            advice=Advice.NEW_ID,
            may_have_arrived=reason.may_have_arrived,
            exchange=reason.exchange,
        )
    customer_id = answer.body.get("customerId")
    said = LoginResult(
        outcome=Outcome.UNKNOWN,
        code=answer.code,
        message=answer.message,
        advice=Advice.NEW_ID,
        exchange=answer.exchange,
    )
    if answer.status == "S" and answer.code == "SUCCESS" and isinstance(customer_id, str) and customer_id:
        return replace(said, outcome=Outcome.SUCCESS, advice=Advice.NOTHING, customer_id=Secret(customer_id))
    if answer.status == "F" and answer.code in _REFUSALS:
        advice = Advice.NEW_ID if answer.code in CODE_REFUSALS else Advice.FIX_REQUEST
        return replace(said, outcome=Outcome.FAIL, advice=advice)
    return said
