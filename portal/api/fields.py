"""Fields that take a value as it is or refuse it: no number for a string, no blank trimmed away, no name unknown.

REST framework is lenient by habit (``"1"`` for 1, ``true`` for 1, unknown names ignored). With money a lenient reader
is a reader that guesses, so these do not.
"""

import datetime
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from portal.api.problems import InvalidQuery
from portal.money import EXPONENTS, WHOLE_UNITS_ONLY, Money, MoneyError, exponent, from_wire

_LONGEST_NAME = 80
_LARGEST_EXACT = 2**53
"""Beyond it a reader of JSON may have rounded."""
_HIDDEN = r"\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
"""Controls, marks that make a text read as another one, and what never is a character.

What is only not assigned yet passes: it is the emoji of next year's phones, and our Python's tables are older.
"""
_hidden = re.compile(rf"[{_HIDDEN}\ud800-\udfff]")
"""JSON can spell half a character; no schema speaks of one."""
VISIBLE = rf"^[^\s{_HIDDEN}](?:[^{_HIDDEN}]*[^\s{_HIDDEN}])?$"
"""What the schema says of every text: visible characters, no blank at either end."""


class Text(serializers.CharField):
    """A string of visible characters, as given."""

    says: ClassVar[Mapping[str, Any]] = {}
    """What the schema says of it besides its length and form."""

    default_error_messages = {
        "not_a_string": "This must be a string.",
        "unprintable": "This holds a control character or one that cannot be shown.",
        "padded": "This must not begin or end with a blank.",
        "pattern": "This is not of the expected form.",
    }

    def __init__(self, *, pattern: str = "", **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)
        self._pattern = re.compile(pattern, re.ASCII) if pattern else None

    @property
    def form(self) -> str:
        """The pattern that the schema shows."""
        return f"^(?:{self._pattern.pattern})$" if self._pattern else VISIBLE

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str):
            if _hidden.search(data):
                self.fail("unprintable")
            if data and not data.strip():
                self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_a_string")
        if data != data.strip():
            self.fail("padded")
        if self._pattern and data and not self._pattern.fullmatch(data):
            self.fail("pattern")
        return data


class Choice(serializers.ChoiceField):
    """One of a few words."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=str(data)[:_LONGEST_NAME])
        if data not in self.choices:
            self.fail("invalid_choice", input=data[:_LONGEST_NAME])
        return data


def whole(data: object) -> int | None:
    """The integer that a JSON number is, or None. ``3.0`` is one too: JSON knows no other kind of number."""
    if type(data) is float and data.is_integer() and abs(data) < _LARGEST_EXACT:
        return int(data)
    return data if type(data) is int else None


class Whole(serializers.IntegerField):
    """A JSON integer."""

    default_error_messages = {"not_an_integer": "This must be a whole number."}

    def to_internal_value(self, data: Any) -> int:
        number = whole(data)
        if number is None:
            self.fail("not_an_integer")
        return number


class Moment(serializers.DateTimeField):
    """A time in UTC, ISO 8601."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=datetime.UTC, **options)


class Strict(serializers.Serializer[Any]):
    """Refuses what it does not know, by name."""

    default_error_messages = {"unknown_field": "There is no such field here.", "invalid": "This must be an object."}

    def say(self, described: dict[str, Any]) -> dict[str, Any]:
        """The schema of this object, with what its fields alone do not say."""
        return described

    def to_internal_value(self, data: Any) -> Any:
        known = self.fields
        surplus = [name for name in data if name not in known] if isinstance(data, Mapping) else []
        if surplus:
            sentence = str(self.error_messages["unknown_field"])
            raise serializers.ValidationError(
                {str(name)[:_LONGEST_NAME]: [serializers.ErrorDetail(sentence, "unknown_field")] for name in surplus}
            )
        return super().to_internal_value(data)


def read_body(request: Request, form: type[Strict]) -> dict[str, Any]:
    """The body as the form understands it. Raises ValidationError naming every flaw."""
    data = request.data
    return dict(_made(form).run_validation(data if isinstance(data, dict) and not hasattr(data, "getlist") else {}))


def shown(what: type[serializers.Serializer[Any]], thing: object) -> dict[str, Any]:
    """A thing as its serializer shows it."""
    return dict(_made(what).to_representation(thing))


@lru_cache(maxsize=256)
def _made(what: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """One of each serializer is enough to read or show by: making one copies all its fields, and costs more than both.

    It holds neither what it reads nor what it shows, so threads may share it.
    """
    return what()


def read_query(request: Request, form: type[Strict]) -> dict[str, Any]:
    """The query's parameters as the form understands them. Raises InvalidQuery naming every flaw."""
    given = request.query_params
    twice = [name for name in given if len(given.getlist(name)) > 1]
    if twice:
        raise InvalidQuery({twice[0][:_LONGEST_NAME]: [serializers.ErrorDetail("This is given twice.", "repeated")]})
    query = form(data=given.dict())
    try:
        query.is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        raise InvalidQuery(error.detail) from None
    return dict(query.validated_data)


class CurrencyCode(Text):
    """An ISO 4217 code whose decimals we know."""

    says = {"enum": sorted(EXPONENTS)}


@extend_schema_serializer(component_name="AmountToPay")
class AmountGiven(Strict):
    """An amount a caller names: minor units and a currency."""

    value = Text(
        max_length=16,
        pattern=r"[0-9]{1,16}",
        error_messages={"pattern": "This must be 1 to 16 digits: the amount in minor units, as a string."},
        help_text='Minor units as a string of digits: "49900" is 499.00 PHP, "49900" is 49,900 JPY.',
    )
    currency = CurrencyCode(
        max_length=3,
        pattern=r"[A-Z]{3}",
        error_messages={"pattern": "This must be an ISO 4217 code such as PHP."},
        help_text="ISO 4217 code.",
    )

    def say(self, described: dict[str, Any]) -> dict[str, Any]:
        described["properties"]["value"]["pattern"] = "^0*[1-9][0-9]*$"
        whole = {"properties": {"currency": {"enum": sorted(WHOLE_UNITS_ONLY)}}, "required": ["currency"]}
        return {**described, "if": whole, "then": {"properties": {"value": {"pattern": "00$"}}}}

    def validate_currency(self, currency: str) -> str:
        """Refuse a currency whose decimals we do not know."""
        try:
            exponent(currency)
        except MoneyError as error:
            raise serializers.ValidationError(str(error), "currency") from None
        return currency

    def to_internal_value(self, data: Any) -> Money:
        read = super().to_internal_value(data)
        try:
            return from_wire(read).payable()
        except MoneyError as error:
            raise serializers.ValidationError({"value": [serializers.ErrorDetail(str(error), "amount")]}) from None


class Amount(serializers.Serializer[Money]):
    """An amount in an answer."""

    value = serializers.CharField(help_text="Minor units as a string of digits.")
    currency = serializers.CharField(help_text="ISO 4217 code.")
    display = serializers.CharField(help_text="For people, by the currency's own decimals: 1,499.00.")


class Reason(serializers.Serializer[Any]):
    """Why something did not happen."""

    code = serializers.CharField(help_text="Stable; the acquirer's own code where it gave one.")
    text = serializers.CharField(help_text="For the buyer.")


class Cursor(Text):
    """A place in a list, as the answer before gave it."""

    says = {"format": "cursor"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=400, required=False, pattern=r"[A-Za-z0-9_=-]+", **options)


class Listing(Strict):
    """The query of a list."""

    cursor = Cursor(help_text="`next_cursor` of the answer before.")
    limit = serializers.RegexField(
        r"\A([1-9][0-9]?|100)\Z",
        required=False,
        error_messages={"invalid": "This must be a whole number from 1 to 100."},
        help_text="How many at most: 1 to 100, usually 25.",
    )
