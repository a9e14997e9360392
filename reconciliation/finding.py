"""How batches, report files, single rows and bank credits are found by an id, and what a hit says about itself."""

from collections.abc import Sequence
from typing import Any

from portal.admin.display import page_of
from portal.registry import Found, Searched
from portal.words import lazy, say
from reconciliation.models import BankCredit, Batch, FileStatus, ReportFile, RowState, SettlementRow

_TONES = {RowState.MATCHED: "good", RowState.OPEN: "wait"}


def _batches(keys: Sequence[Any]) -> list[Found]:
    return [
        Found(
            label=batch.batch_id,
            url=page_of(batch),
            amount=str(batch.net) if batch.net is not None else "",
            detail=f"{batch.account} · {batch.psp} · {batch.initiated_on.isoformat()}",
        )
        for batch in Batch.objects.filter(pk__in=keys).select_related("account")
    ]


def _files(keys: Sequence[Any]) -> list[Found]:
    rows = ReportFile.objects.filter(pk__in=keys).defer("content", "preview")
    return [
        Found(
            label=file.name,
            url=page_of(file),
            state=file.get_status_display(),
            at=file.imported_at or file.tried_at,
            detail=file.title,
        )
        for file in rows
    ]


def _rows(keys: Sequence[Any]) -> list[Found]:
    # Rows of a file that is being written or taken back count for nothing.
    counting = SettlementRow.objects.filter(pk__in=keys, file__status=FileStatus.IMPORTED)
    rows = counting.select_related("file", "batch").defer("file__content", "file__preview", "file__differences")
    return [
        Found(
            label=say("{printed_type}, line {line_number}", printed_type=row.printed_type, line_number=row.line_number),
            url=page_of(row),
            amount=str(row.net if row.net is not None else row.transaction_amount or ""),
            state=row.get_state_display(),
            tone=_TONES.get(RowState(row.state), ""),
            detail=f"{row.batch or row.file}",
        )
        for row in rows
    ]


def _credits(keys: Sequence[Any]) -> list[Found]:
    return [
        Found(
            label=credit.reference,
            url=page_of(credit),
            amount=str(credit.amount),
            state=credit.get_status_display(),
            detail=f"{credit.account} · {credit.value_date.isoformat()}",
        )
        for credit in BankCredit.objects.filter(pk__in=keys).select_related("account")
    ]


SEARCHED = {
    "batches": Searched(
        kind=lazy("Settlement batches"), model=Batch, show=_batches, own=("batch_id",), prefixes=("batch_id",)
    ),
    "report files": Searched(kind=lazy("Settlement files"), model=ReportFile, show=_files, mentions=("name", "sha256")),
    "settlement rows": Searched(
        kind=lazy("Settlement rows"),
        model=SettlementRow,
        show=_rows,
        mentions=("transaction_id", "transaction_request_id", "original_transaction_request_id"),
    ),
    "bank credits": Searched(kind=lazy("Bank credits"), model=BankCredit, show=_credits, mentions=("reference",)),
}
