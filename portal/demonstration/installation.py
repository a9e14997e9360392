"""Making an empty folder a portal: tables, an account at the sandbox with both sides' keys, people, a server key."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection

from portal import accounts, merchant_keys, outbox, people, roles
from portal.actor import Actor
from portal.gateways import adapter_of, notification_url
from portal.models import AcquirerAccount, MerchantKey, WebhookEndpoint
from portal.sandbox.connection import Connection
from portal.sandbox.control import SandboxControl
from portal.sandbox.shop_backend import PATH as WEBHOOKS_PATH
from reconciliation import operations as reconciling

BY = Actor.command("demo")
SHOP = "Kape & Co"
SLUG = "sandbox"
SERVER = f"{SHOP} server"
BACKEND = f"{SHOP} backend"
PARTNER = f"{SHOP} regional"
PARTNER_SLUG = "regional"
SETTLEMENT_CURRENCY = "USD"
WALLETS = (
    "GCASH",
    "MAYA",
    "GRABPAY_PH",
    "DANA",
    "TNG",
    "BOOST",
    "KAKAOPAY",
    "NAVERPAY",
    "TRUEMONEY",
    "KPLUS",
    "DIRECT_DEBIT_SIAMCOMMERCIALBANK",
    "ALIPAY_HK",
    "ALIPAY_CN",
    "PAYPAY",
)
_KEY_VERSION = "2"
"""Version 1 is the pair the sandbox made for foreign clients; the portal makes one of its own."""
_CUSTOMER_ID = "2188000000000042"
_APP_ID = "3333010071465913"

_SHOP_ID = "KAPE0001"
"""What the shop is called where an acquirer serves a partner with many: authClientId, referenceMerchantId."""
_REGISTERED = {
    "merchant_legal_name": "Kape & Co Trading Pte. Ltd.",
    "merchant_display_name": SHOP,
    "merchant_category_code": "5814",
    "merchant_region": "SG",
    "merchant_city": "Singapore",
}
_SETTLED = {"wallet_selector_field": "customerBelongsTo"}
"""As the sandbox has it: its mini programs run inside one wallet, which the request must name."""

STAFF = (
    ("admin", "Amihan", "Lopez", roles.ADMINISTRATOR),
    ("operator", "Omar", "Rahman", roles.OPERATOR),
    ("support", "Sari", "Wijaya", roles.SUPPORT),
    ("finance", "Fei", "Chen", roles.FINANCE),
    ("auditor", "Aom", "Suwan", roles.AUDITOR),
    ("developer", "Dae-jung", "Park", roles.DEVELOPER),
)
"""User name, first and last name, role: all invented."""
_LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that is read as something else."""
_PASSWORD_GROUPS, _PASSWORD_GROUP = 4, 4


@dataclass(frozen=True)
class Login:
    """What a person signs in with. The password is shown once; only its hash is kept."""

    username: str
    role: str
    password: str


@contextmanager
def hurried_database() -> Iterator[None]:
    """Neither wait for the disk at every commit nor open the database for every request, in this process, for a while.

    That is most of the time history takes. Should the machine lose its power meanwhile, the demo is marked as
    unfinished and made anew; a portal that serves writes with ``synchronous=FULL`` again.
    """
    options = connection.settings_dict["OPTIONS"]
    usual, usual_age = options["init_command"], connection.settings_dict["CONN_MAX_AGE"]
    options["init_command"] = f"{usual} PRAGMA synchronous=OFF;"
    connection.settings_dict["CONN_MAX_AGE"] = None
    connection.close()
    try:
        yield
    finally:
        options["init_command"] = usual
        connection.settings_dict["CONN_MAX_AGE"] = usual_age
        connection.close()


def make_tables() -> None:
    """Create the database, or bring it up to this code."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)


def connect(control: SandboxControl, connection_file: Path, base_url: str) -> AcquirerAccount:
    """Make the account at the sandbox, as a person would at a real acquirer: keys exchanged, URLs in its dashboard."""
    line = Connection.read(connection_file)
    facts = {
        "name": SHOP,
        "slug": SLUG,
        "adapter": AcquirerAccount.Adapter.ANTOM,
        "gateway_url": line.gateway_url,
        "client_id": line.client_id,
        "key_version": _KEY_VERSION,
        "wallets": list(WALLETS),
        "settlement_currency": SETTLEMENT_CURRENCY,
        "settlement_cycle": AcquirerAccount.Cycle.DAILY,
        "settlement_days": 1,
        "settlement_grace_days": 3,
        "notify_base_url": base_url,
        "app_id": _APP_ID,
        "customer_id": _CUSTOMER_ID,
        "merchant_reference": "",
        "is_enabled": True,
    }
    account = accounts.connect(facts, by=BY)
    account = accounts.make_key_pair(account, _KEY_VERSION, by=BY)
    accounts.add_acquirer_key(account, "1", line.acquirer_public_key, by=BY)
    _tell_dashboard(control, account)
    _take_calendar(control, account)
    return account


def connect_partner(control: SandboxControl, connection_file: Path, base_url: str) -> AcquirerAccount:
    """Make a second account beside the first, at the acquirer that speaks the other protocol."""
    line = Connection.read(connection_file).alipayplus
    (there,) = (one for one in control.merchants() if one["client_id"] == line["client_id"])
    facts = {
        "name": PARTNER,
        "slug": PARTNER_SLUG,
        "adapter": AcquirerAccount.Adapter.ALIPAYPLUS,
        "gateway_url": line["gateway_url"],
        "client_id": line["client_id"],
        "key_version": _KEY_VERSION,
        "wallets": [wallet for wallet in WALLETS if wallet in there["wallets"]],
        "settlement_currency": SETTLEMENT_CURRENCY,
        "settlement_cycle": AcquirerAccount.Cycle.DAILY,
        "settlement_days": 2,
        "settlement_grace_days": 3,
        "notify_base_url": base_url,
        "app_id": _APP_ID,
        "customer_id": there["customer_id"],
        "merchant_reference": _SHOP_ID,
        "is_enabled": True,
    }
    account = accounts.connect(facts, by=BY)
    account = accounts.describe_merchant(
        account, dict.fromkeys(accounts.MERCHANT, "") | _REGISTERED, by=BY, note="As registered."
    )
    account = accounts.settle_points(account, _SETTLED, by=BY, note="As the sandbox has it.")
    account = accounts.make_key_pair(account, _KEY_VERSION, by=BY)
    accounts.add_acquirer_key(account, "1", line["acquirer_public_key"], by=BY)
    _tell_dashboard(control, account)
    _take_calendar(control, account)
    return account


def _take_calendar(control: SandboxControl, account: AcquirerAccount) -> None:
    """Expect settlements on the days on which the sandbox settles: it has no weekend unless it is given one."""
    (there,) = (one for one in control.merchants() if one["client_id"] == account.client_id)
    holidays, made_up = ({date.fromisoformat(day): "" for day in there[name]} for name in ("holidays", "working_days"))
    reconciling.edit_calendar(account, set(there["weekend"]), holidays, made_up, by=BY, note="As its dashboard says.")


def _tell_dashboard(control: SandboxControl, account: AcquirerAccount) -> None:
    kinds = (kind for kind, _ in adapter_of(account).connecting.notifications)
    urls = {kind: notification_url(account, kind) for kind in kinds}
    control.register_merchant(
        client_id=account.client_id,
        name=account.name,
        public_key=account.public_key,
        key_version=account.key_version,
        notify_urls=urls,
    )


def move(control: SandboxControl, account: AcquirerAccount, *, gateway_url: str, base_url: str) -> bool:
    """Let both sides know where the other is now; False when nobody has moved."""
    if (account.gateway_url, account.notify_base_url) == (gateway_url, base_url):
        return False
    facts = {name: getattr(account, name) for name in accounts.FIELDS}
    facts |= {"gateway_url": gateway_url, "notify_base_url": base_url}
    accounts.edit(account, facts, by=BY, note="The ports have changed.")
    _tell_dashboard(control, account)
    return True


def let_shop_hear(control: SandboxControl) -> None:
    """Tell the shop's own backend, which stands in the sandbox, what happens from now on; also after it has moved."""
    url = f"{control.base_url}{WEBHOOKS_PATH}"
    endpoint = WebhookEndpoint.objects.filter(name=BACKEND).first()
    facts: dict[str, Any] = {"name": BACKEND, "account": None, "url": url, "kinds": []}
    if endpoint is None:
        _, secret = outbox.add(facts, by=BY)
        control.webhook_secret(secret)
    elif endpoint.url != url:
        outbox.change(endpoint, facts, by=BY, note="The ports have changed.")


def hire() -> list[Login]:
    """Let one person of every role in, each with a new password."""
    logins = []
    for username, first_name, last_name, role in STAFF:
        password = _password()
        people.add(
            username,
            password,
            first_name=first_name,
            last_name=last_name,
            email=f"{username}@example.com",
            roles=[Group.objects.get(name=role)],
            by=BY,
        )
        logins.append(Login(username, role, password))
    return logins


def person(username: str) -> Actor:
    """Somebody of the staff, as the actor of what they do."""
    return Actor.person(User.objects.get(username=username))


def give_key(account: AcquirerAccount) -> tuple[MerchantKey, str]:
    """An API key for the shop's server. The text is shown once; only its digest is kept."""
    return merchant_keys.create(account, SERVER, by=BY)


def _password() -> str:
    groups = ("".join(secrets.choice(_LEGIBLE) for _ in range(_PASSWORD_GROUP)) for _ in range(_PASSWORD_GROUPS))
    return "-".join(groups)
