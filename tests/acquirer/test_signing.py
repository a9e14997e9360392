"""Signatures: the documents' vectors, those of the published SDK, and the forms met in practice."""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from portal.acquirer import signing
from portal.acquirer.results import Secret

from .peer import OURS, THEIRS

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text())
NOTIFICATION = (
    '{"authorizationNotifyType":"TOKEN_CANCELED","accessToken":"28100103_TESTTOKEN","reason":"no longer needed",'
    '"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}'
)
CONTENT = b"POST /a\nC.1.{}"


@pytest.mark.parametrize(
    ("uri", "time", "body", "length", "sha256"),
    [
        (
            "/ams/sandbox/api/v1/authorizations/revoke",
            "1685599933871",
            '{"accessToken":"28100103_TESTTOKEN"}',
            122,
            "5b9fa3bec3a33e0432f5ba64ea2f613a4cc0dc61727314a3fec01b0ab5869d32",
        ),
        (
            "/ams/sandbox/api/v1/authorizations/revoke",
            "2023-06-01T14:12:14+08:00",
            '{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success."}}',
            179,
            "2b0c47eb82469dd541ad9ac256421e0c2afcd1801292266542c638922c1b2b58",
        ),
        (
            "/antom/notify?src=auth",
            "1685599933871",
            NOTIFICATION,
            253,
            "8c503e747b1e2071b7a973659c810034bef2d58ccd45690e912e7b29a9e0aed0",
        ),
    ],
    ids=["request", "response", "notification"],
)
def test_the_content_is_byte_for_byte_as_documented(uri: str, time: str, body: str, length: int, sha256: str) -> None:
    content = signing.content_to_sign("POST", uri, "SANDBOX_5X00000000000000", time, body.encode())
    assert len(content) == length
    assert hashlib.sha256(content).hexdigest() == sha256


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
@pytest.mark.parametrize("form", ["private_key_pkcs1", "private_key_pkcs8"])
def test_we_sign_what_the_published_sdk_signs(vector: dict[str, str], form: str) -> None:
    content = signing.content_to_sign(
        "POST", vector["uri"], vector["client_id"], vector["time"], vector["body"].encode()
    )
    assert signing.sign(signing.load_private_key(VECTORS[form]), content) == vector["signature"]
    public = signing.load_public_key(VECTORS["public_key"])
    assert signing.verify(public, content, vector["signature"])
    assert not signing.verify(public, content + b" ", vector["signature"])


def one_with(character: str) -> tuple[bytes, str]:
    """A content whose signature, as plain base64, holds the character."""
    for number in range(1000):
        content = f"POST /a\nC.{number}.{{}}".encode()
        plain = unquote(signing.sign(OURS, content))
        if character in plain:
            return content, plain
    raise AssertionError("no such signature")


@pytest.mark.parametrize("character", ["+", "/", "="])
def test_every_form_of_the_same_signature_verifies(character: str) -> None:
    content, plain = one_with(character)
    public = OURS.public_key()
    url_safe = plain.replace("+", "-").replace("/", "_").rstrip("=")
    for form in (
        plain,
        quote(plain, safe=""),
        quote(plain, safe="/"),
        quote(plain, safe="+"),
        url_safe,
        plain.rstrip("="),
    ):
        assert signing.verify(public, content, form), form


def test_a_plus_turned_into_a_blank_does_not_verify() -> None:
    content, plain = one_with("+")
    assert not signing.verify(OURS.public_key(), content, plain.replace("+", " "))


@pytest.mark.parametrize(
    "signature", ["", "=", "%", "%zz", "ü", "😀", "AAAA", "A" * 5000, "not base64!", "\x00", "%ff%fe"]
)
def test_what_is_no_signature_verifies_nothing(signature: str) -> None:
    assert not signing.verify(OURS.public_key(), CONTENT, signature)


@given(st.text(max_size=400))
def test_no_text_makes_verifying_fail_otherwise(signature: str) -> None:
    assert not signing.verify(OURS.public_key(), CONTENT, signature)


@given(st.text(max_size=200))
def test_any_header_is_read_without_failing(header: str) -> None:
    assert isinstance(signing.parse_header(header), dict)


@pytest.mark.parametrize(
    "header",
    [
        "algorithm=RSA256, keyVersion=1, signature=abc%2Bd%3D",
        "algorithm=RSA256,keyVersion=1,signature=abc%2Bd%3D",
        "algorithm=RSA256,  keyVersion=1 ,signature=abc%2Bd%3D ",
        "signature=abc%2Bd%3D,algorithm=RSA256,keyVersion=1",
    ],
)
def test_blanks_and_order_in_the_header_do_not_matter(header: str) -> None:
    assert signing.parse_header(header) == {"algorithm": "RSA256", "keyVersion": "1", "signature": "abc%2Bd%3D"}


def test_a_plain_signature_in_the_header_keeps_its_padding() -> None:
    assert signing.parse_header("algorithm=RSA256,signature=ab+d==")["signature"] == "ab+d=="


def test_the_header_we_write_is_the_documented_one() -> None:
    assert signing.signature_header("abc", key_version="3") == "algorithm=RSA256, keyVersion=3, signature=abc"


def bare(pem: str) -> str:
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def pkcs1(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pkcs1(key: rsa.RSAPublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1).decode()


def test_private_keys_are_read_in_every_form() -> None:
    pkcs8_pem, pkcs1_pem = signing.private_pem(OURS), pkcs1(OURS)
    wrapped = "\r\n".join(bare(pkcs8_pem)[start : start + 76] for start in range(0, len(bare(pkcs8_pem)), 76))
    for text in (pkcs8_pem, pkcs1_pem, bare(pkcs8_pem), bare(pkcs1_pem), f"  {bare(pkcs8_pem)}\n", wrapped):
        assert signing.load_private_key(text).private_numbers() == OURS.private_numbers()


def test_public_keys_are_read_in_every_form() -> None:
    public = OURS.public_key()
    for text in (
        signing.public_pem(public),
        signing.public_bare(public),
        bare(signing.public_pem(public)),
        public_pkcs1(public),
        bare(public_pkcs1(public)),
    ):
        assert signing.load_public_key(text).public_numbers() == public.public_numbers()


def test_a_private_key_pasted_as_the_public_one_is_told_so() -> None:
    with pytest.raises(signing.KeyUnreadable, match="This is a private key"):
        signing.load_public_key(signing.private_pem(OURS))


@pytest.mark.parametrize(
    "text", ["", "nonsense", "AAAA", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "ключ"]
)
def test_what_is_no_key_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(signing.KeyUnreadable, match="not an RSA private key"):
        signing.load_private_key(text)
    with pytest.raises(signing.KeyUnreadable):
        signing.load_public_key(text)


def test_keys_of_another_kind_or_too_short_are_refused() -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(signing.KeyUnreadable, match="not an RSA"):
        signing.load_private_key(elliptic.decode())
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.raises(signing.KeyUnreadable, match="1024 bits"):
        signing.load_private_key(signing.private_pem(short))


def test_a_signature_is_for_one_key_only() -> None:
    assert not signing.verify(THEIRS.public_key(), CONTENT, signing.sign(OURS, CONTENT))


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("28100103_TESTTOKEN")
    assert "TESTTOKEN" not in f"{secret} {secret!r} {secret:>40} %s {[secret]}" % secret
    assert secret.reveal() == "28100103_TESTTOKEN"
    assert secret == Secret("28100103_TESTTOKEN")
    assert secret != Secret("another")
    assert not Secret("")
