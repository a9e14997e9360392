"""Coming in: a name, a password, a second factor where it matters, and what is written down of it."""

import base64
import re
import time
from collections.abc import Iterator
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from payments.models import Payment, Refund
from portal import approvals, encryption, factors, people, sessions
from portal.actor import Actor
from portal.approvals import ApprovalNeeded
from portal.encryption import KeyRing
from portal.models import Approval, ApprovalRule, DayTotal, JournalEntry, SignIn, SignInEnd, SignInOutcome
from portal.money import Money
from portal.roles import ADMINISTRATOR, AUDITOR, FINANCE, OPERATOR, PURPOSES, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, act_url, nobody_else_decides, page_url, words
from tests.story import PHP, Customer, Shop

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile/15E1 Safari/604.1"


@pytest.fixture(autouse=True)
def _nothing_counted(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phone and server read one clock, and it stands: the oldest code still taken is too old a moment later."""
    now = time.time()
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: now))


class Person:
    """Somebody before the door, with a browser and maybe a phone that shows codes."""

    def __init__(self, *roles: str, agent: str = FIREFOX, user: User | None = None) -> None:
        self.user = user or factories.UserFactory(roles=roles)
        self.browser = Client(headers={"User-Agent": agent})
        self.secret = ""
        self._used = 0

    def gives(self, password: str = factories.PASSWORD, *, name: str = "", to: str = "") -> Any:
        """Name and password; the answer."""
        data = {"login": name or self.user.username, "password": password}
        return self.browser.post(f"/admin/login/{f'?next={to}' if to else ''}", data)

    def code(self) -> str:
        """What the app shows: each code once, the next one when this one was used."""
        now = int(totp.time.time()) // 30
        self._used = max(self._used + 1, now - 1)
        assert self._used <= now + 1, "no code is left; they come every 30 seconds"
        return totp.format_hotp_value(totp.hotp_value(self.secret, self._used))

    def enrols(self) -> list[str]:
        """Add an authenticator app; the recovery codes that are shown then."""
        page = self.browser.get("/admin/me/app/add/").content.decode()
        found = re.search(r'<pre id="app-key"[^>]*>([A-Z2-7]+)</pre>', page)
        assert found is not None, words(page)
        self.secret = found[1]
        shown = self.browser.post("/admin/me/app/add/", {"code": self.code()}, follow=True).content.decode()
        codes = re.search(r'<pre class="codes"[^>]*>([\d\s]+)</pre>', shown)
        assert codes is not None, words(shown)
        return codes[1].split()

    def shows(self, code: str) -> Any:
        """The second factor."""
        return self.browser.post("/admin/login/factor/", {"code": code})

    def leaves(self) -> None:
        """Log out."""
        self.browser.post("/admin/logout/")

    def is_in(self) -> bool:
        """Whether the desk is open."""
        return self.browser.get("/admin/").status_code == 200

    def history(self) -> list[tuple[str, str]]:
        """What is written down of them, the oldest first."""
        rows = SignIn.objects.filter(person=self.user).order_by("pk")
        return [(row.outcome, row.factor) for row in rows]


@pytest.fixture
def mandatory(settings: Any) -> None:
    """Second factors, as outside of a demonstration."""
    settings.PORTAL_SECOND_FACTOR = True


# Name and password.


def test_a_password_opens_the_desk_and_the_history_says_so() -> None:
    person = Person(SUPPORT)

    answer = person.gives(to="/admin/payments/payment/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/payments/payment/")
    row = SignIn.objects.get()
    assert (row.person, row.outcome, row.device, row.address) == (
        person.user,
        "OPENED",
        "Firefox on Windows",
        "127.0.0.1",
    )
    assert row.session_key == person.browser.session.session_key
    person.leaves()
    row.refresh_from_db()
    assert (row.end, row.session_key) == (SignInEnd.LEFT, "")
    assert not person.is_in()


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere_by_signing_in(to: str) -> None:
    answer = Person(SUPPORT).gives(to=to)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_a_wrong_password_and_an_unknown_name_read_alike_and_no_typed_word_is_kept() -> None:
    person = Person(SUPPORT)

    wrong = words(person.gives("wrong horse").content.decode())
    unknown = words(person.gives(name="hunter2-my-password").content.decode())

    assert "Name and password do not belong together." in wrong
    assert wrong == unknown
    assert person.history() == [("WRONG_PASSWORD", "")]
    kept = [str(row) for row in SignIn.objects.values_list()]
    assert not [row for row in kept if "horse" in row or "hunter2" in row]


def test_somebody_shut_out_reads_the_same_even_with_the_right_password() -> None:
    person = Person(SUPPORT)
    User.objects.filter(pk=person.user.pk).update(is_active=False)

    page = words(person.gives().content.decode())

    assert "Name and password do not belong together." in page
    assert person.history() == [("SHUT_OUT", "")]


def test_whoever_is_not_of_the_staff_stays_outside() -> None:
    person = Person()
    User.objects.filter(pk=person.user.pk).update(is_staff=False)

    assert person.gives().status_code == 200
    assert not person.is_in()


def test_five_wrong_passwords_lock_the_name_for_every_process_and_every_browser() -> None:
    person = Person(SUPPORT)
    for _ in range(5):
        person.gives("wrong horse")

    locked = person.gives()
    elsewhere = Person(user=person.user, agent=IPHONE).gives()

    for answer in (locked, elsewhere):
        assert "Too many attempts failed. Wait five minutes" in words(answer.content.decode())
    assert not person.is_in()
    assert person.history() == [("WRONG_PASSWORD", "")] * 5 + [("LOCKED", "")]
    assert [key for key in _cache_keys() if "login_failed" in key], "the count is not where other processes see it"
    assert Person(SUPPORT).gives().status_code == 302


def _cache_keys() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM portal_cache")
        return [str(row[0]) for row in cursor.fetchall()]


def test_nothing_else_of_the_library_is_reachable() -> None:
    stranger = Client()

    for path in ("signup", "password/reset", "email", "confirm-email", "social/login", "me/codes/download"):
        answer = stranger.get(f"/admin/{path}/", follow=True)
        assert (
            answer.redirect_chain[-1][0].split("?")[0] == "/admin/login/"
            if answer.redirect_chain
            else (answer.status_code == 404)
        )
    assert stranger.get("/accounts/login/").status_code == 404
    assert stranger.get("/admin/me/").headers["Location"].startswith("/admin/login/")


# Second factors.


@pytest.mark.usefixtures("mandatory")
@pytest.mark.parametrize("role", PURPOSES)
def test_whoever_may_move_money_or_let_others_do_so_enrols_first(role: str) -> None:
    person = Person(role)
    person.gives()

    answer = person.browser.get("/admin/payments/payment/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/me/enrol/")
    assert "Add a second factor" in words(person.browser.get("/admin/me/", follow=True).content.decode())


@pytest.mark.usefixtures("transactional_db", "mandatory")
def test_the_first_owner_is_asked_to_enrol_at_the_first_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", factories.PASSWORD)
    call_command("createsuperuser", "--noinput", "--username", "root", "--email", "root@shop.example", verbosity=0)
    root = Person(user=User.objects.get(username="root"))

    root.gives()

    assert root.browser.get("/admin/").headers["Location"] == "/admin/me/enrol/"
    root.enrols()
    assert root.is_in()


@pytest.mark.usefixtures("transactional_db", "mandatory")
def test_enrol_leave_come_in_with_a_code_and_with_a_recovery_code() -> None:
    person = Person(OPERATOR)
    person.gives()
    codes = person.enrols()
    assert len(codes) == 10
    assert person.is_in()

    person.leaves()
    assert person.gives().headers["Location"] == "/admin/login/factor/"
    assert not person.is_in()
    assert "This is not right" in words(person.shows("000000").content.decode())
    code = person.code()
    assert person.shows(code).status_code == 302
    assert person.is_in()

    person.leaves()
    person.gives()
    assert "This is not right, or was used already." in words(person.shows(code).content.decode())
    assert person.shows(codes[0]).status_code == 302
    person.leaves()
    person.gives()
    assert person.shows(codes[0]).status_code == 200
    assert person.shows(codes[1]).status_code == 302
    assert person.history() == [
        ("OPENED", ""),
        ("WRONG_FACTOR", "totp"),
        ("OPENED", "totp"),
        ("WRONG_FACTOR", "totp"),
        ("OPENED", "recovery_codes"),
        ("WRONG_FACTOR", "totp"),
        ("OPENED", "recovery_codes"),
    ]
    assert JournalEntry.objects.filter(act="add second factor", actor_name=person.user.username).count() == 2


def test_recovery_codes_are_shown_once() -> None:
    person = Person(OPERATOR)
    person.gives()
    codes = person.enrols()

    again = person.browser.get("/admin/me/codes/").content.decode()
    own = person.browser.get("/admin/me/").content.decode()

    assert "10 of 10 are left." in words(again)
    assert not [code for code in codes if code in again or code in own]
    made = person.browser.post("/admin/me/codes/renew/", follow=True).content.decode()
    assert "they are shown this once" in words(made)
    assert not [code for code in codes if code in made]
    person.leaves()
    person.gives()
    assert person.shows(codes[0]).status_code == 200


def test_five_wrong_codes_lock_the_second_factor_too() -> None:
    person = Person(OPERATOR)
    person.gives()
    person.enrols()
    person.leaves()
    person.gives()
    for _ in range(5):
        person.shows("000000")

    page = words(person.shows(person.code()).content.decode())

    assert "Too many attempts failed." in page
    assert not person.is_in()


@pytest.mark.usefixtures("mandatory")
def test_the_only_second_factor_of_somebody_who_needs_one_stays() -> None:
    person = Person(OPERATOR)
    person.gives()
    person.enrols()

    answer = person.browser.post("/admin/me/app/remove/")

    assert "It is your only second factor, and you need one." in words(answer.content.decode())
    assert factors.own(person.user).count() == 1
    person.user.groups.clear()
    person.browser.post("/admin/me/app/remove/")
    assert Authenticator.objects.count() == 0


@pytest.mark.usefixtures("mandatory")
def test_a_session_that_began_without_a_second_factor_is_not_let_in_by_an_older_one() -> None:
    person = Person(OPERATOR)
    person.gives()
    person.enrols()
    other = Client()
    other.force_login(person.user)

    assert other.get("/admin/").headers["Location"] == "/admin/me/enrol/"


# At rest.


def test_no_secret_of_a_second_factor_lies_open_in_the_database() -> None:
    person = Person(OPERATOR)
    person.gives()
    person.browser.get("/admin/me/app/add/")
    [held] = Session.objects.values_list("session_data", flat=True)
    pending = sessions.EncryptedSerializer()
    assert "mfa.totp.secret" in person.browser.session
    assert person.browser.session["mfa.totp.secret"] not in held
    assert pending.loads(pending.dumps({"a": 1})) == {"a": 1}

    codes = person.enrols()

    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert person.secret not in stored
    assert not [code for code in codes if code in stored]
    assert "mfa.totp.secret" not in person.browser.session


def test_a_new_master_key_takes_over_the_second_factors(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    person = Person(OPERATOR)
    person.gives()
    codes = person.enrols()
    person.leaves()
    held = encryption.key_ring()
    old = (held.current, encryption._generated(_folder() / "master_key.txt").partition(":")[2])
    ring = KeyRing([("k9", b"9" * 32), (old[0], base64.b64decode(old[1]))])
    monkeypatch.setattr(encryption, "key_ring", lambda: ring)

    call_command("rotate_keys")
    call_command("rotate_keys")

    said = capsys.readouterr().out
    assert "second factors: 2 values" in said
    assert "second factors: 0 values" in said
    monkeypatch.setattr(encryption, "key_ring", lambda: KeyRing([("k9", b"9" * 32)]))
    person.gives()
    assert person.shows(codes[3]).status_code == 302


def _folder() -> Any:
    from django.conf import settings  # noqa: PLC0415 - configured by now

    return settings.PORTAL_DATA


# Sessions.


def test_one_sees_where_one_is_logged_in_and_ends_it_from_here() -> None:
    here = Person(OPERATOR)
    there = Person(user=here.user, agent=IPHONE)
    third = Person(user=here.user, agent="curl/8")
    for one in (here, there, third):
        one.gives()

    page = here.browser.get("/admin/me/").content.decode()
    for device in ("Firefox on Windows", "Safari on an iPhone", "Another program"):
        assert device in page
    assert "This one" in words(page)
    row = SignIn.objects.get(device="Safari on an iPhone")
    assert "Safari on an iPhone is logged out." in words(
        here.browser.post(f"/admin/me/sessions/{row.pk}/end/", follow=True).content.decode()
    )
    assert (here.is_in(), there.is_in(), third.is_in()) == (True, False, True)
    here.browser.post("/admin/me/sessions/end/")
    assert (here.is_in(), third.is_in()) == (True, False)
    assert set(SignIn.objects.exclude(ended_at=None).values_list("end", flat=True)) == {"ELSEWHERE"}


def test_nobody_ends_or_sees_the_session_of_another() -> None:
    one, other = Person(OPERATOR), Person(SUPPORT, agent=IPHONE)
    one.gives()
    other.gives()
    row = SignIn.objects.get(person=other.user)

    assert one.browser.post(f"/admin/me/sessions/{row.pk}/end/").status_code == 404
    assert one.browser.get(f"/admin/me/sessions/{row.pk}/end/").status_code == 405
    assert "Safari on an iPhone" not in one.browser.get("/admin/me/").content.decode()
    assert other.is_in()


@pytest.mark.parametrize(
    ("act", "said", "end"),
    [
        ("change_roles", {"roles": []}, "ROLES"),
        ("shut_out", {"note": "left"}, "SHUT_OUT"),
        ("invite_again", {}, "RESET"),
        ("end_sessions", {"note": "lost laptop"}, "ELSEWHERE"),
    ],
)
def test_sessions_end_with_what_they_rested_on(act: str, said: dict[str, Any], end: str) -> None:
    nobody_else_decides(people.ROLES)
    person, chief = Person(SUPPORT), Desk(ADMINISTRATOR)
    person.gives()
    assert person.is_in()
    if "roles" in said:
        said = {"roles": [chief.user.groups.get().pk]}

    chief.begins(act_url(person.user, act)).presses(**said)

    assert not person.is_in()
    row = SignIn.objects.get(person=person.user, outcome=SignInOutcome.OPENED)
    assert (row.end, row.session_key) == (end, "")
    assert not sessions.open_sessions(person.user).exists()


def test_a_new_password_of_one_s_own_keeps_this_session_and_ends_the_others() -> None:
    here = Person(SUPPORT)
    there = Person(user=here.user, agent=IPHONE)
    here.gives()
    there.gives()
    new = {"new_password1": "nine brown horses", "new_password2": "nine brown horses"}

    here.browser.post("/admin/password_change/", {"old_password": factories.PASSWORD, **new})

    assert (here.is_in(), there.is_in()) == (True, False)
    [row] = sessions.open_sessions(here.user)
    assert row.device == "Firefox on Windows"
    here.browser.post("/admin/me/sessions/end/")
    assert here.is_in()


def test_the_last_look_is_written_down_once_a_minute(story_clock: Any, django_assert_num_queries: Any) -> None:
    person = Person(SUPPORT)
    person.gives()
    row = SignIn.objects.get()

    story_clock.sleep(59)
    assert person.is_in()
    before = row.last_seen_at
    row.refresh_from_db()
    assert row.last_seen_at == before
    story_clock.sleep(2)
    assert person.is_in()
    row.refresh_from_db()
    assert (row.last_seen_at - before).total_seconds() == 61


def test_others_see_the_network_and_not_the_machine() -> None:
    person = Person(SUPPORT)
    person.browser.defaults["REMOTE_ADDR"] = "203.0.113.77"
    person.gives()

    own = person.browser.get("/admin/me/").content.decode()
    auditor = Desk(AUDITOR)
    seen = [
        auditor.reads(page_url(person.user)),
        auditor.reads("/admin/portal/signin/"),
        auditor.reads(page_url(SignIn.objects.get())),
    ]

    assert "203.0.113.77" in own
    for page in seen:
        assert "203.0.•.•" in page
        assert "203.0.113.77" not in page


def test_words_for_devices_and_masked_addresses() -> None:
    chromium = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    said = {
        FIREFOX: "Firefox on Windows",
        IPHONE: "Safari on an iPhone",
        chromium: "Chrome on Linux",
        f"{chromium} Edg/140.0": "Edge on Linux",
        "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36": "Chrome on Android",
        "<script>alert(1)</script>": "Another program",
        "": "Another program",
    }
    assert {agent: sessions.device_words(agent) for agent in said} == said
    assert sessions.masked_address("2001:db8:1::1") == "2001:0db8:…"
    assert sessions.masked_address("nonsense") == ""


# Large acts.


@pytest.fixture
def paid(shop: Shop, buyer: Customer) -> Payment:
    """A payment of 499.00 PHP, paid a moment ago."""
    buyer.binds("GCASH")
    return shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))


def test_a_large_act_asks_once_more_who_it_is_and_then_happens(paid: Payment, settings: Any) -> None:
    settings.PORTAL_STEP_UP = {"PHP": 300_00}
    person = Person(OPERATOR)
    person.gives()
    url = act_url(paid, "refund")
    _time_passes(person.browser)

    small = _sends(person.browser, url, "299.99")
    assert Refund.objects.count() == 1
    assert small.redirect_chain[-1][0] == page_url(paid)
    asked = _sends(person.browser, url, "300.00", remaining=199_01)
    assert "At most 199.01 PHP" in words(asked.content.decode())
    settings.PORTAL_STEP_UP = {"PHP": 100_00}
    asked = _sends(person.browser, url, "100.00")

    assert "Is it still you?" in words(asked.content.decode())
    assert Refund.objects.count() == 1
    where = asked.redirect_chain[-1][0]
    wrong = person.browser.post(where, {"password": "wrong horse"})
    assert "This is not your password." in words(wrong.content.decode())
    assert Refund.objects.count() == 1
    done = person.browser.post(where, {"password": factories.PASSWORD, "next": url}, follow=True)
    assert "100.00 PHP went back" in words(done.content.decode())
    assert [refund.amount_value for refund in Refund.objects.order_by("pk")] == [299_99, 100_00]

    again = _sends(person.browser, url, "99.01")
    assert again.redirect_chain[-1][0] == page_url(paid)
    assert Refund.objects.count() == 3


def test_whoever_has_a_second_factor_is_asked_for_it_and_not_for_the_password(paid: Payment, settings: Any) -> None:
    settings.PORTAL_STEP_UP = {"PHP": 300_00}
    person = Person(OPERATOR)
    person.gives()
    person.enrols()
    _time_passes(person.browser)

    asked = _sends(person.browser, act_url(paid, "give_back"), "499.00")

    assert asked.redirect_chain[-1][0].startswith("/admin/confirm/code/")
    assert Refund.objects.count() == 0
    # The password's own page leads to the code, too.
    assert person.browser.get("/admin/confirm/password/").headers["Location"].startswith("/admin/confirm/code/")
    person.browser.post(asked.redirect_chain[-1][0], {"code": person.code(), "next": act_url(paid, "give_back")})
    paid.refresh_from_db()
    assert paid.returned_value == 499_00


def _time_passes(browser: Client) -> None:
    """Ten minutes, for what the session remembers of who proved what and when."""
    session = browser.session
    who, at = session["sign_in_proved"]
    session["sign_in_proved"] = [who, at - 600]
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**record, "at": record["at"] - 600} for record in records]
    session.save()


def _sends(browser: Client, url: str, amount: str, remaining: int = 0) -> Any:
    page = browser.get(url).content.decode()
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once is not None, words(page)
    verb = "Give back" if url.endswith("give_back/") else "Refund"
    data = {"once": unescape(once[1]), "amount": amount, "reason_code": "DAMAGED", "note": ""}
    said = Money(int(amount.replace(".", "")), "PHP")
    return browser.post(url, {**data, "saying": f"{verb} {said}"}, follow=True)


# A lost device.


@pytest.mark.usefixtures("transactional_db", "mandatory")
def test_a_lost_device_is_reset_by_two_and_never_by_one() -> None:
    person, admin, finance = Person(OPERATOR), Person(ADMINISTRATOR), Person(FINANCE)
    for one in (person, admin, finance):
        one.gives()
        one.enrols()
    assert person.is_in()

    asked = _acts(admin, act_url(person.user, "reset"), note="Called back on her mobile number.")

    assert "A second person approves every one of these" in asked
    assert (person.is_in(), factors.own(person.user).count()) == (True, 1)
    request = Approval.objects.get(kind="reset")
    assert "You asked for this yourself." in _acts(admin, act_url(request, "approve"))
    done = _acts(finance, act_url(request, "approve"), note="I know her voice.")

    assert "has no second factor and no password any more. Invite them again." in done
    assert (person.is_in(), Authenticator.objects.filter(user=person.user).count()) == (False, 0)
    assert person.gives().status_code == 200
    line = JournalEntry.objects.get(act="reset second factor")
    assert line.before == {"factors": ["authenticator app", "recovery code"]}
    assert SignIn.objects.filter(person=person.user, end=SignInEnd.RESET).count() == 1
    assert "has no second factor to reset" in words(admin.browser.get(act_url(person.user, "reset")).content.decode())


def _acts(person: Person, url: str, **said: str) -> str:
    page = person.browser.get(url).content.decode()
    hidden = dict(re.findall(r'name="(once|saying)" value="([^"]+)"', page))
    if not hidden:
        return words(page)
    data = {name: unescape(value) for name, value in hidden.items()}
    return words(person.browser.post(url, {**data, **said}, follow=True).content.decode())


# What one person moves in a day.


def test_a_day_counts_once_however_many_rules_look_at_it_and_a_person_may_have_one_of_their_own() -> None:
    omar, olga = factories.UserFactory(roles=(OPERATOR,)), factories.UserFactory(roles=(OPERATOR,))
    common = {"kind": "refund", "currency": "PHP", "approvers": [FINANCE]}
    ApprovalRule.objects.filter(kind="refund", currency="PHP").update(above_value=None, above_a_day_value=1_000_00)
    ApprovalRule.objects.create(**common, role=OPERATOR, above_a_day_value=800_00)
    ApprovalRule.objects.create(**common, person=omar.username, above_a_day_value=500_00)

    _gives_back(omar, 400_00)
    with pytest.raises(ApprovalNeeded, match=r"Above 500.00 PHP a day .*; 100.00 PHP of it are left today"):
        _gives_back(omar, 100_01)
    _gives_back(omar, 100_00)
    _gives_back(olga, 800_00)
    with pytest.raises(ApprovalNeeded, match=r"Above 800.00 PHP a day .*; 0.00 PHP of it are left today"):
        _gives_back(olga, 1)
    assert dict(DayTotal.objects.values_list("user__username", "value")) == {
        omar.username: 500_00,
        olga.username: 800_00,
    }


def _gives_back(person: User, value: int) -> None:
    with transaction.atomic():
        approvals.permit("refund", "refund", by=Actor.person(person), amount=Money(value, "PHP"), params={})
