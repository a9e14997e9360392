"""Sessions, payment methods, bound wallets, attempts to bind: parse, one operation, answer."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ErrorDetail, ValidationError

from authorizations import consents, operations, queries
from authorizations.api import forms, shown
from authorizations.api.callers import (
    BuyerCaller,
    BuyersOnly,
    authorizations_of,
    refuse_merchants_questions,
    terminal_of,
    terminal_type_of,
    wallets_of,
)
from authorizations.errors import SiteNotSupported, UnknownAccount
from authorizations.models import Buyer, BuyerSession, WalletAccount
from authorizations.operations.binding import AUTHORIZATION_PLACE, account_for
from authorizations.operations.buyers import meet
from authorizations.operations.callbacks import redeem_callback
from authorizations.operations.logins import log_in
from authorizations.states import Messenger, WalletStatus
from portal import catalogue
from portal.acquirer import TerminalType
from portal.acquirer.results import Secret
from portal.acquirer.wallets import Wallet, by_site, wallet_facts
from portal.api.callers import Caller, Merchant, MerchantsOnly, caller_of, one
from portal.api.doors import Door
from portal.api.fields import read_body, read_query
from portal.api.once import once
from portal.api.pages import page
from portal.api.schema import BUYER, MERCHANT, NOBODY, Step, example, operation
from portal.catalogue import Wish, Withheld
from portal.models import AcquirerAccount, PaymentMethod
from portal.money import Money
from portal.presenting import presentation_of
from portal.words import in_english

REDIRECT_PATH = "/return"
"""Where wallets that return by browser send the buyer; the attempt's public id follows."""

_WALLET = {
    "id": "W2026031407QZ5XKT3B8N4M2R6VYC",
    "wallet": "GCASH",
    "name": "GCash",
    "label": "63-9****31111",
    "currency": "PHP",
    "status": "ACTIVE",
    "status_text": "Active",
    "bound_at": "2026-03-14T02:42:10.118000Z",
    "ended_at": None,
    "customer": "customer-8812",
}
_CONSENT = {
    "wallet": _WALLET,
    "reason": "NOT_REFRESHABLE",
    "since": None,
    "ends_at": "2026-03-20T02:42:10.118000Z",
    "last_refresh": None,
    "subscriptions": 2,
    "next_charges": [{"value": "99800", "currency": "PHP", "display": "998.00"}],
    "unpaid": [],
    "message": "Your authorization of GCash ends on 20 Mar 2026. Please authorize it again before then.",
    "action": "authorize_again",
}
_OFFERED = {
    "id": "B2026031400H7WQ2M9C5T8XJ4KPRD",
    "wallet": "GCASH",
    "name": "GCash",
    "status": "OFFERED",
    "status_text": "Waiting for the buyer",
    "sign_str": "https://wallet.example/authorize?authId=FBF16F91",
    "links": {
        "normal_url": "https://wallet.example/authorize?authId=FBF16F91",
        "applink_url": None,
        "scheme_url": None,
        "app_identifier": None,
    },
    "auth_state": "A20260314V6N3B7Q1Z9K5M2X8C4T0",
    "expires_at": "2026-03-14T03:11:40.502000Z",
    "return_to": "pages/checkout?order=O20260314…",
    "reason": None,
    "wallet_account": None,
}
_BOUND = _OFFERED | {
    "status": "BOUND",
    "status_text": "Bound",
    "sign_str": None,
    "links": None,
    "auth_state": None,
    "wallet_account": _WALLET,
}


def wallet_of_site(site_name: str, account: AcquirerAccount) -> Wallet:
    """The wallet whose super app calls itself that. Raises SiteNotSupported: what a client says is not passed on."""
    found = by_site(site_name)
    if found is None:
        offered = (wallet_facts(offer.method.code) for offer in catalogue.offers(account) if offer.why is None)
        known = ", ".join(facts.name for facts in offered if facts is not None and facts.site_name)
        raise SiteNotSupported(site_name=site_name, known=known or "none yet")
    return found


class Sessions(Door):
    """Opening a session."""

    permission_classes = [AllowAny]
    places = {"account": "account"}
    subject = "sessions"

    @operation(
        "open_session",
        summary="Open a session",
        text=(
            "A mini program sends the wallet's login code and the site name, without an Authorization header. The "
            "merchant's server sends its own reference of a customer, with its merchant key, and hands the token on."
        ),
        tag="Sessions",
        takes=PolymorphicProxySerializer(
            component_name="SessionWanted",
            serializers=[forms.SessionByLogin, forms.SessionByMerchant],
            resource_type_field_name=None,
        ),
        answers={201: (shown.SessionShown, "The session; its token is shown this once.")},
        refuses=(
            "login_refused",
            "login_unknown",
            "logins_off",
            "unknown_account",
            "site_not_supported",
            "account_not_ready",
            "unauthenticated",
            "session_expired",
            "key_unknown",
        ),
        by=(NOBODY, MERCHANT),
        examples=[
            example("mini program", {"login_code": "28100613DFLQDKXJQRSMKIXZCI", "site_name": "GCASH"}),
            example("merchant's server", {"customer": "customer-8812"}),
            example(
                "opened",
                {
                    "token": "bs_…",
                    "expires_at": "2026-03-15T02:41:00.000000Z",
                    "customer": "customer-8812",
                    "site_name": "GCASH",
                    "account": "shop-singapore",
                },
                status=201,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        if isinstance(request.user, Merchant):
            session, token = _open_for_customer(request, request.user)
        else:
            session, token = _log_in(request)
        shape = {
            "token": token,
            "expires_at": session.expires_at,
            "customer": session.buyer.reference,
            "site_name": session.site_name,
            "account": session.buyer.account.slug,
        }
        return Response(shown.SessionShown(shape).data, status=201)


def _open_for_customer(request: Request, merchant: Merchant) -> tuple[BuyerSession, str]:
    given = read_body(request, forms.SessionByMerchant)
    site_name = wallet_of_site(given["site_name"], merchant.account).site_name if "site_name" in given else ""
    return operations.open_session(
        merchant.account, given["customer"], opened_by=merchant.key.name, site_name=site_name
    )


def _log_in(request: Request) -> tuple[BuyerSession, str]:
    given = read_body(request, forms.SessionByLogin)
    account = _account(given.get("account"))
    return log_in(account, wallet_of_site(given["site_name"], account), Secret(given["login_code"]))


def _account(slug: str | None) -> AcquirerAccount:
    """The account of that short name; without one, the only one there is. Raises UnknownAccount otherwise."""
    enabled = AcquirerAccount.objects.filter(is_enabled=True)
    found = list(enabled.filter(slug=slug) if slug is not None else enabled[:2])
    if len(found) == 1:
        return found[0]
    sentence = "There is no such account." if slug is not None or not found else "Say which account: there are several."
    raise UnknownAccount(field="account", problem=sentence)


class SessionEnd(Door):
    """Ending a session."""

    subject = "sessions"

    @operation(
        "end_session",
        summary="End the session",
        text="The token is worth nothing from now on.",
        tag="Sessions",
        takes=forms.Nothing,
        answers={200: (shown.SessionEnded, "It has ended.")},
        refuses=("buyers_only",),
        by=(BUYER,),
        examples=[example("ended", {"status": "ENDED"}, status=200)],
    )
    def post(self, request: Request) -> Response:
        read_body(request, forms.Nothing)
        caller = caller_of(request)
        if not isinstance(caller, BuyerCaller):
            raise BuyersOnly
        operations.end_session(caller.session)
        return Response(shown.SessionEnded({"status": "ENDED"}).data)


class PaymentMethods(Door):
    """What the merchant can debit."""

    @operation(
        "list_payment_methods",
        summary="List the payment methods",
        text=(
            "The methods the merchant has a contract for, as its staff keep them, with the caller's own binding beside "
            "each; where the query says a region, a currency, a terminal or an amount, those that can be offered for "
            "it. What is not known of a method does not withhold it. A wallet that is bound stays in the list though "
            "it is not offered any more (`is_offered`). A merchant key sees bindings only when it names a customer, "
            "and may ask what is withheld, and why."
        ),
        tag="Wallets",
        query=forms.MethodQuery,
        answers={200: (shown.PaymentMethods, "All that can be offered.")},
        examples=[
            example(
                "methods",
                {
                    "items": [
                        {
                            "wallet": "GCASH",
                            "name": "GCash",
                            "country": "PH",
                            "currency": "PHP",
                            "minimum": {"value": "100", "currency": "PHP", "display": "1.00"},
                            "maximum": None,
                            "limits": "100,000 PHP per day",
                            "kind": "WALLET",
                            "terminal_types": [],
                            "refund_days": 365,
                            "partial_refund": True,
                            "logo_url": "",
                            "presentation": None,
                            "site_name": "GCASH",
                            "is_here": True,
                            "is_offered": True,
                            "wallet_account": _WALLET,
                        }
                    ],
                    "withheld": [],
                },
                status=200,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        query = read_query(request, forms.MethodQuery)
        refuse_merchants_questions(caller, query)
        wish = _wish(query)
        bound = _bound(caller, query.get("customer"))
        here = caller.session.site_name if isinstance(caller, BuyerCaller) else ""
        weighed = catalogue.offers(caller.account, wish)
        items = [
            _method(method, bound.get(method.code), here) | {"presentation": presentation_of(through, method.currency)}
            for method, through, why in weighed
            if why is None and _can_pay(bound.get(method.code), wish)
        ]
        items += _bound_and_not_offered(bound, {item["wallet"] for item in items}, wish, here)
        withheld = []
        if query.get("withheld") == "true":
            withheld = [_withheld(method, why, wish) for method, _, why in weighed if why is not None]
        return Response(shown.PaymentMethods({"items": items, "withheld": withheld}).data)


def _bound(caller: Caller, customer: str | None) -> Mapping[str, WalletAccount]:
    """The customer's present bindings by wallet; an active one wins over one that needs an act."""
    if not isinstance(caller, BuyerCaller) and customer is None:
        return {}
    rows = wallets_of(caller).filter(
        status__in=(WalletStatus.ACTIVE, WalletStatus.REVOKING, WalletStatus.NEEDS_AUTHORIZATION)
    )
    if customer is not None:
        rows = rows.filter(buyer__reference=customer)
    newest_last = sorted(rows, key=lambda row: (row.status == WalletStatus.ACTIVE, row.bound_at, row.pk))
    return {row.wallet: row for row in newest_last}


def _can_pay(wallet_account: WalletAccount | None, wish: Wish) -> bool:
    """Whether a binding takes what is wished, as the account says through which it was bound: that one is debited."""
    if wallet_account is None or wish == catalogue.ANY or wallet_account.status != WalletStatus.ACTIVE:
        return True
    own = catalogue.method_of(wallet_account.account_id, wallet_account.wallet)
    return catalogue.why_withheld(own, wish) is None


def _bound_and_not_offered(
    bound: Mapping[str, WalletAccount], offered: set[str], wish: Wish, here: str
) -> list[dict[str, Any]]:
    """What is bound stays in its buyer's sight, so that it can be ended, and pays where its own account lets it."""
    items = []
    for code, wallet_account in bound.items():
        if code in offered:
            continue
        own = catalogue.method_of(wallet_account.account_id, code)
        if wish != catalogue.ANY and catalogue.why_withheld(own, wish) is not None:
            continue
        method = own or PaymentMethod(account_id=wallet_account.account_id, code=code)
        item = _method(method, wallet_account, here)
        items.append(item | {"presentation": None, "is_offered": False})
    return items


def _wish(query: Mapping[str, str]) -> Wish:
    currency = query.get("currency", "")
    amount = Money(int(query["amount"]), currency) if "amount" in query else None
    return Wish(query.get("region", ""), currency, query.get("terminal_type", ""), amount)


def _method(method: PaymentMethod, wallet_account: WalletAccount | None, here: str) -> dict[str, Any]:
    facts = method.facts()
    return {
        "wallet": facts.code,
        "name": facts.name,
        "country": facts.country,
        "currency": facts.currency,
        "minimum": facts.minimum,
        "maximum": facts.maximum,
        "limits": facts.limits,
        "kind": method.kind,
        "terminal_types": method.terminals.split(),
        "refund_days": method.refund_days,
        "partial_refund": method.refunds_in_part,
        "logo_url": method.logo_url,
        "site_name": facts.site_name,
        "is_here": bool(here) and facts.site_name == here,
        "is_offered": True,
        "wallet_account": wallet_account,
    }


def _why_words(method: PaymentMethod, why: Withheld, wish: Wish) -> str:
    """Why a method is withheld, for the merchant's staff."""
    facts = method.facts()
    match why:
        case Withheld.NOT_CONTRACTED:
            return f"{facts.name} is not in the contract."
        case Withheld.OTHER_REGION:
            return f"{facts.name} is for buyers in {facts.country}, not in {wish.region}."
        case Withheld.OTHER_CURRENCY:
            currency = wish.amount.currency if wish.amount is not None else wish.currency
            return f"{facts.name} is in {facts.currency}, not in {currency}."
        case Withheld.TERMINAL_NOT_SERVED:
            return f"{facts.name} does not work from a {wish.terminal} terminal."
        case Withheld.BELOW_MINIMUM:
            return f"{facts.name} takes payments of at least {facts.minimum}."
        case Withheld.ABOVE_MAXIMUM:
            return f"{facts.name} takes payments of at most {facts.maximum}."


def _withheld(method: PaymentMethod, why: Withheld, wish: Wish) -> dict[str, Any]:
    return {"wallet": method.code, "name": method.name, "reason": why, "text": _why_words(method, why, wish)}


class Wallets(Door):
    """Bound wallets."""

    @operation(
        "list_wallets",
        summary="List the bound wallets",
        text="Newest first, those that have ended too: a wallet can be ended from the wallet's own app at any time.",
        tag="Wallets",
        query=forms.WalletQuery,
        answers={200: (shown.WalletPage, "One page.")},
        leads_to={200: (Step("revoke_wallet", "End a binding.", {"wallet_id": "/items/0/id"}),)},
        examples=[example("wallets", {"items": [_WALLET], "next_cursor": None}, status=200)],
    )
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        query = read_query(request, forms.WalletQuery)
        refuse_merchants_questions(caller, query)
        rows = wallets_of(caller)
        if "status" in query:
            rows = rows.filter(status=query["status"])
        if "customer" in query:
            rows = rows.filter(buyer__reference=query["customer"])
        items, next_cursor = page(rows, query, by="-bound_at")
        return Response(shown.WalletPage({"items": items, "next_cursor": next_cursor}).data)


class WalletRevoke(Door):
    """Ending a binding."""

    @operation(
        "revoke_wallet",
        summary="Revoke a wallet",
        text=(
            "From this request on the wallet is not debited, whatever the acquirer answers. REVOKING: the answer is "
            "still out; list the wallets again in a few seconds."
        ),
        tag="Wallets",
        takes=forms.RevokeWhy,
        answers={200: (shown.WalletShown, "The wallet as it is now.")},
        has_key=True,
        refuses=("not_found", "wallet_not_active", "account_not_ready"),
        examples=[
            example("because", {"reason_code": "BUYER_REQUEST"}),
            example(
                "revoked",
                _WALLET | {"status": "REVOKED", "status_text": "Revoked", "ended_at": "2026-03-20T09:00:02.000000Z"},
                status=200,
            ),
        ],
    )
    def post(self, request: Request, wallet_id: str) -> Response:
        caller = caller_of(request)
        wallet_account = one(wallets_of(caller), "wallet", public_id=wallet_id)
        why = read_body(request, forms.RevokeWhy)
        wallet_account, headers = once(
            request,
            lambda remember: operations.revoke(
                wallet_account,
                by=caller.actor,
                reason_code=why.get("reason_code", "BUYER_REQUEST"),
                note=why.get("note", ""),
                remember=remember,
            ),
            again=lambda row_id: wallets_of(caller).get(pk=row_id),
        )
        return Response(shown.WalletShown(wallet_account).data, headers=headers)


class Consents(Door):
    """Whom to message."""

    @operation(
        "list_consents",
        summary="List whom to message",
        text=(
            "The consents whose buyers must agree again, since the token died, or ends soon and cannot be refreshed: "
            "what to tell them, and what hangs on it. What is refreshed by itself is not here. Message them in your "
            "mini program, and let it begin an authorization of the wallet. For merchant keys only."
        ),
        tag="Wallets",
        query=forms.ConsentQuery,
        answers={200: (shown.ConsentPage, "One page.")},
        refuses=("merchants_only",),
        leads_to={200: (Step("revoke_wallet", "End a binding instead.", {"wallet_id": "/items/0/wallet/id"}),)},
        examples=[example("one", {"items": [_CONSENT], "next_cursor": None}, status=200)],
    )
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        if isinstance(caller, BuyerCaller):
            raise MerchantsOnly
        query = read_query(request, forms.ConsentQuery)
        until = consents.within(int(query.get("days", consents.USUAL_DAYS)))
        rows = queries.without_secrets(wallets_of(caller).filter(queries.to_ask_again(until)))
        items, next_cursor = page(rows, query, by="-bound_at")
        return Response(shown.ConsentPage({"items": _with_care(items), "next_cursor": next_cursor}).data)


def _with_care(items: list[Any]) -> list[Any]:
    """Each with why, what to tell the buyer, and what hangs on it, asked for all at once."""
    stakes = consents.stakes_of(items)
    for row in items:
        row.reason_code = consents.reason_of(row)
        row.stake = stakes[row.pk]
        row.action = "authorize_again"
        with in_english():
            row.message = consents.message_to(row, lambda moment: f"{moment:%-d %b %Y}")
    return items


class Authorizations(Door):
    """Attempts to bind."""

    @operation(
        "begin_authorization",
        summary="Begin to bind a wallet",
        text=(
            "Answers where the buyer agrees: `sign_str` for `my.signContract`, or the URL to open. It works once; "
            "after any failure begin anew. An app finds in `links` what opens the wallet's own app. A wallet that is "
            "bound already is answered at once (200)."
        ),
        tag="Authorizations",
        takes=PolymorphicProxySerializer(
            component_name="AuthorizationWanted",
            serializers=[forms.BeginByBuyer, forms.BeginByMerchant],
            resource_type_field_name=None,
        ),
        answers={
            201: (shown.AuthorizationShown, "The attempt: OFFERED, or FAILED with the reason."),
            200: (shown.AuthorizationShown, "Bound already; nobody was asked."),
        },
        refuses=("site_not_supported", "wallet_not_contracted", "terminal_not_served", "account_not_ready"),
        leads_to={
            201: (
                Step("get_authorization", "Ask what has become of it.", {"authorization_id": "/id"}),
                Step(
                    "bring_code",
                    "Bring the code, once the buyer has agreed.",
                    {"authorization_id": "/id"},
                    {"auth_state": "/auth_state"},
                ),
                Step("report_failure", "Say that the buyer did not agree.", {"authorization_id": "/id"}),
            ),
            200: (
                Step("revoke_wallet", "End the binding that was there before.", {"wallet_id": "/wallet_account/id"}),
            ),
        },
        examples=[
            example("in a mini program", {"site_name": "GCASH", "os_type": "ANDROID", "return_to": "pages/methods"}),
            example(
                "by the merchant's server",
                {"customer": "customer-8812", "wallet": "GCASH", "terminal_type": "WAP", "os_type": "IOS"},
            ),
            example("offered", _OFFERED, status=201),
            example(
                "bound already",
                _BOUND | {"id": None, "expires_at": None, "return_to": ""},
                status=200,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        caller = caller_of(request)
        given = read_body(request, forms.BeginByBuyer if isinstance(caller, BuyerCaller) else forms.BeginByMerchant)
        if terminal_type_of(caller, given) is not TerminalType.WEB and "os_type" not in given:
            sentence = "Say IOS or ANDROID; only a WEB terminal needs none."
            raise ValidationError({"os_type": [ErrorDetail(sentence, "required")]})
        wallet = given.get("wallet") or wallet_of_site(given["site_name"], caller.account).code
        terminal = terminal_of(request, caller, given)
        currency = given.get("currency", "")
        account_for(caller.account, wallet, terminal.terminal_type, currency)  # before a customer is made for nothing
        outcome = operations.begin(
            _buyer(caller, given),
            wallet,
            terminal=terminal,
            redirect_url=f"{settings.PORTAL_BASE_URL}{REDIRECT_PATH}/{AUTHORIZATION_PLACE}",
            by=caller.actor,
            return_to=given.get("return_to", ""),
            currency=currency,
        )
        if isinstance(outcome, WalletAccount):
            return Response(shown.bound_already(outcome))
        return Response(shown.attempt(outcome, is_new=True), status=201)


def _buyer(caller: Caller, given: dict[str, Any]) -> Buyer:
    return caller.buyer if isinstance(caller, BuyerCaller) else meet(caller.account, given["customer"])


class AuthorizationDetail(Door):
    """One attempt."""

    @operation(
        "get_authorization",
        summary="Ask for an attempt",
        text="For polling: after `7001`, when the app was left in between, or while CODE_RECEIVED.",
        tag="Authorizations",
        answers={200: (shown.AuthorizationShown, "As the server knows it.")},
        refuses=("not_found",),
        examples=[example("bound", _BOUND, status=200)],
    )
    def get(self, request: Request, authorization_id: str) -> Response:
        authorization = one(authorizations_of(caller_of(request)), "authorization", public_id=authorization_id)
        return Response(shown.attempt(authorization))


class AuthorizationCode(Door):
    """The buyer agreed."""

    @operation(
        "bring_code",
        summary="Bring the code",
        text=(
            "What `my.signContract` gave its success callback. The same code may come by redirect and by notification "
            "too; it is used once. CODE_RECEIVED: being confirmed, ask for the attempt every 2 s."
        ),
        tag="Authorizations",
        takes=forms.CodeGiven,
        answers={200: (shown.AuthorizationShown, "BOUND with its wallet, CODE_RECEIVED, or FAILED with the reason.")},
        leads_to={
            200: (
                Step("get_authorization", "Ask for it again.", {"authorization_id": "/id"}),
                Step("revoke_wallet", "End the binding.", {"wallet_id": "/wallet_account/id"}),
            )
        },
        refuses=("not_found", "auth_state_mismatch", "authorization_not_open", "account_not_ready"),
        examples=[
            example("agreed", {"auth_code": "663A8FA9D83648EE8AA11FF68298AB12", "auth_state": _OFFERED["auth_state"]}),
            example("bound", _BOUND, status=200),
        ],
    )
    def post(self, request: Request, authorization_id: str) -> Response:
        authorization = one(authorizations_of(caller_of(request)), "authorization", public_id=authorization_id)
        given = read_body(request, forms.CodeGiven)
        authorization = redeem_callback(
            authorization, Secret(given["auth_code"]), given["auth_state"], heard_from=Messenger.BUYER
        )
        return Response(shown.attempt(authorization))


class AuthorizationFailure(Door):
    """The buyer did not agree, or nobody knows."""

    @operation(
        "report_failure",
        summary="Report a failure",
        text=(
            "What `my.signContract` gave its fail callback. `7001` and unknown codes move nothing: the buyer may have "
            "agreed, so ask for the attempt."
        ),
        tag="Authorizations",
        takes=forms.FailureGiven,
        answers={200: (shown.AuthorizationShown, "As the server knows it.")},
        refuses=("not_found",),
        examples=[
            example("cancelled", {"error": "6001"}),
            example(
                "noted",
                _OFFERED
                | {
                    "status": "CANCELLED",
                    "status_text": "Refused by the buyer",
                    "sign_str": None,
                    "links": None,
                    "auth_state": None,
                    "reason": {"code": "6001", "text": "You did not agree. Nothing was bound."},
                },
                status=200,
            ),
        ],
    )
    def post(self, request: Request, authorization_id: str) -> Response:
        caller = caller_of(request)
        authorization = one(authorizations_of(caller), "authorization", public_id=authorization_id)
        given = read_body(request, forms.FailureGiven)
        return Response(shown.attempt(operations.report_failure(authorization, given["error"], by=caller.actor)))
