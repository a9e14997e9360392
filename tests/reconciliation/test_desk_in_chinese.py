"""The desk of reconciliation in Chinese: nothing of its pages is left in English, and what leaves the house is."""

import io
import re
import zipfile
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import override

from portal import clock, work
from portal.models import JournalEntry
from portal.money import Money
from portal.roles import FINANCE
from portal.words import told
from reconciliation import operations
from reconciliation.models import Batch, Discrepancy, Match, Period
from reconciliation.operations import Result
from reconciliation.outcomes import summed_up
from tests.desk.conftest import page_url as thing_page
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import
from tests.reconciliation.reports import row, settlement
from tests.reconciliation.test_desk import act, signed_in, words
from tests.reconciliation.test_desk_work import LIST, act_of, page_of
from tests.story import StoryClock
from tests.words.test_pages import CHINESE, english_on

MONTHS = "/admin/reconciliation/period/"
_CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def reader(books: Books) -> Client:
    """Somebody who closes the books and reads Chinese."""
    client = signed_in(FINANCE)
    client.cookies["language"] = CHINESE
    return client


def opened(reader: Client, url: str, data: dict[str, object] | None = None) -> str:
    """The words of a page on which no English sentence is left."""
    response = reader.get(url, data or {}, follow=True)
    assert response.status_code == 200, url
    left = sorted(set(english_on(response.content.decode())))
    assert not left, f"{url}: {left}"
    return words(response)


def test_every_page_and_act_of_a_discrepancy(reader: Client, books: Books, imported: Import) -> None:
    paid = books.payment("P-1", Money(1_000_00, "USD"))
    paid.order.reference = "ORD-7"
    paid.order.save()
    imported(
        settlement(
            row("PAYMENT", "X-1", "990.00", "990.00", referenceTransactionId="ORD-7"),
            row("PAYMENT", "X-2", "5.00", "5.00"),
            row("PAYMENT", "X-3", "6.00", "6.00"),
        )
    )
    one, other, third = Discrepancy.objects.order_by("row__line_number")
    operations.assign(third, None, by=BOOKKEEPER)
    assert "未结" in opened(reader, LIST)
    for name in ("take", "match", "close", "assign", "check_again", "ask", "raise_it", "write_off", "reopen"):
        opened(reader, act_of(one, name))
    for name in ("assign_chosen", "close_chosen", "write_off_chosen"):
        assert "2 项差异" in opened(reader, f"{LIST}acts/{name}/", {"chosen": [str(other.pk), str(third.pk)]})
    assert "可能归属 未自动匹配 我方 状态 金额 P-1 已支付 1,000.00 USD" in opened(reader, page_of(one))

    page = act(reader, act_of(one, "match"), "匹配", reason_code="SAME_ORDER", proposal="P-1")
    assert "该行中的 1,000.00 USD 计为已与 支付 P-1（1,000.00 USD） 匹配。" in words(page)
    assert "-10.00 USD 仍未结：该行为 990.00 USD，我方为 1,000.00 USD：少 10.00 USD。" in words(page)
    act(reader, act_of(one, "match"), "与 支付 P-1（1,000.00 USD） 匹配", reason_code="SAME_ORDER", proposal="P-1")

    left = Discrepancy.objects.get(row=one.row, closed_at=None)
    for url in (
        page_of(one),
        page_of(left),
        act_of(left, "match"),
        f"/admin/reconciliation/settlementrow/{one.row_id}/",
    ):
        opened(reader, url)
    opened(reader, f"/admin/reconciliation/settlementrow/{one.row_id}/acts/unmatch/")
    act(reader, act_of(other, "write_off"), "核销 5.00 USD", reason_code="TOO_SMALL")
    assert "作为损失或收益核销" in opened(reader, page_of(other))
    opened(reader, act_of(other, "reopen"))
    for entry in JournalEntry.objects.all():
        assert not _CHINESE.search(f"{entry.act}{entry.outcome}{entry.before}{entry.after}")
    assert not _CHINESE.search("".join(f"{each.sentence}{each.note}" for each in Discrepancy.objects.all()))
    assert Match.objects.get().is_by_hand


def test_the_bundle_for_the_acquirer_is_english(reader: Client, books: Books, imported: Import) -> None:
    books.payment("P-1", Money(100_00, "USD"))
    imported(settlement(row("PAYMENT", "P-1", "90.00", "90.00")))
    one = Discrepancy.objects.get()

    page = act(reader, act_of(one, "raise_it"), "下载材料包", reason_code="ASK")

    with zipfile.ZipFile(io.BytesIO(page.content)) as pack:
        assert "Dear colleagues" in pack.read("letter.txt").decode()
        for name in pack.namelist():
            assert not _CHINESE.search(pack.read(name).decode()), name
    assert "已提交收单机构" in opened(reader, page_of(one))


def test_a_month_before_and_after_it_is_closed(reader: Client, books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "X-1", "5.00", "5.00"), row("REFUND", "X-2", "-1.00", "-1.00")))
    period = Period.objects.get()
    page = f"{MONTHS}{period.pk}/change/"
    month = f"{period.month.year}年{period.month.month}月"
    said = opened(reader, page)
    assert month in said
    assert "2 项差异未结。" in said
    assert "缺少明细或汇总：" in said
    assert f"{month}" in opened(reader, MONTHS)
    lock = f"{MONTHS}{period.pk}/acts/lock/"
    assert "尚不能结账。" in opened(reader, lock)
    refused = act(reader, lock, f"{month}结账", reason_code="MONTH_END")
    assert f"{month}不能结账。" in words(refused)
    assert not english_on(refused.content.decode())
    opened(reader, f"{MONTHS}{period.pk}/acts/books/")
    opened(reader, "/admin/reconciliation/settlementrow/", {"month": f"{period.pk}.USD", "step": "gross"})
    opened(reader, f"/admin/reconciliation/batch/{Batch.objects.get().pk}/change/")
    for kind in ("csv", "beancount"):
        taken = act(reader, f"{MONTHS}{period.pk}/acts/books/", "下载会计分录", kind=kind)
        assert "attachment" in taken.headers["Content-Disposition"]
        assert not _CHINESE.search(taken.content.decode())
    assert JournalEntry.objects.filter(act="take the journal of a month").count() == 2


def test_what_is_missing_and_what_is_awaited(
    reader: Client, books: Books, imported: Import, story_clock: StoryClock
) -> None:
    noon = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)
    story_clock.set(noon)
    paid = books.payment("P-1", Money(100_00, "USD"))
    given_back = books.refund("R-1", paid, Money(30_00, "USD"))
    books.payment("P-2", Money(5_00, "USD"))
    imported(settlement(row("PAYMENT", "P-2", "5.00", "5.00")))
    books.payment("P-3", Money(7_00, "USD"), settlement_currency="EUR")
    story_clock.set(datetime(2026, 5, 19, tzinfo=clock.ACQUIRER_ZONE))
    work.run_all_due()
    assert Discrepancy.objects.filter(reason="MISSING").count() == 2

    page = opened(reader, "/admin/")
    assert "1 笔支付结算迟到" in page
    assert "的 EUR 结算明细" in page
    for thing in (paid, given_back, paid.order):
        assert "结算缺失" in opened(reader, thing_page(thing))
    for one in Discrepancy.objects.filter(reason="MISSING"):
        assert "没有报表列有它" in opened(reader, page_of(one))
        for name in ("close", "write_off", "reopen", "match", "check_again", "raise_it"):
            opened(reader, act_of(one, name))
    assert "尚无费率合同" in opened(reader, "/admin/reconciliation/feecontract/")
    opened(reader, "/admin/reconciliation/feecontract/acts/add/")


@pytest.mark.parametrize("result", [Result.TRIED, Result.IMPORTED])
@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 0, 0), (3, 0, 0), (1, 1, 1), (3, 2, 5)])
def test_what_an_import_comes_to_is_told_whole(result: Result, counts: tuple[int, int, int]) -> None:
    rows, open_rows, found = counts
    outcome: Any = SimpleNamespace(rows=rows, open_rows=open_rows, discrepancy_count=found)
    with override("zh-hans"):
        sentence = told(summed_up("Clearing details", outcome, result))
    assert "清算明细" in sentence
    assert not re.search("[A-Za-z]", sentence), sentence
