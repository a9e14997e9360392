"""How an endpoint is described: one decorator says what it takes, what it answers and how it refuses.

The description is OpenAPI 3.1 (drf-spectacular); ``portal.api.docs`` makes the readable page of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from portal import idempotency
from portal.api import once, problems

F = TypeVar("F", bound=Callable[..., Any])

_EVERYWHERE = ("method_not_allowed", "not_acceptable", "rate_limited", "server_error", "unavailable")
_WITH_BODY = ("invalid_input", "malformed_json", "too_large", "unsupported_media_type")
_WITH_KEY = ("idempotency_key_missing", "idempotency_key_in_flight", "idempotency_key_reused")

LINKS: dict[str, dict[str, dict[str, Any]]] = {}
"""By operation and status: what may follow, and what of the answer it takes. OpenAPI's own word for it is links."""

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


_SCHEMES = {
    BUYER: {
        "type": "http",
        "scheme": "bearer",
        "description": "A buyer's session (`bs_…`), opened by `POST sessions`. It sees that buyer's things only.",
    },
    MERCHANT: {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "The merchant's own server, by an API key (`mk_…`) that never leaves it. It acts for the customers of "
            "its account."
        ),
    },
}


class _TextForm(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Every text says of which form it is."""

    target_class = "portal.api.fields.Text"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        described = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**described, "pattern": self.target.form, **self.target.says}


class _StrictBody(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Every strict body says what it means: no other names than these, and which of them go together."""

    target_class = "portal.api.fields.Strict"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        described = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        said: dict[str, Any] = self.target.say({**described, "additionalProperties": False})
        return said


@dataclass(frozen=True)
class Step:
    """What may follow an operation: another one, with something of the answer. Places are JSON pointers into it."""

    to: str
    text: str
    takes: Mapping[str, str]
    """By parameter of the other operation."""
    body: Mapping[str, str] = field(default_factory=dict)
    """By name in the other operation's body."""

    def link(self) -> tuple[str, dict[str, Any]]:
        """Its name and OpenAPI's Link Object."""
        link: dict[str, Any] = {
            "operationId": self.to,
            "description": self.text,
            "parameters": {name: f"$response.body#{place}" for name, place in self.takes.items()},
        }
        if self.body:
            link["requestBody"] = {name: f"$response.body#{place}" for name, place in self.body.items()}
        return self.to, link


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
    leads_to: Mapping[int, Sequence[Step]] | None = None,
) -> Callable[[F], F]:
    """Describe one method of a door. ``answers`` is (serializer, sentence) by status; ``refuses`` are problem codes."""
    LINKS[name] = {str(status): dict(step.link() for step in steps) for status, steps in (leads_to or {}).items()}
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
                "Retry-After", int, OpenApiParameter.HEADER, description="Seconds to wait.", response=["429", "503"]
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
            {"type": "string", "minLength": 1, "maxLength": idempotency.MAX_KEY_LENGTH, "pattern": once.KEY},
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


def with_the_rest(result: dict[str, Any], generator: Any, request: HttpRequest | None, public: bool) -> dict[str, Any]:
    """Say in the schema who the callers are, and what may follow each answer (a hook of drf-spectacular)."""
    result["components"]["securitySchemes"] = _SCHEMES
    for methods in result["paths"].values():
        for described in methods.values():
            if "oneOf" in _body_of(described, result["components"]["schemas"]):
                described["requestBody"]["required"] = True  # drf-spectacular says it of single shapes only
            for status, links in LINKS.get(described["operationId"], {}).items():
                described["responses"][status]["links"] = links
    return result


def _body_of(described: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of what an operation takes, its reference followed."""
    content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    found: dict[str, Any] = schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
    return found
