"""At the desk: an account whose acquirer wants merchant data, leaves points open, and signs with keys of its own."""

import pytest

from portal import accounts
from portal.gateways import AccountNotReady, credentials_of
from portal.models import AcquirerAccount
from portal.sandbox.control import SandboxControl
from portal.sandbox.merchants import FIRST_PARTNER
from tests.desk.conftest import Desk, act_url, nobody_else_decides, page_url
from tests.story import Acquirer

CONNECT = "/admin/portal/acquireraccount/acts/connect/"
MERCHANT = {
    "merchant_legal_name": "Kape and Company Pte Ltd",
    "merchant_display_name": "Kape & Co",
    "merchant_category_code": "5814",
    "merchant_region": "SG",
    "merchant_city": "Singapore",
}


def _connects(chief: Desk, gateway_url: str) -> AcquirerAccount:
    chief.begins(CONNECT).sends(
        name="Partner Singapore",
        slug="partner",
        adapter="alipayplus",
        gateway_url=gateway_url,
        client_id=FIRST_PARTNER,
        key_version="1",
        wallets=["GCASH"],
        settlement_currency="USD",
        settlement_cycle="T",
        settlement_days="2",
        settlement_grace_days="3",
        merchant_reference="M001",
        is_enabled="on",
    )
    return AcquirerAccount.objects.get(slug="partner")


def test_a_partner_account_is_connected_step_by_step(chief: Desk, transactional_db: None, acquirer: Acquirer) -> None:
    account = _connects(chief, acquirer.sandbox.connection.gateway_url)

    page = chief.reads(page_url(account))
    assert "Partner Singapore Needs merchant data" in page
    assert "Notification URL: authNotify http://localhost:8000/notify/partner/authorization" in page
    assert "Notification URL: consultUnbinding http://localhost:8000/notify/partner/unbinding" in page
    assert "Notification URL: notifyPayment http://localhost:8000/notify/partner/payment" in page
    assert "Give the first two to the acquirer: no call names them." in page
    assert "Which field of prepare names the wallet" in page
    assert "Say first who the merchant is" in chief.reads(act_url(account, "test_call"))

    page = chief.begins(act_url(account, "describe_merchant")).sends(**MERCHANT)
    assert "The merchant is described." in page
    assert "Kape and Company Pte Ltd" in page
    assert "Needs our key pair" in page

    chief.begins(act_url(account, "make_key_pair")).sends(key_version="1")
    account.refresh_from_db()
    SandboxControl(acquirer.sandbox.url).register_merchant(client_id=FIRST_PARTNER, public_key=account.public_key)
    theirs = acquirer.sandbox.connection.alipayplus["acquirer_public_key"]
    page = chief.begins(act_url(account, "add_acquirer_key")).sends(version="1", public_key=theirs)
    assert "Partner Singapore Ready" in page

    page = chief.begins(act_url(account, "test_call")).sends()
    assert "The acquirer accepts our signature, and its answer is signed with the key we hold." in page
    account.refresh_from_db()
    assert credentials_of(account).merchant.region == "SG"


def test_an_account_of_the_other_protocol_is_asked_for_neither(chief: Desk) -> None:
    nobody_else_decides(accounts.KEY_CHANGE)
    account = AcquirerAccount.objects.create(
        name="Plain", slug="plain", gateway_url="https://open-sea-global.alipay.com", client_id="SANDBOX_1"
    )

    page = chief.reads(page_url(account))

    assert "Merchant…" not in page
    assert "To settle with the acquirer" not in page
    assert "Notification URL: notifyRefund" in page
    with pytest.raises(AccountNotReady):
        credentials_of(account)
