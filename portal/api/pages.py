"""Lists by cursor: newest first, or by name, each page where the one before ended, whatever was added meanwhile."""

import base64
import binascii
import json
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers

from portal.api.problems import InvalidQuery

USUAL_LIMIT = 25
_LARGEST_ID = 2**63 - 1

M = TypeVar("M", bound=Model)


def page(rows: QuerySet[M], query: dict[str, Any], *, by: str) -> tuple[list[M], str | None]:
    """One page of rows and the cursor of the next, or None at the end. ``by`` names a field; ``-`` turns it round.

    Raises InvalidQuery for a cursor this list did not give.
    """
    field, backwards = by.removeprefix("-"), by.startswith("-")
    limit = int(query.get("limit") or USUAL_LIMIT)
    cursor = query.get("cursor")
    if cursor:
        rows = rows.filter(_beyond(cursor, field, backwards=backwards))
    sign = "-" if backwards else ""
    found = list(rows.order_by(f"{sign}{field}", f"{sign}pk")[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], _cursor(getattr(last, field), last.pk)


def _cursor(value: Any, pk: int) -> str:
    place = [value.isoformat() if isinstance(value, datetime) else value, pk]
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode("ascii").rstrip("=")


def _beyond(cursor: str, field: str, *, backwards: bool) -> Q:
    try:
        place = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        value, pk = place
        if type(pk) is not int or not 0 < pk <= _LARGEST_ID or not isinstance(value, str) or "\x00" in value:
            raise ValueError("no place in a list")
        value.encode()
        at: Any = value
        if field.endswith("_at"):
            at = datetime.fromisoformat(value)
            if at.tzinfo is None:
                raise ValueError("no moment")
    except (ValueError, TypeError, RecursionError, OverflowError, binascii.Error):
        sentence = "This is no cursor of this list. Begin without one."
        raise InvalidQuery({"cursor": [serializers.ErrorDetail(sentence, "cursor")]}) from None
    beyond = "lt" if backwards else "gt"
    return Q(**{f"{field}__{beyond}": at}) | Q(**{field: at, f"pk__{beyond}": pk})
