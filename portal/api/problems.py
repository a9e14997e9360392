"""Every refusal of the API as ``application/problem+json`` (https://www.rfc-editor.org/rfc/rfc9457).

A problem is known by its ``code``; here each code gets its HTTP status and its title. The apps declare their own codes
beside their doors. A code nobody declared answers 409: a refusal of the portal's rules, in its own sentence.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from portal.errors import PortalError

MEDIA_TYPE = "application/problem+json"
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Kind:
    """One kind of problem, as the API's page lists it."""

    status: int
    title: str
    meaning: str
    """What the caller does about it."""


_KINDS: dict[str, Kind] = {}


def declare(code: str, status: int, title: str, meaning: str) -> None:
    """Make a code known. Raises ValueError when it is known as something else."""
    kind = Kind(status, title, meaning)
    if _KINDS.setdefault(code, kind) != kind:
        raise ValueError(f"the problem {code} is declared twice")


def kind_of(code: str) -> Kind:
    """The kind of a code; a refusal by the portal's rules (409) when nobody declared it."""
    return _KINDS.get(code) or Kind(HTTPStatus.CONFLICT, "Not possible now", "The detail says why.")


def kinds() -> Iterator[tuple[str, Kind]]:
    """Every declared code, by status and code."""
    yield from sorted(_KINDS.items(), key=lambda item: (item[1].status, item[0]))


# fmt: off
declare("bad_request", 400, "Unreadable request", "Mend the request.")
declare("invalid_input", 400, "Invalid input", "errors names each place and what is wrong there; nothing was changed.")
declare("malformed_json", 400, "Malformed JSON", "Send one JSON object in UTF-8.")
declare("idempotency_key_missing", 400, "Idempotency-Key missing",
        "Send a fresh random Idempotency-Key with each act, and the same one when you repeat the act.")
declare("unauthenticated", 401, "Not authenticated",
        "Send Authorization: Bearer with a session token or a merchant key.")
declare("key_unknown", 401, "Unknown key", "The merchant key is unknown or revoked. Use a valid one.")
declare("not_allowed", 403, "Not allowed", "This caller may not do this.")
declare("not_found", 404, "Not found", "There is no such thing, or it is not yours.")
declare("method_not_allowed", 405, "Method not allowed", "Use the method this address takes: GET or POST.")
declare("not_acceptable", 406, "Not acceptable", "Accept application/json.")
declare("conflict", 409, "Conflict", "Somebody else moved first. Look again, then decide.")
declare("transition_not_allowed", 409, "Not possible in this state", "Look at its status, then decide.")
declare("idempotency_key_in_flight", 409, "Being carried out", "Send the same request again to see its result.")
declare("portal_error", 409, "Not possible", "The detail says why.")
declare("too_large", 413, "Body too large", "Send less than 64 KiB.")
declare("unsupported_media_type", 415, "Unsupported media type", "Send Content-Type: application/json.")
declare("idempotency_key_reused", 422, "Idempotency-Key reused",
        "This key was used for another request. Use a fresh key for a new act.")
declare("rate_limited", 429, "Too many requests", "Wait as many seconds as Retry-After says.")
declare("server_error", 500, "Our mistake", "Nothing about it is your fault. Ask for the state before you try again.")
declare("unavailable", 503, "Back in a moment",
        "Send the same request again, under the same Idempotency-Key, after as many seconds as Retry-After says.")
declare("account_not_ready", 503, "Account not ready", "The merchant must complete the acquirer account.")
# fmt: on

_BY_STATUS = {
    400: "bad_request",
    401: "unauthenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "unavailable",
}

_SENTENCES = {
    "bad_request": "The request cannot be read.",
    "unauthenticated": "Send Authorization: Bearer with a session token or a merchant key.",
    "not_allowed": "You are not allowed to do this.",
    "not_found": "There is nothing at this address.",
    "method_not_allowed": "This address does not take this method.",
    "not_acceptable": "The answer is application/json; the Accept header excludes it.",
    "too_large": "The body is too large: at most 64 KiB are taken.",
    "unsupported_media_type": "Send the body as Content-Type: application/json.",
    "unavailable": "We cannot look anything up just now. Send the same request again in a moment.",
    "server_error": "Something went wrong on our side. Ask for the state before you try again.",
}


class Unauthenticated(PortalError):
    """The Authorization header is missing, or is none we can read."""

    code = "unauthenticated"
    sentence = "Send Authorization: Bearer with a session token or a merchant key."


class MalformedJson(exceptions.APIException):
    """The body is not one JSON object."""

    status_code = 400
    default_code = "malformed_json"


class TooLarge(exceptions.APIException):
    """The body is larger than any request of this API."""

    status_code = 413
    default_code = "too_large"
    default_detail = _SENTENCES["too_large"]


class InvalidQuery(exceptions.ValidationError):
    """Query parameters that cannot be accepted."""


class InvalidHeader(exceptions.APIException):
    """A header that cannot be accepted. ``code`` of the problem, the header's name, a sentence."""

    status_code = 400

    def __init__(self, code: str, header: str, sentence: str) -> None:
        super().__init__(sentence, code)
        self.code, self.header = code, header


def body_of(code: str, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """The problem as an object, RFC 9457 §3."""
    kind = kind_of(code)
    problem: dict[str, Any] = {
        "type": f"{settings.PORTAL_BASE_URL}/api/v1/docs/#problem-{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": code,
    }
    if errors:
        problem["errors"] = list(errors)
    return problem


def answer(
    code: str, detail: str, errors: Sequence[Mapping[str, str]] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The problem as an answer."""
    problem = body_of(code, detail, errors)
    sent = {"Cache-Control": "no-store", **(headers or {})}
    if problem["status"] == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = 'Bearer realm="api"'
    return Response(problem, status=problem["status"], headers=sent, content_type=MEDIA_TYPE)


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The answer to an exception a door raised; None for a mistake of ours, which Django logs and answers with 500."""
    if isinstance(error, PortalError):
        place = getattr(context.get("view"), "places", {}).get(error.params.get("field"))
        errors = [{"pointer": pointer([place]), "code": error.code, "detail": error.message}] if place else []
        return answer(error.code, error.message, errors)
    if isinstance(error, exceptions.ValidationError):
        return _invalid(error)
    if isinstance(error, InvalidHeader):
        sentence = str(error.detail)
        return answer(error.code, sentence, [{"header": error.header, "code": error.code, "detail": sentence}])
    if isinstance(error, exceptions.Throttled):
        wait = max(1, math.ceil(getattr(error, "wait", None) or 1))
        return answer("rate_limited", f"Too many requests. Try again in {wait} s.", headers={"Retry-After": str(wait)})
    if isinstance(error, MalformedJson | TooLarge):
        return answer(error.default_code, str(error.detail))
    if isinstance(error, RequestDataTooBig):
        return answer("too_large", _SENTENCES["too_large"])
    if isinstance(error, UnreadablePostError):
        return answer("bad_request", "The body ended before its announced length.")
    code = _code_of(error)
    return answer(code, _SENTENCES[code]) if code else None


def _code_of(error: Exception) -> str:
    if isinstance(error, Http404):
        return "not_found"
    if isinstance(error, PermissionDenied):
        return "not_allowed"
    if isinstance(error, exceptions.APIException):
        return _BY_STATUS.get(error.status_code, "server_error")
    return ""


def _invalid(error: exceptions.ValidationError) -> Response:
    place = "parameter" if isinstance(error, InvalidQuery) else "pointer"
    errors = [
        {place: ".".join(path) if place == "parameter" else pointer(path), "code": code, "detail": sentence}
        for path, code, sentence in _places(error.detail, ())
    ]
    where = errors[0].get("pointer", errors[0].get("parameter", "")).removeprefix("#/") if errors else ""
    detail = f"{where}: {errors[0]['detail']}" if where and where != "#" else errors[0]["detail"]
    return answer("invalid_input", detail, errors)


def _places(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """(path, code, sentence) of each leaf of REST framework's nested details."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = path if name == api_settings.NON_FIELD_ERRORS_KEY else (*path, str(name))
            yield from _places(inner, own)
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from _places(inner, (*path, str(index)) if nested else path)
    else:
        yield path, str(getattr(detail, "code", "invalid")), str(detail)


def pointer(path: Sequence[str]) -> str:
    """A JSON pointer (RFC 6901) as a URI fragment; names that came from outside are cut short."""
    return "#" + "".join("/" + step[:_LONGEST_NAME].replace("~", "~0").replace("/", "~1") for step in path)


def page(status: int) -> JsonResponse:
    """The problem for what Django itself refused: an unknown address, a bad Host header, a mistake of ours."""
    code = _BY_STATUS.get(status) or ("server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "bad_request")
    problem = body_of(code, _SENTENCES.get(code, kind_of(code).meaning))
    problem["status"] = status
    response = JsonResponse(problem, status=status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def is_api(request: HttpRequest) -> bool:
    """Whether the request is for the API."""
    return request.path_info.startswith("/api/")
