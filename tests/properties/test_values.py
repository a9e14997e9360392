"""Amounts, signatures, masks and fingerprints, for all values."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some
from rest_framework.test import APIRequestFactory

from portal import idempotency
from portal.acquirer import masking, signing
from portal.api.parsing import StrictJSONParser
from portal.money import EXPONENTS, WHOLE_UNITS_ONLY, Money, MoneyError, convert, exponent, from_wire, parse_major
from tests.properties.effort import tried

KEY = signing.new_private_key()
currencies = some.sampled_from(sorted(EXPONENTS))
values = some.integers(-(10**16), 10**16)
digits = some.text("0123456789", min_size=1, max_size=14)
anything = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**60), 2**60) | some.text(max_size=12),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


# Money.


@tried(100)
@given(digits, some.text("0123456789", max_size=6), some.sampled_from(["", "-", "+"]), currencies)
def test_what_is_written_is_read_exactly_or_refused(units: str, decimals: str, sign: str, currency: str) -> None:
    text = f"{sign}{units}.{decimals}" if decimals else f"{sign}{units}"
    exact = Fraction(text) * 10 ** exponent(currency)
    if exact.denominator == 1:
        assert parse_major(text, currency) == Money(int(exact), currency)
    else:
        with pytest.raises(MoneyError):
            parse_major(text, currency)


@tried(100)
@given(values, currencies)
def test_an_amount_survives_the_screen_and_the_wire(value: int, currency: str) -> None:
    amount = Money(value, currency)
    assert parse_major(amount.major, currency) == parse_major(amount.display, currency) == amount
    try:
        payable = amount.payable()
    except MoneyError:
        assert value <= 0 or value >= 10**16 or (currency in WHOLE_UNITS_ONLY and value % 100)
        return
    assert from_wire(json.loads(json.dumps(payable.to_wire()))) == amount
    assert value > 0
    assert currency not in WHOLE_UNITS_ONLY or "." not in amount.display


@tried(100)
@given(some.one_of(some.floats(), some.booleans(), some.text(), some.none(), some.decimals()), currencies)
def test_money_is_made_of_integers_only(value: Any, currency: str) -> None:
    with pytest.raises(MoneyError):
        Money(value, currency)
    if not isinstance(value, str):
        with pytest.raises(MoneyError):
            from_wire({"value": value, "currency": currency})


@tried(60)
@given(values, values, currencies, currencies)
def test_sums_are_exact_and_never_mix_currencies(one: int, other: int, mine: str, theirs: str) -> None:
    a, b = Money(one, mine), Money(other, theirs)
    if mine == theirs:
        assert (a + b) - b == a
        assert (a + b).value == one + other
        assert (a < b, a <= b) == (one < other, one <= other)
    else:
        for mixed in (lambda: a + b, lambda: a - b, lambda: a < b, lambda: a >= b):
            with pytest.raises(MoneyError):
                mixed()


@tried(100)
@given(
    some.integers(10**12, 10**16),
    currencies,
    currencies,
    some.integers(1, 10**23).map(lambda number: Decimal(number).scaleb(-12)),
)
def test_a_conversion_is_rounded_once(value: int, currency: str, into: str, rate: Decimal) -> None:
    exact = Fraction(value) * Fraction(rate) * Fraction(10) ** (exponent(into) - exponent(currency))
    assert convert(Money(value, currency), rate, into).value == round(exact)  # a Fraction rounds half to even


# Signatures.


@tried(25)
@given(
    some.binary(max_size=60),
    some.sampled_from(["", " ", "  ", "\t"]),
    some.permutations(["algorithm", "keyVersion", "signature"]),
    some.sampled_from(["quoted", "plain", "url safe", "bare"]),
)
def test_a_signature_is_read_however_the_header_writes_it(body: bytes, blank: str, order: list[str], form: str) -> None:
    content = signing.content_to_sign("POST", "/notify/a/payment?x=1", "C", "1", body)
    quoted = signing.sign(KEY, content)
    plain = unquote(quoted)
    url_safe = plain.replace("+", "-").replace("/", "_")
    text = {"quoted": quoted, "plain": plain, "url safe": quote(url_safe), "bare": url_safe.rstrip("=")}[form]
    said = {"algorithm": signing.ALGORITHM, "keyVersion": "1", "signature": text}
    header = f"{blank},{blank}".join(f"{blank}{name}={said[name]}{blank}" for name in order)
    assert signing.parse_header(header) == said
    assert signing.verify(KEY.public_key(), content, signing.parse_header(header)["signature"])


part = some.text("abcXYZ019/?=&-_", min_size=1, max_size=12)


@tried(60)
@given(part, part, part, some.binary(min_size=1, max_size=40), some.data())
def test_whatever_is_changed_changes_what_is_signed(
    path: str, client: str, time: str, body: bytes, data: some.DataObject
) -> None:
    # Paths hold no blank or line feed, client ids and times no dot: so no two messages have the same content.
    said = {"method": "POST", "uri": path, "client_id": client, "time": time, "body": body}
    other = dict(said)
    name = data.draw(some.sampled_from(sorted(said)))
    other[name] = data.draw(some.binary(max_size=40) if name == "body" else part)
    contents = [signing.content_to_sign(**message) for message in (said, other)]  # type: ignore[arg-type]
    assert (contents[0] == contents[1]) == (said == other)


# Masks.

secrets = some.text(
    some.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=["Cc", "Cs"]), min_size=8, max_size=20
).map(lambda text: f"se¢ret{text}")
hiding_names = some.sampled_from(sorted(masking.MASKED_FIELDS)).flatmap(
    lambda name: some.sampled_from([name, name.upper(), name.title()])
)


def around(inner: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
    """Put something into something else: a list, an object, JSON as text."""
    names = some.text("abcdef", min_size=1, max_size=5)
    return some.one_of(
        some.tuples(anything, inner).map(list),
        some.tuples(names, inner).map(lambda pair: {pair[0]: pair[1]}),
        inner.map(json.dumps),
        inner.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1)),
    )


@tried(120)
@given(some.data(), secrets, hiding_names)
def test_no_secret_is_shown_wherever_it_stands(data: some.DataObject, secret: str, name: str) -> None:
    held = data.draw(some.sampled_from([secret, [secret], {"x": secret}, {"x": [secret, 1]}]))
    message = data.draw(some.recursive(some.just({name: held}), around, max_leaves=1))
    assume(not isinstance(message, str))
    shown = masking.masked(json.dumps(message, ensure_ascii=data.draw(some.booleans())).encode())
    assert secret not in shown
    assert "se¢ret" not in shown.encode().decode("unicode_escape", "replace")
    assert json.dumps("se¢ret")[1:-1] not in shown


@tried(80)
@given(secrets, hiding_names, some.text(max_size=10), some.booleans())
def test_what_a_request_hides_no_answer_repeats(secret: str, name: str, words: str, is_ascii: bool) -> None:
    hidden = masking.hidden_values(json.dumps({"a": [{name: secret}]}, ensure_ascii=is_ascii).encode())
    assert hidden == {secret}
    answer = {"result": {"resultMessage": f"{words}{secret}{words}"}, "extendInfo": json.dumps({"said": secret})}
    shown = masking.masked(json.dumps(answer, ensure_ascii=is_ascii).encode(), also=hidden)
    assert "se¢ret" not in shown
    assert json.dumps("se¢ret")[1:-1] not in shown


# Idempotency.


def read(body: bytes) -> dict[str, Any]:
    request = APIRequestFactory().post("/", body, content_type="application/json")
    return StrictJSONParser().parse(request, "application/json")


@tried(80)
@given(some.dictionaries(some.text(max_size=6), anything, max_size=4), some.booleans(), some.integers(0, 3))
def test_one_body_is_one_request_however_it_is_printed(body: dict[str, Any], is_ascii: bool, indent: int) -> None:
    try:
        printed = json.dumps(body, ensure_ascii=is_ascii, indent=indent or None).encode()
    except UnicodeEncodeError:
        printed = json.dumps(body).encode()
    turned = json.dumps(dict(reversed(body.items()))).encode()
    assert json.dumps(read(printed), sort_keys=True) == json.dumps(read(turned), sort_keys=True)


@tried(80)
@given(anything, anything)
def test_another_body_is_another_request(one: Any, other: Any) -> None:
    first, second = (json.dumps({"a": value}, sort_keys=True).encode() for value in (one, other))
    same = idempotency.fingerprint("POST", "/x", first) == idempotency.fingerprint("POST", "/x", second)
    assert same == (first == second)
    is_alike = type(one) is type(other) and one == other
    assert same or not is_alike


@tried(40)
@given(part, part, some.binary(max_size=20), some.binary(max_size=20))
def test_method_path_and_body_count_apart(one: str, other: str, first: bytes, second: bytes) -> None:
    marks = [
        idempotency.fingerprint(method, path, body)
        for method, path, body in (("POST", one, first), ("POST", other, second))
    ]
    assert (marks[0] == marks[1]) == ((one, first) == (other, second))
