"""The hosted pages: a buyer's wallets, and the cashier. Server-rendered, without a script; every act is a POST.

A page that waits for a result looks again by itself. After 75 seconds it stops and says that the shop will know: nobody
is told "failed" while nobody knows. Undocumented, how long a buyer should wait; we choose a little more than the minute
after which an unpaid payment expires, because most are decided by then.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from payments.hosted import doors, pictures
from payments.hosted.calling import Answer, Api, NotNow, VisitOver
from payments.hosted.doors import Visit
from portal import clock

LOOKS_AGAIN_SECONDS = 3
LOOKS_FOR = timedelta(seconds=75)
_USABLE = "ACTIVE"
_SAID_BY_THE_ORDER = ("idempotency_key_in_flight", "order_not_payable")
"""Refusals of whoever pressed twice, or pays in two windows: the order's page says how it stands."""
_MUST_BE_LINKED_AGAIN = "NEEDS_AUTHORIZATION"

Page = Callable[..., HttpResponse]


def _for_visitors(view: Page) -> Page:
    """A page for whoever came by a link, and for nobody else."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        visit = doors.visit_of(request)
        if visit is None:
            return _gone(request)
        try:
            return view(request, visit, Api(request, visit.token), *arguments, **named)
        except VisitOver:
            response = _gone(request, visit)
            doors.forget(response)
            return response
        except NotNow as reason:
            return _page(request, visit, "hosted/later.html", {"problem": reason.problem}, status=reason.status)

    return guarded


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def entered(request: HttpRequest, code: str) -> HttpResponse:
    """A link: who looks at it sees a button, and who presses that takes it and goes on to the page it leads to.

    Whatever follows links before the buyer does, to show or to check what is behind them, presses no button.
    """
    if request.method != "POST":
        shop = doors.knock(code)
        if shop is not None:
            return render(request, "hosted/enter.html", {"shop": shop, "key": _fresh_key()})
        inside = doors.entered_before(code, request)
        return _gone(request) if inside is None else HttpResponseRedirect(inside.begins_at)
    visit = doors.enter(code, request.POST.get("key", ""))
    if visit is None:
        return _gone(request)
    response = HttpResponseRedirect(visit.begins_at)
    response["Referrer-Policy"] = "no-referrer"
    doors.keep(response, visit)
    return response


@require_GET
@_for_visitors
def methods(request: HttpRequest, visit: Visit, api: Api) -> HttpResponse:
    """The buyer's wallets, and those that can be linked."""
    return _methods(request, visit, api)


def _methods(request: HttpRequest, visit: Visit, api: Api, *, problem: str = "", status: int = 200) -> HttpResponse:
    linked, others = _split(api.get("payment-methods"))
    context = {"linked": linked, "others": others, "problem": problem, "here": reverse("hosted-methods")}
    response = pictures.allow(_page(request, visit, "hosted/methods.html", context, status=status), [*linked, *others])
    if any(one["wallet_account"]["status"] == "REVOKING" for one in linked):
        response["Refresh"] = str(LOOKS_AGAIN_SECONDS)
    return response


def _can_be_linked_again(method: dict[str, Any]) -> bool:
    return bool(method["is_offered"]) and method["wallet_account"]["status"] == _MUST_BE_LINKED_AGAIN


def _split(answer: Answer) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    linked: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for method in map(pictures.look_of, answer.needed()["items"]):
        (others if method["wallet_account"] is None else linked).append(method)
    return linked, others


@require_POST
@_for_visitors
def link(request: HttpRequest, visit: Visit, api: Api) -> HttpResponse:
    """Begin to link a wallet, and take the buyer there."""
    place = _place(request)
    wanted = {"wallet": request.POST.get("wallet", ""), "return_to": place, **_terminal(request)}
    if visit.order and place == visit.begins_at:
        wanted["currency"] = api.get(f"orders/{visit.order}").needed()["amount"]["currency"]
    answer = api.post("authorizations", wanted)
    if answer.status == 201 and answer.said["sign_str"]:
        name, url = answer.said["name"], answer.said["sign_str"]
        response = _page(request, visit, "hosted/taking.html", {"wallet": name, "url": url, "back": place})
        # A redirect that answers a form is one of that form, and forms of these pages end here (form-action).
        _goes_on(response, url)
        response["Referrer-Policy"] = "no-referrer"
        return response
    if answer.status == 200:
        return HttpResponseRedirect(place)
    reason = answer.said.get("reason") or {}
    return _again(request, visit, api, place, problem=answer.problem or str(reason.get("text", "")))


@require_http_methods(["GET", "POST"])
@_for_visitors
def remove(request: HttpRequest, visit: Visit, api: Api, wallet_id: str) -> HttpResponse:
    """What ending a wallet means, and ending it."""
    linked, _ = _split(api.get("payment-methods"))
    mine = next((one["wallet_account"] for one in linked if one["wallet_account"]["id"] == wallet_id), None)
    if mine is None:
        return HttpResponseRedirect(reverse("hosted-methods"))
    if request.method == "POST":
        answer = api.post(f"wallets/{wallet_id}/revoke", {}, key=request.POST.get("key", "") or _fresh_key())
        if answer.is_refusal:
            return _methods(request, visit, api, problem=answer.problem, status=409)
        return HttpResponseRedirect(reverse("hosted-methods"))
    ending = api.get("subscriptions", wallet_id=wallet_id).needed()["items"]
    return _page(request, visit, "hosted/remove.html", {"wallet": mine, "ending": ending, "key": _fresh_key()})


@require_GET
@_for_visitors
def cashier(request: HttpRequest, visit: Visit, api: Api, number: str) -> HttpResponse:
    """One order: to be paid, being paid, paid, or over."""
    return _cashier(request, visit, api, number)


def _cashier(
    request: HttpRequest, visit: Visit, api: Api, number: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    answer = api.get(f"orders/{number}")
    if answer.status == 404:
        return _page(request, visit, "hosted/missing.html", {}, status=404)
    order = answer.needed()
    payment = order["payment"]
    context: dict[str, Any] = {"order": order, "payment": payment, "problem": problem, "here": request.path}
    if payment is not None and payment["status"] == "PENDING":
        begun = parse_datetime(payment["created_at"])
        is_waiting = begun is not None and clock.now() < begun + LOOKS_FOR
        response = _page(request, visit, "hosted/pending.html", {**context, "is_waiting": is_waiting})
        if is_waiting:
            _goes_on(response, reverse("hosted-order", args=[number]), after_seconds=LOOKS_AGAIN_SECONDS)
        return response
    if order["status"] != "INIT":
        return _page(request, visit, "hosted/done.html", context)
    amount = order["amount"]
    offered = api.get(
        "payment-methods",
        currency=amount["currency"],
        amount=amount["value"],
        terminal_type=_terminal(request)["terminal_type"],
    )
    linked, others = _split(offered)
    usable = [one for one in linked if one["wallet_account"]["status"] == _USABLE]
    usable.sort(key=lambda one: one["wallet_account"]["bound_at"], reverse=True)
    context |= {
        "usable": usable,
        "others": others + [one for one in linked if _can_be_linked_again(one)],
        "key": _fresh_key(),
        "failed": payment if payment is not None and payment["reason"] else None,
    }
    response = _page(request, visit, "hosted/cashier.html", context, status=status)
    return pictures.allow(response, [*linked, *others])


@require_POST
@_for_visitors
def pay(request: HttpRequest, visit: Visit, api: Api, number: str) -> HttpResponse:
    """Pay with a linked wallet: once, however often the button is pressed."""
    wanted = {"wallet_id": request.POST.get("wallet_id", ""), **_terminal(request)}
    answer = api.post(f"orders/{number}/pay", wanted, key=request.POST.get("key", "") or _fresh_key())
    if answer.is_refusal and answer.said.get("code") not in _SAID_BY_THE_ORDER:
        return _cashier(request, visit, api, number, problem=answer.problem, status=409)
    return HttpResponseRedirect(reverse("hosted-order", args=[number]))


@require_POST
@_for_visitors
def leave(request: HttpRequest, visit: Visit, api: Api) -> HttpResponse:
    """End the session, and go back to the shop."""
    api.post("sessions/end", {})
    # Straight to another site a form may not lead; the page goes on by itself, as the one to a wallet does.
    response = _page(request, visit, "hosted/left.html", {})
    if visit.back:
        _goes_on(response, visit.back)
    doors.forget(response)
    return response


def _again(request: HttpRequest, visit: Visit, api: Api, place: str, *, problem: str) -> HttpResponse:
    """The page somebody came from, with what went wrong."""
    if visit.order and place == reverse("hosted-order", args=[visit.order]):
        return _cashier(request, visit, api, visit.order, problem=problem, status=409)
    return _methods(request, visit, api, problem=problem, status=409)


def _place(request: HttpRequest) -> str:
    """The page of ours that the buyer wants back to."""
    place = request.POST.get("place", "")
    is_ours = place.startswith(doors.root()) and url_has_allowed_host_and_scheme(place, allowed_hosts=None)
    return place if is_ours else reverse("hosted-methods")


def _terminal(request: HttpRequest) -> dict[str, str]:
    """The buyer's device, as its browser names itself: wallets show a phone another page than a desk."""
    agent = request.headers.get("User-Agent", "").lower()
    if "iphone" in agent or "ipad" in agent:
        return {"terminal_type": "WAP", "os_type": "IOS"}
    if "android" in agent:
        return {"terminal_type": "WAP", "os_type": "ANDROID"}
    return {"terminal_type": "WEB"}


def _goes_on(response: HttpResponse, url: str, *, after_seconds: int = 0) -> None:
    """Let the browser go there by itself."""
    response["Refresh"] = f"{after_seconds}; url={url}"


def _fresh_key() -> str:
    return secrets.token_urlsafe(24)


def _page(
    request: HttpRequest, visit: Visit, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    return render(request, template, {"visit": visit, **context}, status=status)


def _gone(request: HttpRequest, visit: Visit | None = None) -> HttpResponse:
    return render(request, "hosted/gone.html", {"visit": visit}, status=410)
