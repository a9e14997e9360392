"""Connecting a real account: facts, keys of both sides, what to paste, and the signed test call explained."""

from typing import Any

import pytest
from django.urls import reverse

from portal import accounts, merchant_keys
from portal.acquirer import signing
from portal.actor import Actor
from portal.catalogue import contracted
from portal.errors import Conflict
from portal.gateways import acquirer_for
from portal.models import (
    AcquirerAccount,
    AcquirerKey,
    Approval,
    Exchange,
    Incident,
    JournalEntry,
    MerchantKey,
)
from portal.roles import ADMINISTRATOR, DEVELOPER, FINANCE
from tests import factories
from tests.desk.conftest import Desk, Form, act_url, list_url, nobody_else_decides, page_url, words
from tests.story import Acquirer

CONNECT = "/admin/portal/acquireraccount/acts/connect/"
FACTS = {
    "name": "Antom Singapore",
    "slug": "antom-sg",
    "adapter": "ANTOM",
    "gateway_url": "https://open-sea-global.alipay.com/",
    "client_id": "SANDBOX_5YC42T2ZJ0TJ04294",
    "key_version": "1",
    "wallets": ["GCASH", "DANA"],
    "settlement_currency": "USD",
    "settlement_cycle": "T",
    "settlement_days": "1",
    "settlement_grace_days": "3",
    "is_enabled": "on",
}


def _act(account: AcquirerAccount | None, name: str) -> str:
    return act_url(account, name) if account else f"{list_url(AcquirerAccount)}acts/{name}/"


@pytest.fixture
def alone(db: None) -> None:
    """Nobody else is asked before keys change: so the rules say here."""
    nobody_else_decides(accounts.KEY_CHANGE, merchant_keys.MERCHANT_KEY)


def test_an_account_is_connected_step_by_step(chief: Desk) -> None:
    assert "No account yet" in chief.reads(list_url(AcquirerAccount))

    page = chief.begins(CONNECT).sends(**FACTS)

    account = AcquirerAccount.objects.get()
    assert "Antom Singapore is connected. Now make our key pair." in page
    assert "Antom Singapore Needs our key pair" in page
    assert (account.gateway_url, contracted(account)) == ("https://open-sea-global.alipay.com", ["GCASH", "DANA"])
    assert "http://localhost:8000/notify/antom-sg/payment" in page
    assert "Make our key pair first; its public key then stands here." in page
    assert "Make our key pair first" in chief.reads(_act(account, "test_call"))

    page = chief.begins(_act(account, "make_key_pair")).sends(key_version="1")

    account.refresh_from_db()
    bare = signing.public_bare(signing.load_public_key(account.public_key))
    assert "Needs their key" in page
    assert bare in page
    assert signing.load_private_key(account.private_key).public_key() == signing.load_public_key(account.public_key)

    theirs = signing.public_bare(factories.acquirer_key().public_key())
    page = chief.begins(_act(account, "add_acquirer_key")).sends(version="1", public_key=theirs)

    assert "The acquirer's key version 1 is kept." in page
    assert "Antom Singapore Ready" in page
    assert acquirer_for(AcquirerAccount.objects.get()) is not None
    assert list(JournalEntry.objects.order_by("pk").values_list("act", flat=True)) == [
        "connect account",
        "make key pair",
        "add acquirer key",
    ]


@pytest.mark.parametrize(
    ("field", "said", "sentence"),
    [
        ("name", "", "This field is required."),
        ("slug", "antom sg", "Enter a valid “slug”"),
        ("gateway_url", "open-sea-global.alipay.com", "This is no address."),
        ("gateway_url", "http://open-sea-global.alipay.com", "Use https://."),
        ("gateway_url", "https://open-sea-global.alipay.com/ams/api", "Give scheme and host alone"),
        ("gateway_url", "https://user:word@host", "This is no address."),
        ("gateway_url", "https://[::1", "This is no address."),
        ("gateway_url", "https://host:99999", "This is no address."),
        ("gateway_url", "https://open-sea global.alipay.com", "This is no address."),
        ("gateway_url", "https://open-sea\tglobal.alipay.com", "This is no address."),
        ("gateway_url", "https://open..alipay.com", "This is no address."),
        ("gateway_url", "https://.", "This is no address."),
        ("gateway_url", "https://<b>.alipay.com", "This is no address."),
        ("client_id", "SANDBOX 1", "A client id has letters, digits"),
        ("client_id", "SANDBOX_\r\nx", "A client id has letters, digits"),
        ("key_version", "one two", "A version is up to 8 letters or digits"),
        ("wallets", ["GCASH", "NO_SUCH"], "Select a valid choice. NO_SUCH"),
        ("settlement_currency", "XXX", "Select a valid choice."),
        ("settlement_days", "-1", "greater than or equal to 0"),
        ("settlement_days", "1.5", "Enter a whole number."),
        ("settlement_cycle", "W", "Of this cycle the acquirer offers 2 to 5 days."),
        ("notify_base_url", "http://shop.example", "Use https://."),
        ("notify_base_url", "shop", "This is no address."),
    ],
)
def test_facts_that_cannot_be_are_refused_by_a_sentence(chief: Desk, field: str, said: Any, sentence: str) -> None:
    page = chief.begins(CONNECT).sends(**{**FACTS, field: said})

    assert sentence in page
    assert (AcquirerAccount.objects.count(), JournalEntry.objects.count()) == (0, 0)


def test_two_accounts_do_not_share_a_name_or_a_client(chief: Desk) -> None:
    chief.begins(CONNECT).sends(**FACTS)

    page = chief.begins(CONNECT).sends(**{**FACTS, "name": "Another", "slug": "another"})

    assert "Another account has this name, this slug, or this client id at this gateway." in page
    assert AcquirerAccount.objects.count() == 1


def test_an_edit_keeps_both_versions_in_the_journal(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory(wallets=["GCASH", "SOMETHING_NEW"])
    form = chief.begins(_act(account, "edit"))
    facts = {name: getattr(account, name) for name in accounts.FIELDS}

    page = form.sends(**{**facts, "settlement_days": "2", "note": "new contract"})

    assert "The account is saved." in page
    account.refresh_from_db()
    assert (account.settlement_days, contracted(account)) == (2, ["GCASH", "SOMETHING_NEW"])
    assert "What is contracted is said under Payment methods." in form.page
    entry = JournalEntry.objects.get()
    assert (entry.before, entry.after, entry.note) == ({"settlement_days": 1}, {"settlement_days": 2}, "new contract")


def test_our_own_public_key_is_recognised_in_every_writing(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory(acquirer_keys=False)
    own = signing.load_public_key(account.public_key)
    form = chief.begins(_act(account, "add_acquirer_key"))

    for text in (account.public_key, signing.public_bare(own), f"  {signing.public_bare(own)}\n"):
        assert "This is our own public key." in form.sends(version="1", public_key=text)
    assert AcquirerKey.objects.count() == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "This field is required."),
        ("hello", "This is not an RSA public key."),
        ("x" * 4001, "at most 4000 characters"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "This is not an RSA public key."),
    ],
)
def test_what_is_no_key_is_refused(chief: Desk, text: str, sentence: str) -> None:
    account = factories.AcquirerAccountFactory(acquirer_keys=False)

    assert sentence in chief.begins(_act(account, "add_acquirer_key")).sends(version="1", public_key=text)
    assert AcquirerKey.objects.count() == 0


def test_a_private_key_pasted_by_mistake_is_refused_and_not_shown_again(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory(acquirer_keys=False)
    private = signing.private_pem(signing.new_private_key())
    form = chief.begins(_act(account, "add_acquirer_key"))

    response = form.presses(version="1", public_key=private)

    page = response.content.decode()
    assert "This is a private key. Paste the acquirer&#x27;s public key here, and keep that one secret." in page
    assert private.splitlines()[1] not in page
    assert AcquirerKey.objects.count() == 0


def test_a_private_key_without_its_envelope_is_not_shown_again_either(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory(acquirer_keys=False)
    bare = "".join(signing.private_pem(signing.new_private_key()).split("-----")[2].split())

    response = chief.begins(_act(account, "add_acquirer_key")).presses(version="1", public_key=bare)

    assert "This is not an RSA public key." in response.content.decode()
    assert bare[:64] not in response.content.decode()


@pytest.mark.usefixtures("alone")
def test_a_newer_key_of_a_version_takes_the_older_one_s_place(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory()
    newer = signing.public_pem(signing.new_private_key().public_key())
    held = account.acquirer_keys.get().public_key
    form = chief.begins(_act(account, "add_acquirer_key"))
    assert accounts.fingerprint(held) in form.page

    page = form.sends(version="1", public_key=newer)  # by mistake
    assert f"Version 1 is kept already, with the fingerprint {accounts.fingerprint(held)}." in page
    assert account.acquirer_keys.get().public_key == held
    page = form.sends(version="1", public_key=newer, replaces="on", note="")
    assert "Say why, for whoever reads the journal." in page
    assert account.acquirer_keys.get().public_key == held

    form.sends(version="1", public_key=newer, replaces="on", note="They wrote to us on Monday")
    assert JournalEntry.objects.get().note == "They wrote to us on Monday"
    chief.begins(_act(account, "add_acquirer_key")).sends(version="2", public_key=newer)
    page = chief.begins(_act(account, "retire_acquirer_key")).sends(version="1")

    assert "The acquirer's key version 1 is believed no longer." in page
    keys = AcquirerKey.objects.filter(account=account, retired_at__isnull=True)
    assert [(key.version, key.public_key) for key in keys] == [("2", newer)]


@pytest.mark.usefixtures("alone")
def test_rotating_makes_another_pair_under_the_next_version(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory()
    before = (account.private_key, account.public_key)
    form = chief.begins(_act(account, "rotate_key_pair"))
    assert "Until the acquirer has it, they are refused" in words(form.page)
    assert 'value="2"' in form.page

    form.sends(key_version="2")
    again = form.sends(key_version="2")

    account.refresh_from_db()
    assert account.private_key not in before
    assert account.public_key not in before
    assert account.key_version == "2"
    assert "nothing was repeated" in again
    assert JournalEntry.objects.filter(act="rotate key pair").count() == 1
    assert "PRIVATE" not in str(JournalEntry.objects.values_list("before", "after"))


def test_of_two_who_make_a_key_pair_at_once_the_second_reads_why(db: None) -> None:
    account = factories.AcquirerAccountFactory(private_key="", public_key="")
    seen_by_both = AcquirerAccount.objects.get(pk=account.pk)
    accounts.make_key_pair(account, "1", by=Actor.command("first"))

    with pytest.raises(Conflict, match="Somebody made a key pair in the meantime"):
        accounts.make_key_pair(seen_by_both, "1", by=Actor.command("second"))

    assert AcquirerAccount.objects.get(pk=account.pk).public_key == account.public_key


# Four eyes.


def test_where_an_account_sends_and_is_told_becomes_another_place_by_two_people(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory(**{**FACTS, "wallets": [], "settlement_days": 1, "is_enabled": True})
    held = account.gateway_url
    other = Desk(ADMINISTRATOR)
    page = chief.begins(_act(account, "edit")).sends(**{**FACTS, "gateway_url": "https://elsewhere.example"})

    account.refresh_from_db()
    asked = Approval.objects.get()
    assert "Nothing was done yet: your request waits for somebody else." in page
    assert account.gateway_url == held
    form = other.begins(act_url(asked, "approve"))
    assert f"Gateway url: {held} becomes https://elsewhere.example." in words(form.page)

    form.sends()

    account.refresh_from_db()
    assert (account.gateway_url, contracted(account)) == ("https://elsewhere.example", [])
    entry = JournalEntry.objects.get(act="edit account")
    assert (entry.user, entry.before["gateway_url"]) == (chief.user, held)


def test_an_edit_that_was_asked_for_is_not_done_over_another_one(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory(**{**FACTS, "settlement_days": 1, "is_enabled": True})
    chief.begins(_act(account, "edit")).sends(**FACTS, notify_base_url="https://elsewhere.example")
    AcquirerAccount.objects.update(notify_base_url="https://shop.example")

    page = Desk(ADMINISTRATOR).begins(act_url(Approval.objects.get(), "approve")).sends()

    assert "Somebody edited the account in the meantime. Ask anew." in page
    assert AcquirerAccount.objects.get().notify_base_url == "https://shop.example"


def test_what_an_account_is_called_is_nobody_else_s_business(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory(
        **{**FACTS, "gateway_url": FACTS["gateway_url"].rstrip("/"), "settlement_days": 1, "is_enabled": True}
    )

    page = chief.begins(_act(account, "edit")).sends(**{**FACTS, "name": "Antom, our first"})

    assert "The account is saved." in page
    assert str(AcquirerAccount.objects.get()) == "Antom, our first"


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("rotate_key_pair", {"key_version": "2"}),
        ("add_acquirer_key", {"version": "2"}),
        ("retire_acquirer_key", {"version": "1"}),
    ],
)
def test_the_keys_of_an_account_that_works_change_by_two_people(chief: Desk, act: str, said: dict[str, str]) -> None:
    account = factories.AcquirerAccountFactory()
    if act == "add_acquirer_key":
        said = {**said, "public_key": signing.public_pem(factories.acquirer_key().public_key())}
    before = (account.public_key, *account.acquirer_keys.values_list("version", "public_key", "retired_at"))

    chief.begins(_act(account, act)).sends(**said)

    def now() -> tuple[object, ...]:
        held = AcquirerAccount.objects.get(pk=account.pk)
        return (held.public_key, *held.acquirer_keys.values_list("version", "public_key", "retired_at"))

    assert now() == before
    Desk(FINANCE).begins(act_url(Approval.objects.get(), "approve")).sends()
    assert now() != before


# The signed test call, against the sandbox.


@pytest.fixture
def developer(account: AcquirerAccount) -> Desk:
    """Somebody who connects things."""
    return Desk(ADMINISTRATOR)


def test_a_healthy_account_is_told_so(developer: Desk, account: AcquirerAccount) -> None:
    page = developer.begins(_act(account, "test_call")).sends()

    assert "The account works Healthy" in page
    assert "The acquirer accepts our signature, and its answer is signed with the key we hold." in page
    assert "Answer HTTP 200 · ORDER_NOT_EXIST Signature VERIFIED" in page
    assert Exchange.objects.get().api == "inquiryPayment"
    entry = JournalEntry.objects.get()
    assert (entry.act, entry.outcome, entry.user) == ("test call", "healthy", developer.user)


@pytest.mark.usefixtures("alone")
def test_a_key_that_was_not_uploaded_is_explained(developer: Desk, account: AcquirerAccount) -> None:
    developer.begins(_act(account, "rotate_key_pair")).sends(key_version="1")

    page = developer.begins(_act(account, "test_call")).sends()

    assert "The account does not work yet Needs a change" in page
    assert "The acquirer refuses our signature." in page


@pytest.mark.usefixtures("alone")
def test_a_wrong_key_of_theirs_is_explained(developer: Desk, account: AcquirerAccount) -> None:
    other = signing.public_pem(factories.acquirer_key().public_key())
    held = account.acquirer_keys.get().public_key
    replace = developer.begins(_act(account, "add_acquirer_key"))
    replace.sends(version="1", public_key=other, replaces="on")

    page = developer.begins(_act(account, "test_call")).sends()

    assert "The answer's signature verifies with no key we hold (1)" in page
    told = Incident.objects.get()
    assert (told.kind, told.subject_label) == ("ANSWERS_NOT_BELIEVED", account.name)
    assert f"Answers of {account.name} do not verify" in developer.reads("/admin/")

    again = developer.begins(_act(account, "add_acquirer_key"))
    again.sends(version="1", public_key=held, replaces="on")
    developer.begins(_act(account, "test_call")).sends()
    told.refresh_from_db()
    assert told.closed_at is not None


def test_a_gateway_that_is_not_there_is_explained(developer: Desk, account: AcquirerAccount) -> None:
    AcquirerAccount.objects.filter(pk=account.pk).update(gateway_url="http://127.0.0.1:9")

    page = developer.begins(_act(account, "test_call")).sends()

    assert "refuses the connection" in page
    assert "Took" in page


def test_an_unsigned_answer_is_explained(developer: Desk, account: AcquirerAccount, acquirer: Acquirer) -> None:
    acquirer.will("answer_unsigned", api="inquiryPayment")

    assert "The answer carries no signature" in developer.begins(_act(account, "test_call")).sends()


# Merchant keys.


@pytest.mark.usefixtures("alone")
def test_a_merchant_key_is_shown_once_and_kept_as_a_digest(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory()
    form = chief.begins("/admin/portal/merchantkey/acts/create/")
    assert "It is shown once, on the next page." in words(form.page)

    first = form.presses(account=str(account.pk), name="shop backend").content.decode()
    again = form.presses(account=str(account.pk), name="shop backend").content.decode()

    key = MerchantKey.objects.get()
    text = first.split('<pre id="new-key">', 1)[1].split("<", 1)[0]
    assert text.startswith("mk_")
    assert len(text) > 40
    assert text not in again
    assert "nothing was repeated" in words(again)
    assert text not in chief.opens(page_url(key))
    assert key.digest != text
    assert JournalEntry.objects.get().act == "create merchant key"


def test_a_merchant_key_that_another_person_approved_is_shown_to_who_asked_once(chief: Desk) -> None:
    account = factories.AcquirerAccountFactory()
    developer, another = Desk(DEVELOPER), Desk(DEVELOPER)
    developer.begins("/admin/portal/merchantkey/acts/create/").sends(account=str(account.pk), name="shop backend")
    assert not MerchantKey.objects.exists()

    chief.begins(act_url(Approval.objects.get(), "approve")).sends()

    key = MerchantKey.objects.get()
    assert "shop backend Not shown yet" in developer.reads(page_url(key))
    assert "Only who asked for this key has it shown." in another.begins(act_url(key, "show")).sends()
    page = developer.begins(act_url(key, "show")).presses().content.decode()
    text = page.split('<pre id="new-key">', 1)[1].split("<", 1)[0]
    assert "shop backend In use" in developer.reads(page_url(key))
    assert "It was shown already." in developer.reads(act_url(key, "show"))
    assert merchant_keys.find(text) == key
    with pytest.raises(Conflict, match="shown already"):
        merchant_keys.show(key, by=Actor.person(developer.user))
    acts = JournalEntry.objects.filter(subject_id=str(key.pk), subject_type=key._meta.label)
    assert list(acts.order_by("pk").values_list("act", "user__username")) == [
        ("create merchant key", developer.user.username),
        ("show merchant key", developer.user.username),
    ]


def test_a_revoked_key_is_over(chief: Desk) -> None:
    key = factories.MerchantKeyFactory(name="shop backend")
    form = chief.begins(act_url(key, "revoke"))
    assert form.saying == "Revoke “shop backend”"

    assert "“shop backend” is revoked" in form.sends(note="left the company")

    key.refresh_from_db()
    assert key.revoked_at is not None
    assert "It is revoked already." in chief.reads(act_url(key, "revoke"))
    assert "Revoked" in chief.reads(f"{reverse('admin:portal_merchantkey_changelist')}?ask=revoked")


def test_the_form_of_a_key_belongs_to_its_thing(chief: Desk) -> None:
    one, other = factories.MerchantKeyFactory(), factories.MerchantKeyFactory()
    form = chief.begins(act_url(one, "revoke"))

    page = Form(chief, act_url(other, "revoke"), chief.opens(act_url(other, "revoke"))).sends(once=form.once)

    assert "This form belongs to another act." in page
    assert MerchantKey.objects.filter(revoked_at__isnull=False).count() == 0
