"""The desk in Chinese: no English sentence is left on any page, and the choice of a language stays with the person."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from portal import languages
from portal.models import Exchange, JournalEntry, Tongue
from portal.roles import OPERATOR, PURPOSES
from tests import factories
from tests.browser.pictures import desk_shots
from tests.desk.conftest import Desk, act_url, page_url
from tests.story import PHP, Customer, Shop

pytestmark = pytest.mark.django_db

CHINESE = "zh-hans"
_ENGLISH = re.compile(r"\b[A-Za-z][a-z']+(?: [a-z][a-z']*){2,}")
"""Three words in a row: a sentence, not a name."""
_ACTS_OF = ("desk-payment-", "desk-order-", "desk-approvalrule-", "desk-incident-")
_NAMES = frozenset(("Krungthai direct debit", "Pay by bank", "Thirty days of everything"))
"""Of wallets, and of what is sold."""


@pytest.fixture
def reader() -> Desk:
    """Somebody who may see everything and reads Chinese."""
    desk = Desk(*PURPOSES)
    desk.client.post(reverse("language"), {"language": CHINESE, "page": "/admin/"})
    return desk


def english_on(html: str) -> list[str]:
    """The English sentences a person would read on a page."""
    shown = re.sub(r"<(script|style)\b.*?</\1>|<pre.*?</pre>", " ", html, flags=re.DOTALL)
    said = re.findall(r'(?:title|aria-label|placeholder|alt|data-saying)="([^"]*)"', shown)
    return [
        found[0]
        for text in [*said, *re.split(r"<[^>]*>", shown)]
        for found in _ENGLISH.finditer(unescape(text).replace("\n", " "))
        if found[0] not in _NAMES
    ]


def test_no_english_is_left_on_any_page(reader: Desk, shop: Shop, buyer: Customer) -> None:
    buyer.binds("GCASH")
    for amount in (499_00, 120_00):
        shop.charges(shop.sells("Pass", PHP(amount), to=buyer))
    make_the_rest()
    left = {}
    for shot in desk_shots(""):
        if "-act-" in shot.name and not shot.name.startswith(_ACTS_OF):
            continue  # their words are said like these
        page = reader.opens(shot.url)
        if found := sorted(set(english_on(page))):
            left[shot.url] = found
    assert not left, "\n".join(f"{url}: {found}" for url, found in left.items())


def make_the_rest() -> None:
    account = factories.AcquirerAccountFactory(name="Antom SG")
    buyer = factories.BuyerFactory(account=account)
    wallet = factories.WalletAccountFactory(buyer=buyer)
    payment = factories.PaymentFactory(
        order__buyer=buyer, order__paid=True, wallet_account=wallet, returned_value=200_00
    )
    payment.contradictions.create(said="FAIL", heard_from="NOTIFICATION", detail="Our status is Paid.")
    factories.OrderItemFactory(order=payment.order)
    factories.RefundFactory(payment=payment)
    factories.CancelFactory(payment=payment)
    factories.PriceFactory(product__account=account)
    factories.ExchangeFactory(account=account, subject=payment.payment_request_id)
    factories.NotificationFactory(account=account, subject=payment.payment_request_id)
    factories.IncidentFactory(summary="Answers of Antom do not verify with the acquirer's key that is kept.")
    factories.JournalEntryFactory(subject_id=str(payment.pk))
    factories.MerchantKeyFactory(account=account)
    factories.SignInFactory()


@pytest.mark.parametrize("language", ["en", CHINESE])
def test_a_failed_payment_says_what_its_code_means_and_what_to_do(language: str, reader: Desk) -> None:
    payment = factories.PaymentFactory(failed=True, result_code="USER_BALANCE_NOT_ENOUGH")
    reader.client.post(reverse("language"), {"language": language, "page": "/admin/"})
    words = reader.reads(page_url(payment))
    if language == "en":
        assert "Means There is not enough money in the wallet. What to do The buyer tops up; then try anew." in words
    else:
        assert "含义 钱包余额不足。 如何处理 买家充值后，再重新支付。" in words


def test_a_choice_is_the_persons_and_comes_with_them(reader: Desk) -> None:
    assert Tongue.objects.get(person=reader.user).language == CHINESE
    assert languages.language_of(reader.user) == CHINESE
    elsewhere = Client()  # another browser, which asks for English
    elsewhere.force_login(reader.user)
    page = elsewhere.get("/admin/", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="zh-hans">' in page
    assert "需要人工处理" in page


def test_who_never_chose_reads_what_the_browser_asks_for(db: None) -> None:
    client = Desk(OPERATOR).client
    for asked, language, words in (("zh-CN,zh;q=0.9", "zh-hans", "需要人工处理"), ("de", "en", "Needs a person")):
        response = client.get("/admin/", headers={"accept-language": asked})
        assert f'<html lang="{language}">' in response.content.decode()
        assert words in response.content.decode()
        assert response.headers["Content-Language"] == language


def test_switching_leads_back_to_the_page_and_nowhere_else(reader: Desk) -> None:
    url = reverse("language")
    back = reader.client.post(url, {"language": "en", "page": "/admin/payments/order/?q=1"})
    assert (back.status_code, back.headers["Location"]) == (302, "/admin/payments/order/?q=1")
    assert "Needs a person" in reader.opens("/admin/")
    for page in ("https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""):
        assert reader.client.post(url, {"language": "xx", "page": page}).headers["Location"] == "/"
    assert Tongue.objects.get(person=reader.user).language == "en"
    assert reader.client.get(url).status_code == 405


def test_before_anybody_logs_in_the_browser_remembers() -> None:
    client = Client()
    client.post(reverse("language"), {"language": CHINESE, "page": reverse("account_login")})
    assert not Tongue.objects.exists()
    page = client.get(reverse("account_login")).content.decode()
    assert not english_on(page), page
    assert "使用通行密钥登录" in page


def test_programs_are_answered_in_english(reader: Desk) -> None:
    problem = reader.client.get("/api/v1/orders/none", headers={"accept-language": "zh-CN"})
    assert problem.headers["Content-Language"] == "en"
    assert not re.search("[\u4e00-\u9fff]", problem.content.decode())


def test_what_a_chinese_reader_does_is_kept_in_english(shop: Shop, buyer: Customer) -> None:
    reader = Desk(OPERATOR)
    reader.client.cookies["language"] = CHINESE
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Pass", PHP(499_00), to=buyer))
    form = reader.begins(act_url(payment, "refund"))
    assert form.saying == "退款 499.00 PHP"

    words = form.sends("退款 100.00 PHP", reason_code="DUPLICATE", amount="100")

    assert "100.00 PHP 已返还至 GCash" in words
    written = JournalEntry.objects.get(act="refund")
    assert not re.search("[\u4e00-\u9fff]", f"{written.act}{written.outcome}{written.before}{written.after}")
    sent = Exchange.objects.get(api="refund")
    assert "Paid twice" in sent.masked_request, "the reason goes to the acquirer in English"
