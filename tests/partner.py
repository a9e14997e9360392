"""A second account of the shop, at an acquirer of another protocol, in the same sandbox."""

from collections.abc import Sequence
from typing import Any

from portal import catalogue
from portal.gateways import adapter_of, notification_url
from portal.models import AcquirerAccount, AcquirerKey
from portal.sandbox.control import SandboxControl
from tests.story import Acquirer


def connected(
    account: AcquirerAccount, acquirer: Acquirer, wallets: Sequence[str] = ("GCASH", "DANA"), **facts: Any
) -> AcquirerAccount:
    """The account, ready: keys of both sides, merchant data, addresses told, and the wallets contracted."""
    theirs = acquirer.sandbox.connection.alipayplus
    made = AcquirerAccount.objects.create(
        **{
            "name": "Second",
            "slug": "second",
            "adapter": AcquirerAccount.Adapter.ALIPAYPLUS,
            "gateway_url": theirs["gateway_url"],
            "client_id": theirs["client_id"],
            "private_key": theirs["merchant_private_key"],
            "public_key": theirs["merchant_public_key"],
            "settlement_currency": "HKD",
            "notify_base_url": account.notify_base_url,
            "app_id": "3333010071465913",
            "merchant_reference": "M001",
            "merchant_legal_name": "Kape and Company Pte Ltd",
            "protocol_settings": {"wallet_selector_field": "customerBelongsTo"},
            **facts,
        }
    )
    SandboxControl(acquirer.sandbox.url).register_merchant(
        client_id=theirs["client_id"],
        settlement_currencies=["HKD", "USD"],
        notify_urls={kind: notification_url(made, kind) for kind, _ in adapter_of(made).connecting.notifications},
    )
    catalogue.begin(made, wallets)
    AcquirerKey.objects.create(account=made, version="1", public_key=theirs["acquirer_public_key"])
    return made
