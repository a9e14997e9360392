"""``manage.py miniprogram``: what it writes, that it reads well, and that nothing secret or untold is in it."""

import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from drf_spectacular.generators import SchemaGenerator

from authorizations.api import reasons as binding
from payments.api import reasons as paying
from payments.subscriptions.states import Trouble
from portal.acquirer.antom.codes import APPLY_TOKEN, CONSULT, NOTIFY_PAYMENT, PAY, PAYMENT_RESULT
from portal.acquirer.results import Outcome
from portal.api import problems
from portal.miniprogram import client, errors, tables, words
from portal.miniprogram.rendering import FILLED_IN, Kit, files_of
from portal.models import AcquirerAccount
from portal.money import Money, MoneyError, parse_major
from tests.miniprogram import tools
from tests.miniprogram.phone import Host

PAGES = ("methods", "shop", "cashier", "result", "subscriptions")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def copy(program: Path, tmp_path: Path) -> Path:
    """The mini program, to be spoiled."""
    return Path(shutil.copytree(program, tmp_path / "copy"))


@pytest.fixture(scope="session")
def texts(kit: Kit) -> dict[str, str]:
    """Every file."""
    return files_of(kit)


# What a wallet's IDE opens.


def test_it_is_a_whole_mini_program(texts: dict[str, str]) -> None:
    config = json.loads(texts["app.json"])
    assert sorted(config["pages"]) == sorted(f"pages/{name}/{name}" for name in PAGES)
    for page in config["pages"]:
        assert {f"{page}.js", f"{page}.axml"} <= texts.keys()
    assert {"app.js", "app.acss", "adapter/platform.js", "api/client.js", "api/types.d.ts"} <= texts.keys()
    assert {"types/alipayplus.d.ts", "README.md", "LOCAL.md"} <= texts.keys()
    assert config["window"]["defaultTitle"] == "Kape & Co"


def test_the_same_portal_makes_the_same_bytes(kit: Kit, texts: dict[str, str]) -> None:
    assert files_of(kit) == texts


def test_no_place_is_left_open(texts: dict[str, str]) -> None:
    for name in FILLED_IN:
        assert "{{" not in texts[name]
        assert "{%" not in texts[name]


def test_the_types_hold_and_a_wrong_one_is_found(node: str, copy: Path) -> None:
    assert tools.type_check(copy) == ""
    page = copy / "pages" / "result" / "result.js"
    page.write_text(page.read_text().replace("order.amount", "order.amounts", 1))
    assert "Property 'amounts' does not exist" in tools.type_check(copy)


def test_no_browser_and_no_undeclared_call_of_the_container_is_known(node: str, copy: Path) -> None:
    (copy / "lib" / "asked.js").write_text("export const here = window.location;\nmy.tradePay({});\nfetch('/');\n")
    said = tools.type_check(copy)
    assert re.findall(r"Cannot find name '(\w+)'", said) == ["window", "fetch"]
    assert "Property 'tradePay' does not exist" in said


def test_it_is_linted_and_only_the_adapter_knows_the_container(node: str, copy: Path) -> None:
    assert tools.lint(copy) == ""
    page = copy / "pages" / "shop" / "shop.js"
    page.write_text(page.read_text() + "\nmy.showToast({ content: 'x' });\nconst none = null ?? 1;\n")
    said = tools.lint(copy)
    assert "Parsing error" in said  # newer than the containers' language
    page.write_text(page.read_text().replace("\nconst none = null ?? 1;\n", "\n"))
    assert "'my' is not defined" in tools.lint(copy)


def test_markup_and_pages_fit(host: Host, program: Path, copy: Path) -> None:
    assert host.does("check", folder=str(program))["flaws"] == []
    markup = copy / "pages" / "shop" / "shop.axml"
    spoiled = markup.read_text().replace('onTap="buy"', 'onTap="bye"').replace("{{failure}}", "{{failures}}")
    markup.write_text(spoiled.replace("{{words.title}}", "{{words.titel}}"))
    found = host.does("check", folder=str(copy))["flaws"]
    for flaw in (
        'onTap="bye" is no method',
        "{{failures}} is no data",
        "{{words.titel}} is no word",
        "nobody calls buy()",
    ):
        assert any(flaw in one for one in found), (flaw, found)


def test_what_is_typed_is_read_by_the_currencys_own_decimals(node: str, copy: Path) -> None:
    (copy / "package.json").write_text('{"type": "module"}')  # to Node alone: containers know no other
    asked = [
        (text, code)
        for code in ("PHP", "JPY", "IDR", "JOD", "XXX")
        for text in ("1500", " 1,500.5 ", "0012.340", "1,500,000", "12.3456", "15,00", "0.00", "1e3", "9" * 17)
    ]
    (copy / "ask.js").write_text(
        "import { example, typed } from './lib/amounts.js';\n"
        f"const asked = {json.dumps(asked)};\n"
        "const told = asked.map(([text, currency]) => [typed(text, currency), example(currency)]);\n"
        "console.log(JSON.stringify(told));\n"
    )
    said = subprocess.run([node, str(copy / "ask.js")], capture_output=True, text=True, check=True).stdout
    for (text, code), (amount, example) in zip(asked, json.loads(said), strict=True):
        meant = amount and Money(int(amount["value"]), code)
        assert meant == _read(text, code), (text, code)
        if meant is not None:
            assert (amount["display"], amount["currency"]) == (meant.display, code)
            assert parse_major(example, code).payable().value > 0


def _read(text: str, code: str) -> Money | None:
    """What the portal itself would read, where it may be paid."""
    try:
        return parse_major(text, code).payable()
    except MoneyError:
        return None


# The client.


def test_the_client_asks_for_what_a_buyer_may_and_nothing_else(texts: dict[str, str]) -> None:
    functions = re.findall(r"export function (\w+)", texts["api/client.js"])
    assert {"openSession", "beginAuthorization", "bringCode", "payOrder", "startSubscription"} <= set(functions)
    assert not {"refundOrder", "postAmount", "listConsents", "declareOrder"} & set(functions)
    assert "ByMerchant" not in texts["api/types.d.ts"]
    assert "customer?" not in texts["api/client.js"]


def test_every_function_says_what_it_takes_and_answers(texts: dict[str, str]) -> None:
    for comment, given in re.findall(
        r"/\*\*((?:(?!\*/)[\s\S])*)\*/\nexport function \w+\((.*)\)", texts["api/client.js"]
    ):
        names = [name.partition(" ")[0] for name in given.split(", ") if name]
        assert re.findall(r"@param \{.*\} \[?(\w+)", comment) == names
        assert "@returns {Promise<import('./types')." in comment


# Words.


def test_every_code_has_a_sentence_in_both_languages() -> None:
    found = errors.catalogue()
    for kind, sentences in found.items():
        for code, sentence in sentences.items():
            assert tables.in_language(sentence, "en") == str(sentence), (kind, code)
            assert _CHINESE.search(tables.in_language(sentence, "zh")), (kind, code)
            assert not _CHINESE.search(str(sentence))


def test_every_code_the_api_may_give_is_in_the_catalogue() -> None:
    found = errors.catalogue()
    document = SchemaGenerator().get_schema(request=None, public=True)
    assert {code for code, _ in problems.kinds()} <= words.PROBLEMS.keys()
    assert client.codes(document) <= words.PROBLEMS.keys()
    assert set(found["trouble"]) == {*Trouble.values, errors.OTHERWISE}
    for table in (CONSULT, APPLY_TOKEN):
        for code in _failing(table):
            assert str(found["authorization"][code]) == binding.text_of(code)
    for table in (PAY, PAYMENT_RESULT, NOTIFY_PAYMENT):
        for code in _failing(table):
            text, action = paying.said_of(code, table[code].advice)
            said = found["payment"].get(f"{code}/{action}") or found["payment"][code]
            assert str(said) == text
    assert str(found["payment"]["CANCELLED/retry"]) == paying.CANCELLED_UNPAID[0]
    assert str(found["payment"]["CANCELLED/ask_merchant"]) == paying.CANCELLED_PAID[0]


def _failing(table: object) -> Iterator[str]:
    assert isinstance(table, dict)
    return (code for code, row in table.items() if row.outcome is Outcome.FAIL)


def test_every_word_of_the_pages_is_said_somewhere(texts: dict[str, str]) -> None:
    code = "\n".join(text for name, text in texts.items() if name.startswith(("pages/", "lib/")))
    for section, sentences in words.PAGES.items():
        if section in ("intervals", "limits", "months"):
            continue
        for name in sentences:
            is_step = section == "binding" and name in ("opening", "linking", "checking")
            assert is_step or re.search(rf"\.{name}\b", code), f"nobody says {section}.{name}"


def test_pages_have_no_words_of_their_own(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        if name.endswith(".axml"):
            shown = re.sub(r"\{\{[^}]*\}\}|<[^>]*>", " ", text)
            assert re.findall(r"[A-Za-z]{2,}", shown) == [], name


# Secrets.


def test_nothing_of_the_acquirers_is_in_it(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        if not name.endswith(".md"):
            for word in ("accessToken", "access_token", "userId", "user_id", "customerId", "refreshToken", "mk_"):
                assert word not in text, (name, word)


# The command.


def render(*arguments: str) -> str:
    """What the command says."""
    said = io.StringIO()
    call_command("miniprogram", *arguments, stdout=said)
    return said.getvalue()


def refused(*arguments: str) -> str:
    """Why it does not, and that it ends with 2."""
    with pytest.raises(CommandError) as refusal:
        render(*arguments)
    assert refusal.value.returncode == 2
    return str(refusal.value)


def test_the_command_renders_for_the_only_account(account: AcquirerAccount, tmp_path: Path) -> None:
    folder = tmp_path / "kit"
    said = render(str(folder), "--portal-url", "https://shop.example/", "--language", "zh-hans")
    assert said.startswith("A mini program of Sandbox for https://shop.example: ")
    assert "It runs in GCash, DANA, Touch'n Go eWallet, Kakao Pay, TrueMoney Wallet, AlipayHK, Alipay." in said
    assert "LOCAL.md" not in said
    environment = (folder / "environment.js").read_text()
    assert 'SERVER = "https://shop.example";' in environment
    assert 'ACCOUNT = "";' in environment
    assert [tab["name"] for tab in json.loads((folder / "app.json").read_text())["tabBar"]["items"]][:1] == ["商店"]
    readme = (folder / "README.md").read_text()
    assert "| Server Domains | `shop.example` |" in readme
    assert "| GCash | `GCASH` | PHP |" in readme
    assert "| WAP URLs | `shop.example` |" in readme  # Alipay China is contracted
    count = int(said.partition(" files in ")[0].rpartition(" ")[2])
    assert count == len([path for path in folder.rglob("*") if path.is_file()])


def test_a_portal_without_https_is_told_where_to_read_on(account: AcquirerAccount, tmp_path: Path) -> None:
    assert "a phone will not ask it" in render(str(tmp_path / "kit"), "--portal-url", "http://localhost:8000")


def test_of_several_accounts_one_must_be_named(account: AcquirerAccount, tmp_path: Path) -> None:
    AcquirerAccount.objects.create(name="Other", slug="other", gateway_url="https://x.example", client_id="c")
    assert refused(str(tmp_path / "kit")) == "Say for which account: --account with one of other, sandbox."
    assert "There is no acquirer account none." in refused(str(tmp_path / "kit"), "--account", "none")
    assert "No contracted wallet runs mini programs yet" in render(str(tmp_path / "kit"), "--account", "other")
    assert 'ACCOUNT = "other";' in (tmp_path / "kit" / "environment.js").read_text()


def test_a_folder_that_is_not_empty_is_left_as_it_is(account: AcquirerAccount, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    assert refused(str(tmp_path)) == f"{tmp_path} is not empty: nothing was written. Name a new or empty folder."
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    file = tmp_path / "mine.txt"
    assert refused(str(file)) == f"{file} is no folder: nothing was written. Name a new or empty folder."
    assert refused(str(file / "kit")).startswith(f"{file / 'kit'} cannot be ")


@pytest.mark.parametrize(
    "url", ["shop.example", "ftp://shop.example", "https://shop.example/?a=1", "https://u:p@s.example"]
)
def test_an_address_that_is_none_is_refused(account: AcquirerAccount, tmp_path: Path, url: str) -> None:
    assert refused(str(tmp_path / "kit"), "--portal-url", url).startswith("--portal-url: ")
    assert not (tmp_path / "kit").exists()
