"""The people of the desk: invited, given roles, shut out, and let in again."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from portal import people, roles
from portal.actor import Actor
from portal.errors import Conflict
from portal.models import Approval, JournalEntry
from portal.roles import ADMINISTRATOR, FINANCE, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, act_url, nobody_else_decides, words
from tests.story import StoryClock

pytestmark = pytest.mark.django_db
_PASSWORD = "nine brown horses"


@pytest.fixture
def alone(db: None) -> None:
    """Whoever looks after people does it alone: so the rules say here."""
    nobody_else_decides(people.ROLES)


def link_on(page: str) -> str:
    """The path of the invitation a page shows."""
    found = re.search(r'<pre id="invitation"[^>]*>https?://[^/]+(/admin/invitation/[^<]+)</pre>', page)
    assert found is not None, words(page)
    return found[1]


def accept(browser: Client, link: str, password: str = _PASSWORD) -> str:
    """Open an invitation and choose a password; the words of the page it ends on."""
    opened = browser.get(link, follow=True)
    if not opened.redirect_chain:
        return words(opened.content.decode())
    where = opened.redirect_chain[-1][0]
    done = browser.post(where, {"new_password1": password, "new_password2": password}, follow=True)
    return words(done.content.decode())


def log_in(browser: Client, name: str, password: str = _PASSWORD) -> int:
    """Name and password at the door: 302 lets in, 200 does not."""
    return int(browser.post("/admin/login/", {"login": name, "password": password}).status_code)


@pytest.mark.usefixtures("alone")
def test_a_person_is_invited_chooses_a_password_and_is_shut_out(chief: Desk) -> None:
    group = Group.objects.get(name=SUPPORT)
    form = chief.begins("/admin/auth/user/acts/add/")

    shown = form.presses(username="lee", first_name="L.", last_name="Lee", roles=[group.pk])
    link = link_on(shown.content.decode())

    lee = User.objects.get(username="lee")
    assert (lee.is_staff, lee.is_superuser, list(lee.groups.all())) == (True, False, [group])
    assert "no-store" in shown.headers["Cache-Control"]
    browser = Client()
    assert log_in(browser, "lee") == 200
    assert "This password is too short" in accept(browser, link, "short")
    assert "Your password is set. Log in with it." in accept(browser, link)
    assert log_in(browser, "lee") == 302
    assert browser.get("/admin/").status_code == 200

    assert "lee cannot log in any more." in chief.begins(act_url(lee, "shut_out")).sends(note="left")
    assert browser.get("/admin/").status_code == 302
    assert log_in(browser, "lee") == 200
    assert "lee can log in again." in chief.begins(act_url(lee, "let_in")).sends(note="came back")
    assert log_in(browser, "lee") == 302
    assert list(JournalEntry.objects.order_by("pk").values_list("act", "actor_name")) == [
        ("invite person", chief.user.username),
        ("accept invitation", "lee"),
        ("shut out", chief.user.username),
        ("let in again", chief.user.username),
    ]


def test_somebody_new_is_let_in_by_two_people(chief: Desk, person: Callable[..., Desk]) -> None:
    finance, group = person(FINANCE), Group.objects.get(name=SUPPORT)
    said = {"username": "lee", "first_name": "Ada", "last_name": "Lee", "email": "lee@shop.example"}
    assert "this becomes a request" in words(chief.begins("/admin/auth/user/acts/add/").page)

    page = chief.begins("/admin/auth/user/acts/add/").sends(**said, roles=[group.pk])

    assert "lee (Ada Lee, lee@shop.example) is invited as Support." in page
    assert not User.objects.filter(username="lee").exists()
    asked = Approval.objects.get()

    finance.begins(act_url(asked, "approve")).sends()

    lee = User.objects.get(username="lee")
    assert (lee.get_full_name(), lee.email, list(lee.groups.all())) == ("Ada Lee", "lee@shop.example", [group])
    link = link_on(chief.begins(act_url(lee, "invite_again")).presses().content.decode())
    assert "Your password is set." in accept(Client(), link)


def test_roles_become_others_by_two_people(chief: Desk, person: Callable[..., Desk]) -> None:
    finance, clerk = person(FINANCE), person(SUPPORT)
    form = chief.begins(act_url(clerk.user, "change_roles"))
    assert "this becomes a request" in words(form.page)
    form.sends(roles=[Group.objects.get(name=FINANCE).pk])
    assert list(clerk.user.groups.values_list("name", flat=True)) == [SUPPORT]

    finance.begins(act_url(Approval.objects.get(), "approve")).sends()

    assert list(clerk.user.groups.values_list("name", flat=True)) == [FINANCE]


def test_an_invitation_is_good_once_for_48_hours_and_until_the_next_one(
    chief: Desk, person: Callable[..., Desk], story_clock: StoryClock
) -> None:
    colleague = person(SUPPORT)
    assert colleague.status("/admin/") == 200

    first, second = (
        link_on(chief.begins(act_url(colleague.user, "invite_again")).presses().content.decode()) for _ in range(2)
    )

    assert colleague.status("/admin/") == 302
    assert log_in(Client(), colleague.user.username, factories.PASSWORD) == 200
    over = "This invitation is over"
    assert over in accept(Client(), first)
    assert over in accept(Client(), second.replace("-", "-0"))
    assert "Your password is set." in accept(Client(), second)
    assert over in accept(Client(), second)
    third = link_on(chief.begins(act_url(colleague.user, "invite_again")).presses().content.decode())
    story_clock.sleep(timedelta(hours=48, seconds=1).total_seconds())
    assert over in accept(Client(), third)


def test_the_invitation_of_somebody_who_was_shut_out_opens_nothing(chief: Desk, person: Callable[..., Desk]) -> None:
    colleague = person(SUPPORT)
    link = link_on(chief.begins(act_url(colleague.user, "invite_again")).presses().content.decode())
    chief.begins(act_url(colleague.user, "shut_out")).sends(note="left")

    assert "This invitation is over" in accept(Client(), link)


def test_nobody_poses_as_somebody_else_by_a_name_that_reads_alike(db: None) -> None:
    lee = factories.UserFactory(username="lee")

    with pytest.raises(Conflict):
        people.invite("LEE", roles=lee.groups.all(), by=Actor.command("test"))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"username": "lee lee"}, "Enter a valid username."),
        ({"username": ""}, "This field is required."),
        ({"username": "Taken"}, "Somebody has this user name already."),
        ({"username": "lee", "email": "x@"}, "Enter a valid email address."),
        ({"username": "lee", "roles": []}, "Give at least one role"),
        ({"username": "lee", "roles": ["0"]}, "Select a valid choice."),
    ],
)
def test_a_person_who_cannot_be_is_refused(chief: Desk, said: dict[str, str], sentence: str) -> None:
    factories.UserFactory(username="TAKEN")
    group = Group.objects.get(name=SUPPORT)
    before = User.objects.count()

    page = chief.begins("/admin/auth/user/acts/add/").sends(**{"roles": [group.pk], **said})

    assert sentence in page
    assert User.objects.count() == before


@pytest.mark.usefixtures("alone")
def test_the_last_administrator_stays_and_nobody_shuts_themselves_out(chief: Desk, person: Callable[..., Desk]) -> None:
    support = Group.objects.get(name=SUPPORT)

    myself = chief.begins(act_url(chief.user, "shut_out")).sends(note="bye")
    last = chief.begins(act_url(chief.user, "change_roles")).sends(roles=[support.pk])
    person(ADMINISTRATOR)
    not_last = chief.begins(act_url(chief.user, "change_roles")).sends(roles=[support.pk])

    assert "Nobody shuts themselves out." in myself
    assert "Nobody would be left to look after the people of this desk." in last
    assert "Your roles were changed. Log in again." in not_last
    assert list(User.objects.get(pk=chief.user.pk).groups.values_list("name", flat=True)) == [SUPPORT]


def test_one_changes_one_s_own_password(chief: Desk) -> None:
    answer = chief.client.post(
        "/admin/password_change/",
        {
            "old_password": factories.PASSWORD,
            "new_password1": _PASSWORD,
            "new_password2": _PASSWORD,
        },
        follow=True,
    )

    assert "Your password is changed" in answer.content.decode()
    assert User.objects.get(pk=chief.user.pk).check_password(_PASSWORD)


def test_roles_are_brought_back_in_line_with_the_table(db: None) -> None:
    support = Group.objects.get(name=SUPPORT)
    own = Group.objects.create(name="Night shift")
    wanted = set(support.permissions.values_list("codename", flat=True))
    own.permissions.set(support.permissions.all())
    everything = Group.objects.get(name=ADMINISTRATOR).permissions.all()
    support.permissions.set(everything)

    roles.install()
    roles.install()

    assert set(support.permissions.values_list("codename", flat=True)) == wanted
    assert "act_cancel" not in wanted
    assert wanted == {permission.partition(".")[2] for permission in roles.held_by(SUPPORT)}
    assert set(own.permissions.values_list("codename", flat=True)) == wanted
