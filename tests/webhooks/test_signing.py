"""Signatures: the specification's own example, an implementation of its own, and what README tells receivers to do."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import portal
from portal import outbox
from portal.outbox import signing
from tests.webhooks.receiver import Message, is_signed

README = (Path(portal.__file__).parent.parent / "README.md").read_text()
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
BODY = b'{"id":"E1","kind":"ping"}'


def test_the_published_example() -> None:
    """From the documentation of the scheme's authors, https://docs.svix.com/receiving/verifying-payloads/how-manual."""
    at = datetime.fromtimestamp(1614265330, UTC)
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = signing.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', [key], at=at)
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_secret_is_256_random_bits_as_the_specification_writes_them() -> None:
    made = {signing.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret) for secret in made)


def test_anything_changed_on_the_way_is_noticed() -> None:
    secret, other = signing.new_secret(), signing.new_secret()
    headers = signing.headers("E1", BODY, [secret], at=AT)
    assert is_signed(Message("/", headers, BODY), secret)
    assert not is_signed(Message("/", headers, BODY), other)
    assert not is_signed(Message("/", headers, BODY + b" "), secret)
    for name, changed in (("webhook-id", "E2"), ("webhook-timestamp", "1772416801"), ("webhook-signature", "v1,AAAA")):
        assert not is_signed(Message("/", headers | {name: changed}, BODY), secret)


def test_what_readme_tells_receivers_to_do_works() -> None:
    sample = re.findall(r"<!-- sample: verify -->\n```python\n(.*?)```", README, re.DOTALL)
    assert len(sample) == 1
    told: dict[str, Any] = {}
    exec(sample[0], told)
    is_genuine = told["is_genuine"]
    told["time"] = type("time", (), {"time": staticmethod(lambda: AT.timestamp() + 299)})
    old, new = signing.new_secret(), signing.new_secret()
    both = signing.headers("E1", BODY, [new, old], at=AT)
    assert is_genuine(both, BODY, old)
    assert is_genuine(both, BODY, new)
    assert not is_genuine(both, BODY, signing.new_secret())
    assert not is_genuine(both, BODY + b" ", new)
    told["time"] = type("time", (), {"time": staticmethod(lambda: AT.timestamp() + 301)})
    assert not is_genuine(both, BODY, new)


def test_readme_names_every_kind_in_its_words() -> None:
    table = re.search(r"<!-- webhooks -->\n(.*?)\n\n", README, re.DOTALL)
    assert table is not None
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", table[1], re.MULTILINE)
    assert rows == [(kind.value, words) for kind, words in outbox.KINDS.items()]
