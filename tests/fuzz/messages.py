"""Malformed notifications without end, each made from a seed and a number alone, so that any one can be made again.

Three kinds, by what becomes of them:

- *turned away*: no message at all (another method, no length, too long, no such account, no HTTP). Nothing is kept.
- *refused*: not the acquirer's for us as it was sent, however well it says what would be welcome: 401, kept as REFUSED.
- *odd*: signed by the acquirer, and unreadable, about something unknown, or deciding nothing: acknowledged and kept.
"""

import json
import random
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from portal import inbox
from portal.acquirer import signing
from portal.models import NotificationStatus
from tests.malformed.wire import request_bytes

TIME = "1772416800000"
PATH = "/notify/sandbox/payment"
_HEADERS = ("client-id", "request-time", "signature")
_RANDOM_BYTES = 400


@dataclass(frozen=True)
class Keys:
    """Who signs: the acquirer, we ourselves, a stranger."""

    acquirer: rsa.RSAPrivateKey
    merchant: rsa.RSAPrivateKey
    stranger: rsa.RSAPrivateKey


@dataclass
class Message:
    """A request in the making: what is signed, what is sent, and what must become of it."""

    rng: random.Random
    keys: Keys
    client_id: str
    world: dict[str, str]
    """Ids of things whose result is unknown, and of others, under the names of ``tests.malformed``."""
    body: bytes = b""
    method: str = "POST"
    path: str = PATH
    headers: list[tuple[str, str | bytes]] = field(default_factory=list)
    has_length: bool = True
    wrong: str = ""
    answers: frozenset[int] = frozenset()
    kept: frozenset[str] = frozenset()
    """What a row that is kept of it may be; empty: none is kept."""

    def sign(self, *, key: rsa.RSAPrivateKey | None = None, path: str = "", time: str = TIME) -> None:
        """Sign the body as it stands now and write the headers."""
        content = signing.content_to_sign("POST", path or self.path, self.client_id, time, self.body)
        signature = signing.signature_header(signing.sign(key or self.keys.acquirer, content))
        self.headers = [
            ("client-id", self.client_id),
            ("request-time", time),
            ("signature", signature),
            ("content-type", "application/json; charset=UTF-8"),
        ]

    def header(self, name: str) -> str:
        return next(str(value) for known, value in self.headers if known == name)

    def put(self, name: str, *values: str | bytes) -> None:
        """Say a header this often, with these values."""
        self.headers = [(known, value) for known, value in self.headers if known != name]
        self.headers += [(name, value) for value in values]

    def request(self) -> bytes:
        """As it goes over the line."""
        said = [("host", "127.0.0.1"), ("connection", "close"), *self.headers]
        if self.has_length and not any(name == "content-length" for name, _ in said):
            said.append(("content-length", str(len(self.body))))
        return request_bytes(self.method, self.path, said, self.body)


# What a message may say.


def welcome(message: Message) -> dict[str, Any]:
    """What would decide something, were it the acquirer's: a payment paid or failed, a refund done, a code, an end."""
    rng, world = message.rng, message.world
    result = rng.choice(
        [
            {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"},
            {"resultCode": "USER_BALANCE_NOT_ENOUGH", "resultStatus": "F", "resultMessage": "no"},
        ]
    )
    return rng.choice(
        [
            {
                "notifyType": "PAYMENT_RESULT",
                "result": result,
                "paymentRequestId": world["{payment}"],
                "paymentId": f"20260302114010800100188{rng.randrange(10**10)}",
                "paymentAmount": {"currency": "PHP", "value": "49900"},
                "paymentTime": "2026-03-02T10:00:01+08:00",
            },
            {
                "notifyType": "REFUND_RESULT",
                "result": result,
                "refundStatus": "SUCCESS" if result["resultStatus"] == "S" else "FAIL",
                "refundRequestId": world["{refund}"],
                "refundAmount": {"currency": "PHP", "value": "10000"},
            },
            {"authorizationNotifyType": "AUTHCODE_CREATED", "authState": world["{attempt}"], "authCode": "c" * 24},
            {"authorizationNotifyType": "TOKEN_CREATED", "authState": world["{attempt}"], "accessToken": "t" * 24},
            {"authorizationNotifyType": "TOKEN_CANCELED", "accessToken": world["{token}"], "reason": "…"},
        ]
    )


def nobody_has(rng: random.Random) -> str:
    """An id of nothing here."""
    odd = ["", " ", "0", "null", "' OR 1=1 --", "../../etc/passwd", "%00", "ид", "🙈", "P" * 64, "x" * 300, "{}"]
    return rng.choice([*odd, f"P{rng.randrange(10**24)}", f"R{rng.randrange(10**24)}"])


def anything(rng: random.Random, depth: int = 3) -> Any:
    """Any JSON."""
    simple: list[Callable[[], Any]] = [
        lambda: None,
        lambda: rng.choice([True, False]),
        lambda: rng.choice([0, -1, 1, 49900, 2**31, 2**63, 2**64, -(2**70), 10**30]),
        lambda: rng.choice([0.1, -0.0, 1e308, 4.99e4, 49900.0]),
        lambda: rng.choice(["", "S", "F", "U", "SUCCESS", "49900", "PHP", "\u0000", "\ud800", "\u202e", "x" * 2000]),
        lambda: "".join(chr(rng.randrange(1, 0xD7FF)) for _ in range(rng.randrange(20))),
    ]
    if depth and rng.random() < 0.3:
        inner = [anything(rng, depth - 1) for _ in range(rng.randrange(4))]
        return inner if rng.random() < 0.5 else {nobody_has(rng): value for value in inner}
    return rng.choice(simple)()


def strange_text(rng: random.Random, said: dict[str, Any]) -> bytes:
    """The message in JSON that few write: named twice, not a number, far too deep, another encoding, cut off …"""
    text = json.dumps(said)
    deep = rng.randrange(10, 30_000)
    ways: list[Callable[[], str | bytes]] = [
        lambda: text[: rng.randrange(len(text))],
        lambda: text + text,
        lambda: b"\xef\xbb\xbf" + text.encode(),
        lambda: text.encode(rng.choice(["utf-16", "utf-32", "utf-16-be"])),
        lambda: text.replace('"', "'").encode(),
        lambda: text.replace("}", ",}").encode(),
        lambda: text.replace(":", rng.choice([": NaN,", ": -Infinity, ", "=", ": 0x1F "]), 1).encode(),
        lambda: b'{"a": ' + text.encode() + b', "a": ' + b"9" * rng.randrange(1, 9000) + b"}",
        lambda: b"[" * deep + text.encode() + b"]" * rng.choice([deep, deep - 1]),
        lambda: (b'{"a":' * deep)[: inbox.LARGEST_BODY - 10] + b"1",
        lambda: text.encode().replace(b'"', b'"\xff', 2),
        lambda: rng.randbytes(rng.randrange(_RANDOM_BYTES)),
        lambda: text.encode() + rng.choice([b"\x00", b"//", b";", b"\r\n--"]),
        lambda: f"/* */ {text}",
        lambda: json.dumps(anything(rng)).encode() if rng.random() < 0.8 else json.dumps([said]).encode(),
        lambda: json.dumps(said, ensure_ascii=False).upper().encode("utf-8", "replace"),
    ]
    way = rng.choice(ways)()
    return way.encode() if isinstance(way, str) else way


# Kinds.


def turned_away(message: Message) -> None:
    """No message at all."""
    rng = message.rng
    message.body = json.dumps(welcome(message)).encode()
    message.sign()
    way = rng.randrange(7)
    if way == 0:
        message.method = rng.choice(["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "post", "FOO"])
        message.wrong, message.answers = f"method {message.method}", frozenset({405, 400, 501})
    elif way == 1:
        message.path = f"/notify/{rng.choice(['nobody', 'closed', 'SANDBOX', 'sandbox2', 'sandbox-', '0'])}/payment"
        message.sign()
        message.wrong, message.answers = "an account that is not there", frozenset({404})
    elif way == 2:
        places = ["/notify/sandbox", "/notify/sandbox/", "/notify/sandbox/pay/ment", "/notify//payment", "/notify"]
        places += ["/notify/sandbox/payment/", "/notify/../notify/sandbox/pay ment", "/notify/s%2Fandbox/payment"]
        message.path = rng.choice(places).replace(" ", "%20")
        message.sign()
        message.wrong, message.answers = "no door there", frozenset({404, 400})
    elif way == 3:
        message.put("content-length", rng.choice(["-1", "+5", " ", "1e3", "many", "0x10", "٣", "1,1", "9" * 30]))
        message.wrong, message.answers = "a length that is none", frozenset({400, 411, 413})
    elif way == 4:
        message.body = b" " * (inbox.LARGEST_BODY + rng.randrange(1, 5000))
        message.sign()
        message.wrong, message.answers = "too long", frozenset({413})
    elif way == 5:
        message.put("transfer-encoding", "chunked")
        message.has_length = rng.random() < 0.5
        message.body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(message.body), message.body)
        message.wrong, message.answers = "in chunks", frozenset({411, 400, 413})
    else:
        said = rng.choice(["no colon here", "\x00: x", "a b: c", ": x", "é: x", "(x): y"])
        message.headers.insert(rng.randrange(3), (said.partition(":")[0], said.partition(":")[2]))
        message.wrong, message.answers = f"a header {said!r}", frozenset({400, 401, 200})
        _decide_nothing(message)
        broken = message.headers
        message.sign()
        message.headers = [*message.headers, broken[0] if broken[0][0] not in _HEADERS else ("x-y", "z")]
        message.kept = ODD


ODD = frozenset({NotificationStatus.UNAPPLIED, NotificationStatus.WAITING, NotificationStatus.APPLIED})
REFUSED = frozenset({NotificationStatus.REFUSED})


def refused(message: Message) -> None:
    """Something welcome, and not the acquirer's for us as it was sent."""
    rng = message.rng
    message.body = json.dumps(welcome(message)).encode()
    message.sign()
    message.answers, message.kept = frozenset({401}), REFUSED
    ways = [_other_body, _other_header, _header_gone, _header_twice, _other_signer, _other_signature, _other_url]
    rng.choice(ways)(message)


def _other_body(message: Message) -> None:
    rng, body = message.rng, bytearray(message.body)
    way = rng.randrange(6)
    place = rng.randrange(len(body))
    if way == 0:
        body[place] ^= 1 << rng.randrange(8)
    elif way == 1:
        del body[place : place + rng.randrange(1, 9)]
    elif way == 2:
        body[place:place] = rng.randbytes(rng.randrange(1, 9))
    elif way == 3:
        body = bytearray(strange_text(rng, welcome(message)) + b" ")
    elif way == 4:
        body = bytearray(json.dumps(json.loads(message.body), indent=rng.choice([1, 2, 4])).encode())
    else:
        body = bytearray(json.dumps({**welcome(message), "more": nobody_has(rng)}).encode())
    message.body = bytes(body)
    message.wrong = "another body than was signed"


def _other_header(message: Message) -> None:
    rng = message.rng
    name = rng.choice(["client-id", "request-time"])
    value = message.header(name)
    place = rng.randrange(1, len(value))
    others: list[str | bytes] = [
        value[:place] + " " + value[place:],
        value[:place] + value[place + 1 :],
        value.swapcase() if name == "client-id" else str(int(value) + rng.choice([1, -1, 1000])),
        value + rng.choice([",", ";", "\u00e9".encode().decode("latin-1"), "x" * 3000, "\t0"]),
        rng.choice(["null", "0", "-1", "NaN", "2026-03-02T02:00:00Z", "9" * 40]),
        value.encode() + b"\xff\xfe",
        "ж".encode() * rng.randrange(1, 9),
    ]
    message.put(name, rng.choice(others))
    message.wrong = f"another {name} than was signed"


def _header_gone(message: Message) -> None:
    name = message.rng.choice(_HEADERS)
    message.put(name, *message.rng.choice([(), ("",), (" ",), ("\t",)]))
    message.wrong = f"no {name}"


def _header_twice(message: Message) -> None:
    rng = message.rng
    name = rng.choice(["client-id", "request-time"])
    message.put(name, message.header(name), rng.choice([message.header(name)[::-1], "other", ""]))
    message.wrong = f"{name} twice, the second time another"


def _other_signer(message: Message) -> None:
    message.sign(key=message.rng.choice([message.keys.merchant, message.keys.stranger]))
    message.wrong = "somebody else signed it"


def _other_signature(message: Message) -> None:
    rng = message.rng
    content = signing.content_to_sign("POST", message.path, message.client_id, TIME, message.body)
    good = message.keys.acquirer.sign(content, padding.PKCS1v15(), hashes.SHA256())
    flipped = bytearray(good)
    flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), rng.randrange(33))
    raw = rng.choice(
        [
            bytes(flipped),
            good[: rng.randrange(len(good))],
            good + rng.randbytes(rng.randrange(1, 9)),
            bytes(len(good)),
            good[::-1],
            rng.randbytes(256),
            message.keys.acquirer.sign(content, padding.PKCS1v15(), rng.choice([hashes.SHA1(), hashes.SHA512()])),
            message.keys.acquirer.sign(content, pss, hashes.SHA256()),
        ]
    )
    text = b64encode(raw).decode()
    version = rng.choice(["1", "1", "1", "2", "0", "-1", "1 ", "", "one", "١", "9" * 500])
    if version not in ("1", "1 ", ""):
        text = b64encode(good).decode()  # the right signature, by a key we do not hold
    says = [
        f"algorithm=RSA256, keyVersion={version}, signature={text}",
        f"signature={text},keyVersion={version}",
        f"algorithm=none, keyVersion={version}, signature={text}",
        f"algorithm=RSA256, keyVersion={version}, signature={text[:20]}, signature={text}",
        f"algorithm=RSA256; keyVersion={version}; signature={b64encode(good).decode()}",
        f"RSA256 {text}",
        text,
        "x" * rng.randrange(1, 9000),
        "signature=" + "%" * rng.randrange(1, 50),
        f"algorithm=RSA256, keyVersion=1, Signature={b64encode(good).decode()}",
    ]
    message.put("signature", rng.choice(says))
    message.wrong = "another signature"


def _other_url(message: Message) -> None:
    rng = message.rng
    places = [
        f"{PATH}?",
        f"{PATH}?a=1",
        f"{PATH}?%zz",
        f"{PATH}?a=%ff&b",
        "/notify/sandbox/refund",
        "/notify/sandbox/x",
    ]
    signed = message.path
    message.path = rng.choice([place for place in places if place != f"{PATH}?"] + ["/notify/sandbox/_"])
    message.wrong = f"signed for {signed}, sent to {message.path}"


def odd(message: Message) -> None:
    """Signed by the acquirer, and nothing to act upon."""
    rng = message.rng
    message.answers, message.kept = frozenset({200}), ODD
    rng.choice([_unreadable, _about_nothing_here, _decide_nothing, _decide_nothing])(message)
    if rng.random() < 0.2:
        message.path = rng.choice(["/notify/sandbox/refund", "/notify/sandbox/x", f"{PATH}?a=1&b=%20"])
    message.sign(time=rng.choice([TIME, TIME, "0", "-1", "tomorrow", "2026-03-02T10:00:00+08:00", "9" * 60]))
    if rng.random() < 0.3:
        _same_signature_otherwise(message)


def _unreadable(message: Message) -> None:
    message.body = strange_text(message.rng, _of_nobody(message))
    message.wrong = "unreadable"


def _about_nothing_here(message: Message) -> None:
    message.body = json.dumps(_of_nobody(message)).encode()
    message.wrong = "about nothing here"


def _of_nobody(message: Message) -> dict[str, Any]:
    """A message whose ids are nobody's, some of its fields something else than they should be."""
    rng, said = message.rng, welcome(message)
    for name in ("paymentRequestId", "refundRequestId", "authState", "accessToken"):
        if name in said:
            elsewhere = [message.world["{elsewhere}"], message.world["{token elsewhere}"]]
            said[name] = rng.choice([nobody_has(rng), nobody_has(rng), *elsewhere, anything(rng)])
    for name in list(said):
        if rng.random() < 0.15:
            said[name] = anything(rng)
        elif rng.random() < 0.05:
            del said[name]
    if rng.random() < 0.3:
        said[nobody_has(rng)] = anything(rng)
    return said


def _decide_nothing(message: Message) -> None:
    """About our payment or refund, whose result is unknown, and it stays so."""
    rng = message.rng
    said = welcome(message)
    while "result" not in said:
        said = welcome(message)
    status = rng.choice([None, "", "s", "f", "U", "SUCCESS", "S ", " S", "SF", 0, True, ["S"], {"S": "S"}, "\u0405"])
    nothing = [
        {"resultCode": "SUCCESS", "resultStatus": status},
        {"resultCode": rng.choice(["", "WENT_RIGHT", 0, None, "success"]), "resultStatus": rng.choice(["S", "U", "F"])},
        {"resultCode": "USER_BALANCE_NOT_ENOUGH", "resultStatus": "S"},
        {"resultCode": "SUCCESS", "resultStatus": "F"},
        None,
        "S",
        [],
        {},
        anything(rng),
    ]
    said["result"] = rng.choice(nothing)
    for name in set(said) - {"result", "notifyType"}:
        if rng.random() < 0.1:
            said[name] = anything(rng)
    said["nonce"] = rng.randrange(10**12)
    message.body = json.dumps(said).encode()
    message.wrong = "deciding nothing"


def _same_signature_otherwise(message: Message) -> None:
    """The same signature as the header may also write it: the message stays the acquirer's."""
    rng = message.rng
    text = signing.parse_header(message.header("signature"))["signature"]
    plain = text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
    url_safe = plain.replace("+", "-").replace("/", "_").rstrip("=")
    form = rng.choice([text, plain, url_safe, text.lower() if text.islower() else text, plain.rstrip("=")])
    says = [
        f"algorithm=RSA256,keyVersion=1,signature={form}",
        f"  algorithm=RSA256 ,  keyVersion=1 ,\tsignature={form}  ",
        f"signature={form}, keyVersion=1, algorithm=RSA256",
        f"algorithm=RSA256, signature={form}",
        f"algorithm=RSA256, keyVersion=1, signature={form}, more=1",
    ]
    message.put("signature", rng.choice(says))


_KINDS = [turned_away, refused, refused, refused, odd, odd]


def message_number(number: int, *, seed: int, keys: Keys, client_id: str, world: dict[str, str]) -> Message:
    """The message of that number."""
    rng = random.Random(f"{seed}:{number}")
    message = Message(rng, keys, client_id, world)
    rng.choice(_KINDS)(message)
    return message
