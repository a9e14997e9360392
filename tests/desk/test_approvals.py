"""Four eyes at the desk: what one may not do alone is asked for, decided by another, and shown where it belongs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from payments.models import Payment, Refund
from portal import approvals, clock
from portal.models import Approval, ApprovalRule, Deputy, Incident, JournalEntry
from portal.roles import ADMINISTRATOR, AUDITOR, FINANCE, OPERATOR, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, page_url, words
from tests.desk.test_pages import SCRIPT, complaints
from tests.story import PHP, Acquirer, Customer, Shop

SAYS = {"reason_code": "DAMAGED", "note": "arrived dented"}


@pytest.fixture
def paid(buyer: Customer, shop: Shop) -> Payment:
    """12,900.00 PHP, paid more than a day ago."""
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Espresso machine", PHP(12_900_00), to=buyer))
    shop.clock_stands_at(clock.now() + timedelta(days=1, hours=6))
    return payment


def asks(desk: Desk, payment: Payment, amount: str = "6000.00") -> str:
    form = desk.begins(act_url(payment, "refund"))
    saying = f"Ask for a refund of {PHP(int(amount.replace('.', '')))}"
    return form.sends(saying, amount=amount, **SAYS)


def test_the_form_says_beforehand_that_a_second_person_approves(paid: Payment, person: Callable[..., Desk]) -> None:
    form = person(OPERATOR).begins(act_url(paid, "refund"))
    assert "Above 5,000.00 PHP a second person approves: then this becomes a request" in words(form.page)
    assert form.saying == "Ask for a refund of 12,900.00 PHP"
    assert "500.00 PHP went back" in form.sends("Refund 500.00 PHP", amount="500.00", **SAYS)


def test_every_button_that_gives_money_back_says_whether_it_asks(
    buyer: Customer, shop: Shop, acquirer: Acquirer, person: Callable[..., Desk]
) -> None:
    buyer.binds("GCASH")
    paid = shop.charges(shop.sells("Espresso machine", PHP(12_900_00), to=buyer))
    operator = person(OPERATOR)
    assert operator.begins(act_url(paid, "cancel")).saying == "Ask for a cancel of 12,900.00 PHP"
    form = operator.begins(act_url(paid, "give_back"))
    assert form.saying == "Ask to give back 12,900.00 PHP"
    assert "went back" in form.sends("Give back 500.00 PHP", amount="500.00", **SAYS)

    acquirer.will("payment_stays_processing", seconds=600)
    unknown = shop.charges(shop.sells("Espresso machine", PHP(12_900_00), to=buyer))
    assert operator.begins(act_url(unknown, "cancel")).saying == "Cancel the payment of 12,900.00 PHP"
    assert operator.begins(act_url(unknown, "give_back")).saying == "Give back 12,900.00 PHP"


def test_what_is_asked_for_is_seen_decided_and_told(
    paid: Payment, person: Callable[..., Desk], acquirer: Acquirer, buyer: Customer
) -> None:
    operator, finance = person(OPERATOR), person(FINANCE)
    page = asks(operator, paid)
    assert "Nothing was done yet: your request waits for somebody else." in page
    assert acquirer.calls("refund") == []
    request = Approval.objects.get()
    assert "asked for approval" in page

    refusal = operator.reads(act_url(request, "approve"))
    assert "You asked for this yourself. Somebody else has to decide." in refusal
    assert "Approve…" not in operator.reads(page_url(request))

    today = finance.opens("/admin/")
    assert act_url(request, "approve") in today
    assert act_url(request, "approve") not in operator.opens("/admin/")
    form = finance.begins(act_url(request, "approve"))
    assert f"It is done at once, as {operator.user} asked for it." in finance.reads(act_url(request, "approve"))
    assert form.saying == "Approve 6,000.00 PHP"
    assert "Approved and done." in form.sends(note="seen the photo")
    assert acquirer.gave_back_to(buyer) == [PHP(6_000_00)]
    assert "That was already done with this form" in form.sends(note="seen the photo")
    assert acquirer.gave_back_to(buyer) == [PHP(6_000_00)]

    for thing in (paid, paid.order):
        told = finance.reads(page_url(thing))
        assert f"{operator.user} asked for approval" in told
        assert f"Approved by {finance.user}" in told
    assert act_url(request, "approve") not in finance.opens("/admin/")
    assert str(Refund.objects.get().pk) in finance.opens(page_url(request))


@pytest.mark.parametrize(
    ("fault", "became", "chip"),
    [
        (
            {"fault": "refund_stays_processing", "seconds": 60},
            "how it ends is not known yet. Refund of 6,000.00 PHP: unknown.",
            "Begun",
        ),
        ({"fault": "refund_fails", "code": "REFUND_WINDOW_EXCEED"}, "and then it failed.", "Failed"),
    ],
)
def test_what_was_only_begun_is_not_called_done(
    paid: Payment,
    person: Callable[..., Desk],
    acquirer: Acquirer,
    shop: Shop,
    fault: dict[str, Any],
    became: str,
    chip: str,
) -> None:
    asks(person(OPERATOR), paid)
    request, finance = Approval.objects.get(), person(FINANCE)
    acquirer.will(**fault)
    told = finance.begins(act_url(request, "approve")).sends(note="seen the photo")
    assert "Approved and done." not in told
    assert became in told
    for page in (page_url(request), "/admin/portal/approval/"):
        assert chip in finance.reads(page)
    if chip == "Begun":
        shop.clock_moves(days=1)
        assert Refund.objects.get().status == "SUCCEEDED"
        assert "Refund of 6,000.00 PHP: refunded." in finance.reads(page_url(request))


def test_in_chinese_today_says_whole_what_is_asked_for_and_leaves_a_note_alone(
    paid: Payment, person: Callable[..., Desk]
) -> None:
    form = person(OPERATOR).begins(act_url(paid, "refund"))
    form.sends("Ask for a refund of 6,000.00 PHP", amount="6000.00", **SAYS | {"note": "Ordered for the wrong branch"})
    finance = person(FINANCE)
    finance.client.post(reverse("language"), {"language": "zh-hans", "page": "/admin/"})
    page = finance.reads("/admin/")
    assert "以退款方式返还至 GCash" in page
    assert "，Ordered for the wrong branch" in page
    assert "goes back" not in page


def test_the_same_asked_for_twice_is_one_request(paid: Payment, person: Callable[..., Desk]) -> None:
    operator = person(OPERATOR)
    form = operator.begins(act_url(paid, "refund"))
    said = {"amount": "6000.00", **SAYS}
    form.sends("Ask for a refund of 6,000.00 PHP", **said)
    assert "That was already done with this form" in form.sends("Ask for a refund of 6,000.00 PHP", **said)
    assert "The very same waits for approval already" in asks(person(OPERATOR), paid)
    assert Approval.objects.count() == 1


def test_a_changed_amount_is_a_new_request(paid: Payment, person: Callable[..., Desk]) -> None:
    operator = person(OPERATOR)
    asks(operator, paid)
    asks(operator, paid, "6500.00")
    assert list(Approval.objects.order_by("pk").values_list("amount_value", flat=True)) == [6_000_00, 6_500_00]


def test_declined_with_a_note_that_must_be_there(paid: Payment, person: Callable[..., Desk]) -> None:
    asks(person(OPERATOR), paid)
    request, finance = Approval.objects.get(), person(FINANCE)
    form = finance.begins(act_url(request, "decline"))
    assert "Say in a few words why not" in form.sends(note="")
    assert "Declined." in form.sends(note="ask for the photo first")
    assert "ask for the photo first" in finance.reads(page_url(request))
    assert "it is declined" in finance.reads(act_url(request, "approve"))


def test_withdrawn_while_somebody_looks_at_it(paid: Payment, person: Callable[..., Desk], acquirer: Acquirer) -> None:
    operator, finance = person(OPERATOR), person(FINANCE)
    asks(operator, paid)
    request = Approval.objects.get()
    form = finance.begins(act_url(request, "approve"))
    assert "Your request is taken back." in operator.begins(act_url(request, "withdraw")).sends()
    assert "Nothing can be decided any more: it is withdrawn." in form.sends()
    assert acquirer.calls("refund") == []


def test_an_approved_act_that_is_refused_says_so(paid: Payment, person: Callable[..., Desk], shop: Shop) -> None:
    asks(person(OPERATOR), paid)
    request, finance = Approval.objects.get(), person(FINANCE)
    shop.refunds(paid, PHP(8_000_00))
    assert "It could not be done now: only 4,900.00 PHP can still be given back." in finance.reads(
        act_url(request, "approve")
    )
    assert "Approved, but it could not be done:" in finance.begins(act_url(request, "approve")).sends()


def test_breaking_the_glass_and_its_review(paid: Payment, person: Callable[..., Desk]) -> None:
    finance, other = person(FINANCE), person(FINANCE)
    asks(finance, paid)
    request = Approval.objects.get()
    form = finance.begins(act_url(request, "break_glass"))
    assert "It is an incident until somebody else has reviewed it." in finance.reads(act_url(request, "break_glass"))
    assert "Approved and done." in form.sends(note="the buyer stands at the counter")
    assert Incident.objects.get().is_open
    assert "You did this yourself" in finance.reads(act_url(request, "review"))
    assert act_url(request, "review") in other.opens("/admin/")
    assert "Reviewed." in other.begins(act_url(request, "review")).sends(verdict="right", note="I called")
    assert not Incident.objects.get().is_open
    assert act_url(request, "review") not in other.opens("/admin/")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "name", "expected"),
    [
        (OPERATOR, "approve", "Only Finance or Administrator may decide on this"),
        (SUPPORT, "decline", "Only Finance or Administrator may decide on this"),
        (AUDITOR, "approve", "Only Finance or Administrator may decide on this"),
        (FINANCE, "withdraw", "Only who asked for it can take it back"),
        (FINANCE, "break_glass", "You may not do this on your own"),
        (OPERATOR, "break_glass", "You may not do this on your own"),
    ],
)
def test_whoever_may_not_decide_reads_why(role: str, name: str, expected: str, person: Callable[..., Desk]) -> None:
    request = factories.ApprovalFactory(payment=factories.PaymentFactory())
    desk = person(role)
    assert expected in desk.reads(act_url(request, name))
    answer = desk.client.post(act_url(request, name), {"once": "", "saying": "Approve 6,000.00 PHP"})
    request.refresh_from_db()
    assert (answer.status_code, request.status) == (200, "WAITING")


@pytest.mark.django_db
def test_a_deputy_is_named_decides_and_ends(person: Callable[..., Desk]) -> None:
    finance, operator = person(FINANCE), person(OPERATOR)
    page = finance.begins(f"{list_url(Deputy)}acts/name_deputy/").sends(
        deputy=operator.user.pk, first_day="2026-03-02", last_day="2026-03-04"
    )
    assert f"{operator.user} decides in your place until 5 Mar 00:00" in page
    request = factories.ApprovalFactory(payment=factories.PaymentFactory())
    assert act_url(request, "approve") in operator.opens("/admin/")
    assert "Declined." in operator.begins(act_url(request, "decline")).sends(note="too late")
    request.refresh_from_db()
    assert request.decided_by == f"{operator.user} for {finance.user}"
    row = Deputy.objects.get()
    assert "It has ended." in finance.begins(act_url(row, "end_deputy")).sends()
    other = factories.ApprovalFactory(payment=factories.PaymentFactory())
    assert act_url(other, "approve") not in operator.opens("/admin/")


@pytest.mark.django_db(transaction=True)
def test_a_rule_is_changed_by_two(person: Callable[..., Desk]) -> None:
    approvals.install_rules()
    chief, finance = person(ADMINISTRATOR), person(FINANCE)
    rule = ApprovalRule.objects.get(kind="refund", currency="PHP", role="")
    assert "above 5,000.00 PHP, or above 50,000.00 PHP a day" in chief.reads(list_url(ApprovalRule))
    form = chief.begins(act_url(rule, "change_rule"))
    said = {
        "is_in_force": "on",
        "above": "7500.00",
        "above_a_day": "50000.00",
        "approvers": [FINANCE],
        "expires_hours": "48",
        "note": "machines cost more now",
    }
    assert "'many' is not an amount" in form.sends(**{**said, "above": "many"})
    page = form.sends(**said)
    assert "Nothing was done yet" in page
    rule.refresh_from_db()
    assert rule.above_value == 5_000_00
    request = Approval.objects.get()
    looked = finance.reads(act_url(request, "approve"))
    assert "above 7,500.00 PHP, or above 50,000.00 PHP a day, decided by Finance" in looked
    assert "Now it is: above 5,000.00 PHP" in looked
    assert "Approved and done." in finance.begins(act_url(request, "approve")).sends()
    rule.refresh_from_db()
    assert (rule.above_value, rule.approvers, rule.expires_hours) == (7_500_00, [FINANCE], 48)
    assert JournalEntry.objects.get(act="change approval rule").before["above_value"] == 5_000_00


@pytest.mark.django_db
def test_the_pages_obey_the_policy_and_take_no_text_for_markup(chief: Desk) -> None:
    request = factories.ApprovalFactory(
        payment=factories.PaymentFactory(), note=SCRIPT, sentence=SCRIPT, rule=SCRIPT, actor_name=SCRIPT
    )
    broken = factories.ApprovalFactory(
        status="DONE",
        is_glass_broken=True,
        decider=factories.UserFactory(),
        decided_by=SCRIPT,
        decided_at=clock.now(),
        decision_note=SCRIPT,
        result=SCRIPT,
        finished_at=clock.now(),
        due_at=None,
    )
    rule, row = factories.ApprovalRuleFactory(role=SCRIPT[:50]), factories.DeputyFactory(note=SCRIPT)
    urls = ["/admin/", f"{list_url(ApprovalRule)}acts/add/", f"{list_url(Deputy)}acts/name_deputy/"]
    for thing in (request, broken, rule, row):
        urls += [list_url(thing), page_url(thing)]
    urls += [act_url(request, name) for name in ("approve", "decline", "withdraw", "break_glass")]
    urls += [act_url(broken, "review"), act_url(rule, "change_rule"), act_url(row, "end_deputy")]
    urls.append(reverse("admin:portal_approval_changelist") + "?ask=review&kind=refund")
    for url in urls:
        response: Any = chief.client.get(url)
        assert response.status_code == 200, url
        assert complaints(response.content.decode()) == [], url
