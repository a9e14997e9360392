"""What people see of a message: everything but what lets its holder pay, and who the buyer is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.acquirer import masking

MASKED = """accessToken refreshToken authCode paymentMethodId userId userLoginId AccessToken certificateNo holderName
    fullName buyerEmail buyerPhoneNo pspCustomerId displayCustomerId customerId clientIp"""


def shown(message: Any) -> Any:
    return json.loads(masking.masked(json.dumps(message).encode()))


def test_tokens_codes_and_people_are_hidden_and_the_rest_is_shown() -> None:
    assert shown(
        {
            "paymentRequestId": "PAY1",
            "paymentMethod": {"paymentMethodType": "GCASH", "paymentMethodId": "28100103_TOKEN"},
            "order": {"buyer": {"referenceBuyerId": "B1", "buyerName": {"fullName": "Li Si"}, "buyerPhoneNo": "1"}},
            "env": {"clientIp": "203.0.113.9", "terminalType": "APP"},
        }
    ) == {
        "paymentRequestId": "PAY1",
        "paymentMethod": {"paymentMethodType": "GCASH", "paymentMethodId": "••••"},
        "order": {"buyer": {"referenceBuyerId": "B1", "buyerName": "••••", "buyerPhoneNo": "••••"}},
        "env": {"clientIp": "••••", "terminalType": "APP"},
    }


@pytest.mark.parametrize(
    "name",
    MASKED.split(),
)
@pytest.mark.parametrize("value", ["secret-text", {"inner": "secret-text"}, ["secret-text"], 1234567])
def test_a_masked_field_is_hidden_whatever_it_holds(name: str, value: object) -> None:
    assert shown({"deep": [{name: value}]}) == {"deep": [{name: "••••"}]}


def test_absent_values_stay_visibly_absent() -> None:
    assert shown({"accessToken": None, "refreshToken": ""}) == {"accessToken": None, "refreshToken": ""}


def test_json_inside_a_text_is_masked_inside() -> None:
    inner = json.dumps({"userId": "217010000001111160", "kind": "x"})
    assert json.loads(shown({"extendInfo": inner})["extendInfo"]) == {"userId": "••••", "kind": "x"}


@pytest.mark.parametrize("secret", ['a"quoted"one', "back\\slash", "ünïcode", "tab\tbed"])
def test_a_secret_is_hidden_however_json_spells_it(secret: str) -> None:
    hidden = masking.hidden_values(json.dumps({"accessToken": secret}).encode())
    answer = {"said": f"{secret} is unknown", "extendInfo": json.dumps({"token": secret}), secret: 1}
    for is_ascii in (True, False):
        shown = masking.masked(json.dumps(answer, ensure_ascii=is_ascii).encode(), also=hidden)
        assert json.loads(shown) == {"said": "•••• is unknown", "extendInfo": '{"token": "••••"}', "••••": 1}
    assert masking.hide(f"near {json.dumps(secret)}", hidden) == 'near "••••"'


def test_what_the_request_hid_is_hidden_in_the_answer_too() -> None:
    request = b'{"accessToken":"28100103_TOKEN","grantType":"REFRESH_TOKEN"}'
    hidden = masking.hidden_values(request)
    assert hidden == {"28100103_TOKEN"}
    answer = b'{"result":{"resultMessage":"28100103_TOKEN is unknown"},"grantType":"REFRESH_TOKEN"}'
    assert json.loads(masking.masked(answer, also=hidden)) == {
        "result": {"resultMessage": "•••• is unknown"},
        "grantType": "REFRESH_TOKEN",
    }


@pytest.mark.parametrize(
    "body", [b"accessToken=28100103_TOKEN", b"<html>28100103_TOKEN</html>", b"\xff\xfe28100103_TOKEN"]
)
def test_what_is_no_json_is_not_shown(body: bytes) -> None:
    assert masking.masked(body) == f"({len(body)} bytes that are not JSON)"


def test_an_empty_body_is_shown_empty() -> None:
    assert masking.masked(b"") == ""


def test_what_no_database_stores_is_replaced() -> None:
    assert masking.storable("a\x00b\ud83dc") == "a\ufffdb?c"
    assert masking.masked(rb'{"a":"\ud83d"}') == '{"a": "?"}'


@settings(max_examples=30)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_can_be_shown(message: object) -> None:
    masking.masked(json.dumps(message).encode()).encode()


@given(st.text(min_size=6, alphabet=st.characters(categories=["L", "N"])))
def test_no_token_is_ever_shown(token: str) -> None:
    body = json.dumps({"a": [{"accessToken": f"<{token}>"}], "message": "about nothing"}).encode()
    assert f"<{token}>" not in masking.masked(body)
