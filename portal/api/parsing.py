"""Reading a body: one JSON object in UTF-8, small, without surprises."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from portal.api.problems import MalformedJson, TooLarge

LARGEST_BODY_BYTES = 64 * 1024
_MOST_DIGITS = 20
_MOST_DEPTH = 12
_ENCODINGS = frozenset({"utf-8", "utf8"})


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it: no NaN, no name twice in an object, no bytes that are not UTF-8."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The body's object. Raises MalformedJson, TooLarge or UnsupportedMediaType."""
        _, parameters = parse_header_parameters(media_type or "")
        if parameters.get("charset", "utf-8").lower() not in _ENCODINGS:
            raise UnsupportedMediaType(media_type or "")
        body = stream.read(LARGEST_BODY_BYTES + 1)
        if len(body) > LARGEST_BODY_BYTES:
            raise TooLarge
        try:
            parsed = json.loads(
                body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse_constant, parse_int=_whole
            )
        except UnicodeDecodeError:
            raise MalformedJson("The body is not UTF-8.") from None
        except RecursionError:
            raise MalformedJson("The body is nested too deeply.") from None
        except json.JSONDecodeError as error:
            raise MalformedJson(f"The body is not JSON: {error.msg} at position {error.pos}.") from None
        if not isinstance(parsed, dict):
            raise MalformedJson("The body must be one JSON object.")
        if _depth(parsed) > _MOST_DEPTH:
            raise MalformedJson("The body is nested too deeply.")
        return parsed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedJson(f"The body is ambiguous: {twice[:80]!r} is given twice.")
    return found


def _refuse_constant(name: str) -> Any:
    raise MalformedJson(f"The body is not JSON: {name} is no JSON value.")


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise MalformedJson(f"The body holds a number of more than {_MOST_DIGITS} digits.")
    return int(text)


def _depth(value: object) -> int:
    """How deep a value is nested; the parser's own recursion has bounded it by now."""
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
        ]
    return deepest
