"""A shop with contracts at two acquirers: where a wallet is bound, who debits it, how one contract is let run out."""

import pytest

from authorizations import operations as binding
from authorizations.errors import TerminalNotServed, WalletNotContracted
from authorizations.models import Authorization, WalletAccount
from authorizations.states import WalletStatus
from payments import operations as paying
from payments.models import Payment
from payments.states import OrderStatus, PaymentStatus, RefundStatus
from portal import accounts, catalogue
from portal.acquirer import Terminal, TerminalType
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput, NotFound
from portal.models import AcquirerAccount, AcquirerKey, Exchange, JournalEntry, Notification, PaymentMethod
from portal.sandbox.control import SandboxControl
from tests import partner
from tests.story import PHONE, PHP, Acquirer, Customer, Shop

SECOND = "SANDBOX_5X00000000000077"
BY = Actor.command("story")


@pytest.fixture(params=["same protocol", "another protocol"])
def second(request: pytest.FixtureRequest, account: AcquirerAccount, acquirer: Acquirer) -> AcquirerAccount:
    """The shop's other account, at the same sandbox: another client, another settlement currency."""
    return _same(account, acquirer) if request.param == "same protocol" else partner.connected(account, acquirer)


def _same(account: AcquirerAccount, acquirer: Acquirer) -> AcquirerAccount:
    theirs = acquirer.sandbox.connection
    SandboxControl(acquirer.sandbox.url).register_merchant(
        client_id=SECOND, name="Kape & Co, the second", public_key=theirs.merchant_public_key
    )
    made = AcquirerAccount.objects.create(
        name="Second",
        slug="second",
        gateway_url=theirs.gateway_url,
        client_id=SECOND,
        private_key=theirs.merchant_private_key,
        public_key=theirs.merchant_public_key,
        settlement_currency="HKD",
        notify_base_url=account.notify_base_url,
        app_id="3333010071465913",
    )
    catalogue.begin(made, ["GCASH", "DANA"])
    AcquirerKey.objects.create(account=made, version="1", public_key=theirs.acquirer_public_key)
    return made


def _order(account: AcquirerAccount, *through: AcquirerAccount) -> None:
    accounts.order_places(account, through, by=BY, note="contract of March")


def test_without_an_order_buyers_bind_through_their_own_account(
    shop: Shop, buyer: Customer, account: AcquirerAccount, second: AcquirerAccount
) -> None:
    assert buyer.binds("GCASH").account == account
    assert [one.slug for one in catalogue.places(account)] == ["sandbox"]


def test_a_wallet_is_bound_through_the_preferred_account_and_debited_there(
    shop: Shop, buyer: Customer, account: AcquirerAccount, second: AcquirerAccount, acquirer: Acquirer
) -> None:
    _order(account, second, account)

    wallet = buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    payment = shop.charges(order, wallet)
    assert payment.status == PaymentStatus.SUCCEEDED, (payment.result_code, payment.result_message)
    refund = shop.refunds(payment, PHP(100_00))
    shop.comes_to_rest()

    for row in (order, payment, refund):
        row.refresh_from_db()
    assert (wallet.account, wallet.buyer.account, order.account) == (second, account, account)
    assert (order.status, payment.status, refund.status) == (
        OrderStatus.PAID,
        PaymentStatus.SUCCEEDED,
        RefundStatus.SUCCEEDED,
    )
    assert (payment.account, payment.settlement_currency) == (second, "HKD")
    assert (acquirer.took_from(buyer), acquirer.gave_back_to(buyer)) == ([PHP(499_00)], [PHP(100_00)])
    assert set(Exchange.objects.values_list("account__slug", flat=True)) == {"second"}
    assert set(Notification.objects.values_list("account__slug", "is_verified")) == {("second", True)}


def test_a_wallet_the_preferred_contract_has_not_is_bound_through_the_next(
    shop: Shop, buyer: Customer, account: AcquirerAccount, second: AcquirerAccount
) -> None:
    _order(account, second, account)

    assert buyer.binds("KAKAOPAY").account == account
    with pytest.raises(WalletNotContracted):
        buyer.begins("BOOST")


def test_currency_and_terminal_choose_too(
    shop: Shop, buyer: Customer, account: AcquirerAccount, second: AcquirerAccount
) -> None:
    _order(account, second, account)
    own = PaymentMethod.objects.get(account=second, code="GCASH")
    catalogue.change(own, {"currency": "USD", "terminals": "WEB"}, by=BY)

    assert binding.account_for(account, "GCASH", "WEB", "USD") == second
    assert binding.account_for(account, "GCASH", "WEB", "PHP") == account
    assert binding.account_for(account, "GCASH", "MINI_APP") == account
    desk, back = Terminal(terminal_type=TerminalType.WEB), f"{shop.url}/return"
    begun = binding.begin(buyer.row, "GCASH", terminal=desk, redirect_url=back, by=buyer.by, currency="PHP")
    assert begun.account == account
    with pytest.raises(TerminalNotServed):
        binding.account_for(second, "GCASH", "MINI_APP")
    offered = {offer.method.code: offer for offer in catalogue.offers(account, catalogue.Wish(currency="USD"))}
    assert (offered["GCASH"].through, offered["GCASH"].why) == (second, None)


def test_a_drained_account_goes_on_with_what_is_bound_and_binds_nothing_new(
    shop: Shop, buyer: Customer, account: AcquirerAccount, second: AcquirerAccount, acquirer: Acquirer
) -> None:
    _order(account, account, second)
    old = buyer.binds("GCASH")
    accounts.drain(account, by=BY, note="its contract ends in June")

    old_payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer), old)
    new = buyer.binds("GCASH")
    new_payment = shop.charges(shop.sells("Mug", PHP(250_00), to=buyer), new)
    shop.comes_to_rest()

    old.refresh_from_db()
    assert (old.status, old.account, new.account) == (WalletStatus.ACTIVE, account, second)
    assert sorted(Payment.objects.values_list("pk", "status", "wallet_account__account__slug")) == [
        (old_payment.pk, "SUCCEEDED", "sandbox"),
        (new_payment.pk, "SUCCEEDED", "second"),
    ]
    assert buyer.begins("GCASH") == new
    assert acquirer.took_from(buyer) == [PHP(499_00), PHP(250_00)]

    accounts.open_again(account, by=BY, note="prolonged")
    assert shop.customer("ben").binds("GCASH").account == account
    assert list(JournalEntry.objects.filter(subject_id=str(account.pk)).order_by("pk").values_list("act", "note")) == [
        ("order places", "contract of March"),
        ("drain account", "its contract ends in June"),
        ("open account", "prolonged"),
    ]


def test_with_everything_drained_nothing_is_offered(shop: Shop, buyer: Customer, account: AcquirerAccount) -> None:
    held = buyer.binds("GCASH")
    accounts.drain(account, by=BY, note="closed")

    assert catalogue.offers(account) == []
    with pytest.raises(WalletNotContracted):
        buyer.begins("DANA")
    assert shop.charges(shop.sells("Mug", PHP(250_00), to=buyer), held).status == PaymentStatus.SUCCEEDED
    with pytest.raises(Conflict):
        accounts.drain(account, by=BY, note="again")


def test_a_dead_consent_gives_way_to_one_of_the_other_account(
    shop: Shop, buyer: Customer, account: AcquirerAccount, second: AcquirerAccount
) -> None:
    _order(account, account, second)
    old = buyer.binds("GCASH")
    WalletAccount.objects.filter(pk=old.pk).update(status=WalletStatus.NEEDS_AUTHORIZATION)
    accounts.drain(account, by=BY, note="its contract ends in June")

    new = buyer.binds("GCASH")

    old.refresh_from_db()
    assert (old.status, new.status, new.account) == (WalletStatus.REPLACED, WalletStatus.ACTIVE, second)


def test_nobody_pays_with_somebody_elses_wallet_whatever_its_account(
    shop: Shop, buyer: Customer, account: AcquirerAccount, second: AcquirerAccount
) -> None:
    _order(account, second)
    wallet = shop.customer("ben").binds("GCASH")
    order = shop.sells("Mug", PHP(250_00), to=buyer)

    with pytest.raises(NotFound):
        paying.pay(order, wallet, by=BY, terminal=PHONE)

    assert Payment.objects.count() == 0
    assert Authorization.objects.get().account == second


def test_an_order_names_each_account_once_and_changes_something(
    account: AcquirerAccount, second: AcquirerAccount
) -> None:
    _order(account, second, account)

    for wrong in ((), (second, second)):
        with pytest.raises(InvalidInput, match="each of them once"):
            _order(account, *wrong)
    with pytest.raises(Conflict):
        _order(account, second, account)
    assert [one.slug for one in accounts.places_of(account)] == ["second", "sandbox"]
    assert accounts.once_drained(second) == [(account, [account]), (second, [])]
