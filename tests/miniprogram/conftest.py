"""The mini program of ``manage.py miniprogram``, run against the real portal and the real sandbox."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from payments.models import Product
from portal.acquirer.wallets import wallet_facts
from portal.miniprogram.rendering import Kit, files_of, write
from portal.money import Money
from tests.factories import PriceFactory, ProductFactory
from tests.miniprogram import tools
from tests.miniprogram.phone import Host, Phone
from tests.story import Shop


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with all that is needed of npm."""
    program = tools.node()
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(tools.MISSING)
        pytest.skip(tools.MISSING)
    return program


@pytest.fixture(scope="session")
def kit(portal_url: str) -> Kit:
    """What is rendered here."""
    wallets = [facts for facts in map(wallet_facts, ("GCASH", "DANA", "PAYPAY")) if facts is not None]
    return Kit(portal_url=portal_url, merchant="Kape & Co", wallets=wallets)


@pytest.fixture(scope="session")
def program(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered mini program."""
    folder = tmp_path_factory.mktemp("kit") / "miniprogram"
    write(folder, files_of(kit))
    return folder


@pytest.fixture(scope="session")
def host(node: str) -> Iterator[Host]:
    """One Node for the whole session."""
    host = Host(node)
    yield host
    host.ends()


@pytest.fixture
def goods(shop: Shop, settings: Any) -> list[Product]:
    """What is sold. A story's clock stands still, so all its requests fall into one minute: they are not limited."""
    settings.PORTAL_API_LIMITS = {}
    sold = []
    for sku, name, value in (("barako", "Barako beans", 349_00), ("cold", "Cold brew", 180_00)):
        product = ProductFactory(account=shop.account, sku=sku, name=name, description="")
        price = Money(value, "PHP")
        PriceFactory(product=product, value=price.value, currency=price.currency)
        sold.append(product)
    return sold


@pytest.fixture
def phone_of(host: Host, program: Path, shop: Shop, goods: list[Product]) -> Callable[..., Phone]:
    """A phone of somebody's."""

    def make(user: str, *, device: dict[str, str] | None = None, site: str = "GCASH") -> Phone:
        return Phone(host, program, shop, user, site, device or {})

    return make


@pytest.fixture
def phone(phone_of: Callable[..., Phone]) -> Phone:
    """Ana's phone, with the mini program open."""
    return phone_of("ana").opens()
