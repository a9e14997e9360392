"""A typed client of the API for mini programs, made from its OpenAPI document.

What a buyer's session may do becomes a function each, by the operation's name; what only the merchant may do or say is
left out, since a merchant key never is in a mini program. Types are declarations beside it, for checkers and editors.
"""

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from portal.api import problems
from portal.api.schema import BUYER, NOBODY

_PREFIX = "/api/v1"
_COMPONENT = "#/components/schemas/"
_MERCHANTS = "ByMerchantRequest"
"""How the shapes of a body that only a merchant's server sends are named."""
_MERCHANTS_ONLY = "merchants_only"
_MERCHANTS_WORDS = "Merchant keys only"
_KEY = "Idempotency-Key"
_WIDTH = 116
_ERRORS_FROM = 400

Operation = tuple[str, str, dict[str, Any]]
"""Path, method, and what the document says of it."""


def client(document: dict[str, Any]) -> str:
    """``api/client.js``."""
    functions = [_function(document, *operation) for operation in _operations(document)]
    head = (
        "/**\n * The portal's API, a function for each thing a buyer may do: made from its OpenAPI document by\n"
        " * `manage.py miniprogram`, and made anew rather than changed.\n"
        " *\n * All reject with Refused or Unreachable of asking.js. An act's key names it in every repetition.\n"
        " */\n\n"
        "import { ask } from './asking.js';\n"
    )
    return "\n".join([head, *functions])


def types(document: dict[str, Any]) -> str:
    """``api/types.d.ts``: what the functions take and answer."""
    schemas = document["components"]["schemas"]
    wanted, waiting = {"Problem"}, ["Problem"]
    for _, _, described in _operations(document):
        waiting += [name for schema in _schemas_of(described) for name in _named(schema)]
    while waiting:
        name = waiting.pop()
        wanted.add(name)
        waiting += [inner for inner in _named(_without_merchants(schemas[name])) if inner not in wanted]
    codes = sorted({code for _, _, described in _operations(document) for code in _refusals(described)})
    head = (
        "/** What the portal's API takes and answers: made from its OpenAPI document by `manage.py miniprogram`. */\n\n"
        "/** Every code a refusal may have. */\n"
        f"export type ProblemCode =\n{_lines_of(codes)};\n"
    )
    return "\n".join([head, *(_declaration(name, schemas[name]) for name in sorted(wanted))])


def codes(document: dict[str, Any]) -> set[str]:
    """Every code with which what a buyer may do is refused."""
    return {code for _, _, described in _operations(document) for code in _refusals(described)}


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    """What a buyer, or somebody who is to become one, may do."""
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            callers = [name for need in described["security"] for name in need or [NOBODY]]
            if {BUYER, NOBODY} & set(callers) and _MERCHANTS_ONLY not in _refusals(described):
                yield path, method, described


def _refusals(described: dict[str, Any]) -> set[str]:
    return {
        named["value"]["code"]
        for status, answer in described["responses"].items()
        if int(status) >= _ERRORS_FROM
        for named in answer["content"][problems.MEDIA_TYPE]["examples"].values()
    }


def _answer_of(described: dict[str, Any]) -> dict[str, Any]:
    """What a success answers; an operation with two successes answers the same thing by both."""
    found: dict[str, Any] = next(
        answer["content"]["application/json"]["schema"]
        for status, answer in described["responses"].items()
        if int(status) < _ERRORS_FROM
    )
    return found


def _body_of(described: dict[str, Any]) -> dict[str, Any] | None:
    content = described.get("requestBody", {}).get("content", {})
    return content["application/json"]["schema"] if content else None


def _schemas_of(described: dict[str, Any]) -> list[dict[str, Any]]:
    body = _body_of(described)
    return [_answer_of(described), *([body] if body else []), *(line["schema"] for line in _queries(described))]


def _queries(described: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        line
        for line in described.get("parameters", [])
        if line["in"] == "query" and not line.get("description", "").startswith(_MERCHANTS_WORDS)
    ]


def _function(document: dict[str, Any], path: str, method: str, described: dict[str, Any]) -> str:
    body = _body_of(described)
    schema = _resolved(document, body) if body else {}
    has_body = any(schema.get(name) for name in ("properties", "oneOf", "anyOf"))
    places = re.findall(r"\{(\w+)\}", path)
    queries = _queries(described)
    has_key = any(line["name"] == _KEY for line in described.get("parameters", []))

    names = [_camel(place) for place in places]
    said = [f"@param {{string}} {name}" for name in names]
    given: list[str] = []
    if queries:
        shape = ", ".join(f"{line['name']}?: {_type(line['schema'], 'import')}" for line in queries)
        said.append(f"@param {{{{ {shape} }}}} [query]")
        names.append("query = {}")
        given.append("query")
    if body is not None and has_body:  # without fields there is nothing to say, and asking.js sends an empty object
        said.append(f"@param {{{_type(body, 'import')}}} body")
        names.append("body")
        given.append("body")
    if has_key:
        said.append("@param {string} key")
        names.append("key")
        given.append("key")
    if BUYER not in {name for need in described["security"] for name in need}:
        given.append("isOpen: true")
    said.append(f"@returns {{Promise<{_type(_answer_of(described), 'import')}>}}")

    words = f"{described['summary']}. {described['description']}"
    url = re.sub(r"\{(\w+)\}", lambda place: f"${{encodeURIComponent({_camel(place[1])})}}", path.removeprefix(_PREFIX))
    quoted = f"`{url}`" if places else f"'{url}'"
    asked = ", ".join([f"'{method.upper()}'", quoted, *([f"{{ {', '.join(given)} }}"] if given else [])])
    comment = f"/**\n{_comment(words)} *\n" + "".join(f" * {line}\n" for line in said) + " */\n"
    name = _camel(described["operationId"])
    return f"{comment}export function {name}({', '.join(names)}) {{\n  return ask({asked});\n}}\n"


def _declaration(name: str, schema: dict[str, Any]) -> str:
    schema = _without_merchants(schema)
    text = f"/** {_safe(schema['description'])} */\n" if schema.get("description") else ""
    if "properties" in schema:
        return f"{text}export interface {name} {{\n{_fields(schema)}}}\n"
    return f"{text}export type {name} = {_type(schema)};\n"


def _fields(schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    lines = ""
    for name, given in schema["properties"].items():
        if given.get("description"):
            lines += f"  /** {_safe(given['description'])} */\n"
        lines += f"  {name}{'' if name in required else '?'}: {_type(given)};\n"
    return lines


_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def _type(schema: dict[str, Any], place: str = "") -> str:
    """A schema as TypeScript says it; ``place`` where names must be imported."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"import('./types').{name}" if place else name
    if "enum" in schema:
        return " | ".join(json.dumps(word) for word in schema["enum"]).replace('"', "'")
    options = schema.get("allOf") or schema.get("anyOf") or (schema.get("oneOf") if "properties" not in schema else [])
    if options:
        return " | ".join(dict.fromkeys(_type(option, place) for option in options))
    kinds = schema.get("type", "")
    if isinstance(kinds, list):
        return " | ".join(_type({**schema, "type": kind}, place) for kind in kinds)
    if kinds == "array":
        inner = _type(schema["items"], place)
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if kinds == "object":
        return "Record<string, unknown>"
    return _PLAIN.get(kinds, "unknown")


def _without_merchants(schema: dict[str, Any]) -> dict[str, Any]:
    """A choice of shapes without those that only a merchant's server sends."""
    for key in ("oneOf", "anyOf"):
        if any(_MERCHANTS in option.get("$ref", "") for option in schema.get(key, [])):
            return {**schema, key: [option for option in schema[key] if _MERCHANTS not in option.get("$ref", "")]}
    return schema


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _named(schema: object) -> Iterator[str]:
    """The components a schema names, however deep."""
    if isinstance(schema, dict):
        if str(schema.get("$ref", "")).startswith(_COMPONENT):
            yield str(schema["$ref"]).rpartition("/")[2]
        for inner in schema.values():
            yield from _named(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _named(inner)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _comment(words: str) -> str:
    return "".join(f" * {line}\n" for line in textwrap.wrap(_safe(words), _WIDTH))


def _safe(words: str) -> str:
    """Without what would end a comment, or an address in it that no buyer's program asks."""
    return " ".join(words.replace("*/", "* /").split())


def _lines_of(words: list[str]) -> str:
    return "\n".join(f"  | '{word}'" for word in words)
