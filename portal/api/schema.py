"""How an endpoint is described: one decorator says what it takes, what it answers and how it refuses.

The description is OpenAPI 3.1 (drf-spectacular); ``portal.api.docs`` makes the readable page of it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from portal import idempotency
from portal.api import once, problems

F = TypeVar("F", bound=Callable[..., Any])

_EVERYWHERE = ("method_not_allowed", "not_acceptable", "rate_limited", "server_error")
_WITH_BODY = ("invalid_input", "malformed_json", "too_large", "unsupported_media_type")
_WITH_KEY = ("idempotency_key_missing", "idempotency_key_in_flight", "idempotency_key_reused")

NOBODY = ""
BUYER = "buyerSession"
MERCHANT = "merchantKey"


class ProblemPlace(serializers.Serializer[Any]):
    """One flaw: where, and what is wrong there. Exactly one of the three places is given."""

    pointer = serializers.CharField(required=False, help_text="JSON pointer into the body: `#/amount/value`.")
    parameter = serializers.CharField(required=False, help_text="Name of a query parameter.")
    header = serializers.CharField(required=False, help_text="Name of a header.")
    code = serializers.CharField(help_text="Stable.")
    detail = serializers.CharField(help_text="For people.")


class Problem(serializers.Serializer[Any]):
    """A refusal (RFC 9457). Branch on `code`, show `detail`."""

    type = serializers.CharField(help_text="Address of the code's description.")
    title = serializers.CharField(help_text="The kind of problem, for people.")
    status = serializers.IntegerField(help_text="The HTTP status again.")
    detail = serializers.CharField(help_text="This very problem, for people.")
    code = serializers.CharField(help_text="Stable.")
    errors = ProblemPlace(  # type: ignore[assignment]  # a field of the answer
        many=True, required=False, help_text="The flaws of an invalid input, all of them."
    )


class _BuyerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "authorizations.api.callers.BuyerSessionAuthentication"
    name = BUYER

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A buyer's session (`bs_…`), opened by `POST sessions`. It sees that buyer's things only.",
        }


class _MerchantScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "portal.api.callers.MerchantKeyAuthentication"
    name = MERCHANT

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": (
                "The merchant's own server, by an API key (`mk_…`) that never leaves it. It acts for the customers of "
                "its account."
            ),
        }


def operation(
    name: str,
    *,
    summary: str,
    text: str,
    tag: str,
    answers: Mapping[int, tuple[Any, str]],
    takes: Any = None,
    query: Any = None,
    has_key: bool = False,
    refuses: Sequence[str] = (),
    examples: Sequence[OpenApiExample] = (),
    by: Sequence[str] = (BUYER, MERCHANT),
) -> Callable[[F], F]:
    """Describe one method of a door. ``answers`` is (serializer, sentence) by status; ``refuses`` are problem codes."""
    codes = [*_EVERYWHERE, *refuses]
    if NOBODY not in by:
        codes += ["unauthenticated", "session_expired", "key_unknown"]
    if takes is not None:
        codes += _WITH_BODY
    elif query is not None:
        codes += ["invalid_input"]
    if has_key:
        codes += _WITH_KEY
    parameters: list[Any] = [query] if query is not None else []
    if has_key:
        parameters += _key_parameters([str(status) for status in answers])
    if "rate_limited" in codes:
        parameters.append(
            OpenApiParameter(
                "Retry-After", int, OpenApiParameter.HEADER, description="Seconds to wait.", response=["429"]
            )
        )
    responses: dict[Any, Any] = {
        (status, "application/json"): OpenApiResponse(serializer, description=sentence)
        for status, (serializer, sentence) in answers.items()
    }
    responses.update(_problems(codes))
    described: Callable[[F], F] = extend_schema(
        operation_id=name,
        summary=summary,
        description=text,
        tags=[tag],
        parameters=parameters,
        request={"application/json": takes} if takes is not None else None,
        responses=responses,
        examples=list(examples),
        auth=[{name: []} if name else {} for name in by],  # type: ignore[misc]  # its stub knows names only
    )
    return described


def _key_parameters(statuses: list[str]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(
            once.HEADER,
            {"type": "string", "minLength": 1, "maxLength": idempotency.MAX_KEY_LENGTH},
            OpenApiParameter.HEADER,
            required=True,
            description=(
                "A fresh random text for each act; the same one when the act is repeated. A repeat changes nothing and "
                "answers with the present state; the same key with another request is refused."
            ),
        ),
        OpenApiParameter(
            once.REPLAYED,
            {"type": "string", "enum": ["true"]},
            OpenApiParameter.HEADER,
            description="Present when this key's act was carried out before; the answer is the present state.",
            response=statuses,
        ),
    ]


def _problems(codes: Sequence[str]) -> dict[Any, Any]:
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(problems.kind_of(code).status, []).append(code)
    return {
        (status, problems.MEDIA_TYPE): OpenApiResponse(
            Problem,
            description="; ".join(f"`{code}`: {problems.kind_of(code).title}" for code in found),
            examples=[
                OpenApiExample(
                    code,
                    value=problems.body_of(code, problems.kind_of(code).meaning),
                    response_only=True,
                    media_type=problems.MEDIA_TYPE,
                    status_codes=[str(status)],
                )
                for code in found
            ],
        )
        for status, found in sorted(by_status.items())
    }


def example(name: str, value: Any, *, status: int | None = None) -> OpenApiExample:
    """An example of a body, or of the answer with this status."""
    if status is None:
        return OpenApiExample(name, value=value, request_only=True)
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def with_limits(result: dict[str, Any], generator: Any, request: HttpRequest | None, public: bool) -> dict[str, Any]:
    """Say in the schema what every strict body means: no other names than these (a hook of drf-spectacular)."""
    for name, component in result.get("components", {}).get("schemas", {}).items():
        if component.get("type") == "object" and name.endswith("Request"):
            component["additionalProperties"] = False
    return result
