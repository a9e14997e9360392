"""What was kept or raised in English is told again in the reader's language, and a person's own words are not."""

import re

import pytest
from django.utils import translation

from payments.errors import CancelNotPossible, RefundExceedsPayment
from portal.acquirer.antom.meanings import ELSEWHERE, MEANINGS
from portal.acquirer.wallets import WALLETS
from portal.words import counted, lazy, say, told

CHINESE = "zh-hans"


@pytest.fixture
def chinese() -> object:
    with translation.override(CHINESE):
        yield


def test_in_english_nothing_is_looked_for() -> None:
    assert told("It is closed already.") == "It is closed already."
    assert say("Give back {amount}", amount="4.99 USD") == "Give back 4.99 USD"


@pytest.mark.usefixtures("chinese")
def test_a_refusal_is_told_with_its_reason_and_the_state_in_it() -> None:
    refusal = CancelNotPossible(why="it is paid")
    assert str(refusal) == "This payment cannot be cancelled: it is paid."
    assert told(refusal) == "该支付不能撤销：已支付。"
    more = RefundExceedsPayment(amount="10.00 PHP", refundable="4.99 PHP")
    assert told(more) == "10.00 PHP 超过了还可返还的金额：剩余 4.99 PHP。"


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("code", [*sorted(MEANINGS), *sorted(ELSEWHERE)])
def test_every_result_code_says_what_it_means_and_what_to_do(code: str | tuple[str, str]) -> None:
    for sentence in MEANINGS[code] if isinstance(code, str) else ELSEWHERE[code]:
        assert re.search("[\u4e00-\u9fff]", told(sentence)), sentence


@pytest.mark.usefixtures("chinese")
def test_days_are_written_as_the_reader_does() -> None:
    assert told("the time for a refund ended 14 Mar 2026") == "退款时限已于 2026-03-14 结束"


@pytest.mark.usefixtures("chinese")
def test_several_sentences_are_told_one_by_one() -> None:
    kept = "Our status stands. Ask the acquirer now and compare."
    assert told(kept) == "我方状态不变。请立即向收单机构查询并对照。"
    assert told("Failed. We keep asking her about it.") == "Failed. We keep asking her about it."


@pytest.mark.usefixtures("chinese")
def test_a_persons_words_stay_as_they_are() -> None:
    for words in (
        "moved to Hong Kong", "ticket 12 for Ana", "Chrome on Linux is broken", "line 4 is wrong, see mail",
        "charge on Monday", "Paid, says the buyer on the phone", "PR20260302-4711", "cancel of the trip",
    ):  # fmt: skip
        assert told(words) == words
    assert told("Paused by olga. moved to Hong Kong", is_ours=True) == "由 olga 暂停。moved to Hong Kong"


@pytest.mark.usefixtures("chinese")
def test_what_only_the_code_can_have_made_is_told_however_short() -> None:
    assert told("cancel of PR20260302", is_ours=True) == "PR20260302 的撤销"
    limits = "500,000 JPY per 24 hours; 2,000,000 JPY per 30 days"
    assert told(limits, is_ours=True) == "每 24 小时 500,000 JPY; 每 30 天 2,000,000 JPY"
    assert told("Chrome on Linux", is_ours=True) == "Linux 上的 Chrome"


@pytest.mark.usefixtures("chinese")
def test_words_are_chosen_when_they_are_shown() -> None:
    label = lazy("Ends within {days} days", days=30)
    assert str(label) == "30 天内到期"
    with translation.override("en"):
        assert str(label) == "Ends within 30 days"
        assert counted("{count} day", "{count} days", 1) == "1 day"
    assert counted("{count} day", "{count} days", 2) == "2 天"


@pytest.mark.usefixtures("chinese")
def test_lists_of_what_is_known_are_joined_as_the_language_does() -> None:
    assert told("Finance or Administrator") == "财务或管理员"
    assert (
        told("above 150.00 AUD, or above 1,500.00 AUD a day", is_ours=True)
        == "高于 150.00 AUD，或每日高于 1,500.00 AUD"
    )
    assert told("Finance or somebody like that") == "Finance or somebody like that"


def test_what_is_empty_is_told_as_nothing() -> None:
    with translation.override("zh-hans"):
        for text in ("", "Above 5,000.00 PHP a second person approves"):
            assert "Content-Type" not in told(text)
        assert told("Above 5,000.00 PHP a second person approves") == "高于 5,000.00 PHP 需要第二人审批"


def test_what_was_asked_for_and_what_came_of_it_are_told() -> None:
    with translation.override("zh-hans"):
        asked = told("6,000.00 PHP goes back to GCash 63-9****31111 by refund.", is_ours=True)
        came = told("Refund of 6,000.00 PHP: unknown.", is_ours=True)
    assert not any(word in asked + came for word in ("goes back", "by refund", "Refund of", "unknown"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "690.00 PHP of 690.00 PHP went back already, or is on its way.",
            "690.00 PHP 中的 690.00 PHP 已返还，或正在返还。",
        ),
        (
            "500,000 JPY per 24 hours; 2,000,000 JPY per 30 days",
            "每 24 小时 500,000 JPY; 每 30 天 2,000,000 JPY",
        ),
        ("Settlement details: 10 rows would be imported, nothing open.", "结算明细：将导入 10 行，没有未结。"),
        ("Settlement details: 1 row imported, nothing open.", "结算明细：已导入 1 行，没有未结。"),
    ],
)
@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.usefixtures("chinese")
def test_a_sentence_is_told_as_a_whole_before_its_pieces(text: str, words: str, is_ours: bool) -> None:
    """``on its way`` is no browser on a system, and a day's limit no part of a month's."""
    assert told(text, is_ours=is_ours) == (text if " per " in text and not is_ours else words)


def test_every_limit_of_the_acquirers_table_is_told() -> None:
    limits = [wallet.limits for wallet in WALLETS.values() if wallet.limits]
    assert len(limits) > 5
    with translation.override(CHINESE):
        for text in limits:
            words = told(text, is_ours=True)
            assert not re.search(r"[a-z]", words), words
            assert re.findall(r"[\d,]+ [A-Z]{3}", words) == re.findall(r"[\d,]+ [A-Z]{3}", text)


@pytest.mark.usefixtures("chinese")
def test_what_people_are_called_is_told_in_no_language() -> None:
    assert told("Finance") == "财务"
    for name in ("finance", "support", "operator"):
        assert told(name) == name
    assert say("{owner} has it now.", owner="Support") == "目前由 Support 负责。"
