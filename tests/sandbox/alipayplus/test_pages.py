"""The wallet's page of both protocols, and a console that tells the two merchants apart."""

import hashlib
import re
from html import unescape

import pytest
import requests

from portal.sandbox.control import SandboxControl
from portal.sandbox.merchants import FIRST_PARTNER
from tests.sandbox.alipayplus.conftest import SHOP, Partner
from tests.sandbox.conftest import Shop, code


def test_a_user_picks_a_wallet_agrees_and_goes_back(partner: Partner) -> None:
    page = partner.session.get(partner.prepares(authState="st")["authUrl"]).text
    assert "Which wallet shall Kape charge?" in page
    assert "DIRECTDEBIT_YAPILY" not in page, "Alipay+ connects no banks"
    (picked,) = re.findall(r'href="(/wallet/MAYA/authorize[^"]+)"', page)
    asked = partner.session.get(partner.sandbox.url + unescape(picked)).text
    assert "Let Kape charge your Maya?" in asked
    (auth_id,) = re.findall(r'name="authId" value="(\w+)"', asked)
    form = {"authId": auth_id, "user": "ana", "decision": "agree"}
    done = partner.session.post(f"{partner.sandbox.url}/wallet/MAYA/authorize", data=form).text
    (back,) = re.findall(r'href="([^"]+/return\?[^"]+)"', done)
    granted, state = re.findall(r"authCode=(\w+)&authState=(\w+)", unescape(back))[0]
    assert state == "st"
    bound = partner.redeems(granted)
    assert (code(bound), bound["pspId"]) == (("SUCCESS", "S"), "MAYA")


def test_a_user_picks_a_wallet_and_refuses(partner: Partner) -> None:
    url = partner.prepares(authState="st")["authUrl"]
    form = {"authId": url.split("authId=")[1], "decision": "refuse"}
    done = partner.session.post(f"{partner.sandbox.url}/wallet/GCASH/authorize", data=form).text
    assert "Not linked" in done
    assert "/return?lang=en&amp;authState=st" in done
    assert partner.session.get(url).status_code == 410, "a link is used once"


def test_a_shop_that_wants_to_be_asked_is_named_on_the_wallets_page(partner: Partner) -> None:
    partner.binds("ana", "GCASH")
    partner.answers_with = b'{"result":{"resultCode":"SUCCESS","resultStatus":"S"},"allowUnbinding":"false"}'
    form = {"client": partner.keys["client_id"]}
    answer = partner.session.post(f"{partner.sandbox.url}/wallet/GCASH/users/ana/end", data=form)
    assert (answer.status_code, "end it there" in answer.text) == (409, True)


@pytest.mark.parametrize("path", ["/", "/console/payments", "/console/tokens", "/console/calls", "/console/reports"])
def test_the_console_says_through_whom(partner: Partner, shop: Shop, control: SandboxControl, path: str) -> None:
    partner.pays(partner.binds())
    shop.pays(shop.binds())
    control.close_day()
    page = partner.session.get(partner.sandbox.url + path).text
    assert "<td>Alipay+</td>" in page
    assert "<td>Antom</td>" in page


def test_a_fault_is_narrowed_to_a_protocol_on_the_console(partner: Partner, control: SandboxControl) -> None:
    form = {"act": "set_fault", "back": "/console/faults", "fault": "answer_lost", "api": "cancelPayment"}
    partner.session.post(f"{partner.sandbox.url}/console/act", data=form | {"protocol": "alipayplus", "calls": "1"})
    (fault,) = control.faults()
    assert (fault["protocol"], fault["api"]) == ("alipayplus", "cancelPayment")


def test_the_cdn_says_how_the_method_is_shown(partner: Partner, control: SandboxControl) -> None:
    participant = partner.sandbox.engine.register_merchant(client_id=FIRST_PARTNER).customer_id

    def asked(currency: str = "PHP", who: str = participant, shop: str = SHOP) -> requests.Response:
        digest = hashlib.sha256(shop.encode()).hexdigest()
        place = f"{who}/{digest}/AGREEMENT_PAYMENT/{currency}/ALL/NONE/alipayplus.json"
        return partner.session.get(f"{partner.sandbox.url}/cdn/sandbox/{place}", timeout=10)

    shown = asked().json()
    assert (shown["available"], sorted(shown["promoNames"])) == ("true", ["en_US", "zh_CN"])
    assert partner.session.get(shown["logoUrl"], timeout=10).headers["content-type"] == "image/svg+xml"
    assert asked("USD").json() == {"available": "false"}, "no wallet of the contract pays in it"
    assert asked(who="2188000000000042").status_code == 404, "another acquirer's merchant"
    control.register_merchant(client_id=FIRST_PARTNER, secondary_merchants=[SHOP])
    assert asked().status_code == 200
    assert asked(shop="M002").status_code == 404
