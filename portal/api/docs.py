"""The API's description: OpenAPI 3.1 for programs, and a page of it for people.

Decision: a page of our own. Redoc cannot run under ``script-src 'self'; style-src 'self'``, and Swagger UI only with
inline parts taken out by hand; this one is plain HTML that the server makes from the schema, without any script.
"""

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularJSONAPIView

from portal.api import once, problems
from portal.api.limits import RateLimit
from portal.api.schema import BUYER, MERCHANT

_CALLERS = {BUYER: "buyer’s session", MERCHANT: "merchant key"}
_ERRORS_FROM = 400
_COMPONENT = "#/components/schemas/"
_TAKEN = "Request"
"""How drf-spectacular ends the names of what requests hold."""


class Schema(SpectacularJSONAPIView):
    """The OpenAPI document, as JSON."""

    http_method_names = ["get", "head"]
    throttle_classes = [RateLimit]  # making it costs more than most answers


@dataclass
class Line:
    """One field of a body, or one parameter. ``thing`` names the object its kind leads to, if any."""

    name: str
    kind: str
    is_required: bool
    text: str
    thing: str = ""

    @property
    def kind_parts(self) -> tuple[str, str]:
        """What stands before and after the object's name."""
        before, _, after = self.kind.partition(self.thing)
        return before, after


@dataclass
class Body:
    """One shape of a body, with its fields laid out as lines."""

    title: str
    lines: list[Line]


@dataclass
class Sample:
    """An example, as text."""

    title: str
    text: str


@dataclass
class Answer:
    """What a status means, and what comes with it."""

    status: str
    text: str
    thing: str
    samples: list[Sample]


@dataclass
class Operation:
    """One endpoint and method."""

    name: str
    method: str
    path: str
    summary: str
    text: str
    callers: str
    parameters: list[Line]
    bodies: list[Body]
    samples: list[Sample]
    answers: list[Answer]
    refusals: list[tuple[str, str]]
    curl: str


@dataclass
class Section:
    """The endpoints of one subject."""

    title: str
    text: str
    operations: list[Operation] = field(default_factory=list)


@dataclass
class Thing:
    """An object that answers consist of."""

    name: str
    text: str
    lines: list[Line]


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page for people."""
    base_url = settings.PORTAL_BASE_URL
    sections, things = _laid_out(base_url)
    return render(
        request,
        "api/docs.html",
        {
            "sections": sections,
            "things": things,
            "kinds": list(problems.kinds()),
            "base_url": f"{base_url}/api/v1",
        },
    )


@lru_cache(maxsize=2)
def _laid_out(base_url: str) -> tuple[tuple[Section, ...], tuple[Thing, ...]]:
    """The schema laid out; it changes with the code only."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    sections = {tag["name"]: Section(tag["name"], tag.get("description", "")) for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            laid_out = _operation(document, base_url, path, method, described)
            sections[described["tags"][0]].operations.append(laid_out)
    things = [
        Thing(name, schema.get("description", ""), _lines(document, schema))
        for name, schema in document["components"]["schemas"].items()
        if "properties" in schema and not name.endswith(_TAKEN)
    ]
    return tuple(sections.values()), tuple(things)


def _operation(document: dict[str, Any], base_url: str, path: str, method: str, described: dict[str, Any]) -> Operation:
    content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    samples = _samples(content)
    parameters = [_parameter(given) for given in described.get("parameters", [])]
    answers, refusals = _answers(document, described)
    needs = described["security"]
    callers = [_CALLERS[name] if name else "anybody" for need in needs for name in need or [""]]
    return Operation(
        name=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described["summary"],
        text=described["description"],
        callers=" or ".join(callers),
        parameters=parameters,
        bodies=_bodies(document, content.get("schema", {})),
        samples=samples,
        answers=answers,
        refusals=refusals,
        curl=_curl(base_url, path, method, parameters, samples, is_known={} not in needs),
    )


def _parameter(given: dict[str, Any]) -> Line:
    return Line(
        name=given["name"],
        kind=f"{given['in']}, {_kind({}, given.get('schema', {}))}",
        is_required=bool(given.get("required")),
        text=given.get("description", ""),
    )


def _answers(document: dict[str, Any], described: dict[str, Any]) -> tuple[list[Answer], list[tuple[str, str]]]:
    answers, refusals = [], []
    for status, given in described["responses"].items():
        if int(status) >= _ERRORS_FROM:
            content = given["content"][problems.MEDIA_TYPE]
            refusals += [(status, code) for code in (named["value"]["code"] for named in content["examples"].values())]
            continue
        content = given["content"]["application/json"]
        answers.append(Answer(status, given["description"], _thing(document, content["schema"]), _samples(content)))
    return answers, refusals


def _samples(content: dict[str, Any]) -> list[Sample]:
    return [
        Sample(named.get("summary") or title, json.dumps(named["value"], indent=2, ensure_ascii=False))
        for title, named in content.get("examples", {}).items()
    ]


def _bodies(document: dict[str, Any], schema: dict[str, Any]) -> list[Body]:
    """What a request may hold: one shape, or one for each caller; what is required first."""
    shapes = _resolved(document, schema)
    found = []
    one_of_several = [] if "properties" in shapes else shapes.get("anyOf") or shapes.get("oneOf")
    for shape in one_of_several or [shapes]:
        full = _resolved(document, shape)
        if "properties" in full:
            lines = sorted(_lines(document, full), key=lambda line: not line.is_required)
            found.append(Body(full.get("description", ""), lines))
    return found


def _lines(document: dict[str, Any], schema: dict[str, Any]) -> list[Line]:
    """The fields of an object; those of an object a request holds follow with its name before them."""
    required = schema.get("required", [])
    lines: list[Line] = []
    for name, given in schema["properties"].items():
        full = _resolved(document, given)
        inner = _resolved(document, full["items"]) if full.get("type") == "array" else full
        is_object = "properties" in inner
        text = given.get("description") or ("" if is_object else full.get("description", ""))
        thing = _thing(document, given)
        lines.append(Line(name, _kind(document, given), name in required, text, thing))
        if is_object and not thing:
            lines += [replace(line, name=f"{name}.{line.name}") for line in _lines(document, inner)]
    return lines


def _thing(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """The object of an answer that a schema leads to; empty for words, and for what requests hold."""
    name = json.dumps(schema).partition(_COMPONENT)[2].partition('"')[0]
    if not name or name.endswith(_TAKEN) or "enum" in document["components"]["schemas"][name]:
        return ""
    return name


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its reference followed, through what drf-spectacular wraps around one."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return dict(document["components"]["schemas"][name])
    for wrapper in ("allOf", "oneOf", "anyOf"):
        meant = [inner for inner in schema.get(wrapper, []) if inner.get("type") != "null" and "$ref" in inner]
        if len(meant) == 1:
            return _resolved(document, meant[0])
    return schema


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """The type in a few words: ``string ≤ 64``, ``Payment or null``, ``list of Refund``."""
    options = [inner for key in ("allOf", "oneOf", "anyOf") for inner in schema.get(key, [])]
    if options:
        return " or ".join(dict.fromkeys(_kind(document, inner) for inner in options))
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        full = document.get("components", {}).get("schemas", {}).get(name, {})
        if "enum" in full:
            return _kind(document, full)
        return "object" if name.endswith(_TAKEN) else str(name)
    if "enum" in schema:
        return " · ".join(str(word) for word in schema["enum"] if word is not None)
    kinds = schema.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = []
    for kind in kinds:
        if kind == "array":
            words.append(f"list of {_kind(document, schema.get('items', {}))}")
        elif kind == "string" and schema.get("format") == "date-time":
            words.append("time")
        elif kind == "string" and "maxLength" in schema:
            words.append(f"string ≤ {schema['maxLength']}")
        elif kind == "integer" and "maximum" in schema:
            words.append(f"integer {schema.get('minimum', 0)}…{schema['maximum']}")
        else:
            words.append(str(kind))
    return " or ".join(words)


def _curl(
    base_url: str, path: str, method: str, parameters: list[Line], samples: list[Sample], *, is_known: bool
) -> str:
    parts = [f"curl {base_url}{path}"]
    if is_known:
        parts.append("-H 'Authorization: Bearer …'")
    if any(line.name == once.HEADER for line in parameters):
        parts.append(f"-H '{once.HEADER}: 4c1f0d3e9a'")
    if method == "post":
        parts.append("-H 'Content-Type: application/json'")
        body = json.dumps(json.loads(samples[0].text), ensure_ascii=False) if samples else "{}"
        parts.append(f"-d '{body}'")
    return " \\\n  ".join(parts)
