"""The verbs of binding: sessions, attempts, tokens. The only code here that opens transactions or calls the gateway."""

from authorizations.operations.binding import (
    account_for,
    ask_token,
    begin,
    lapse,
    receive_code,
    record_consult,
    record_token,
    redeem,
    report_failure,
)
from authorizations.operations.sessions import end_session, is_renewable, open_session, renew_session
from authorizations.operations.tokens import (
    ask_revoke,
    expire,
    record_refresh,
    record_revoke,
    refresh,
    revoke,
    token_refused,
    token_worked,
    wallet_ended,
)

__all__ = [
    "account_for",
    "ask_revoke",
    "ask_token",
    "begin",
    "end_session",
    "expire",
    "is_renewable",
    "lapse",
    "open_session",
    "receive_code",
    "record_consult",
    "record_refresh",
    "record_revoke",
    "record_token",
    "redeem",
    "refresh",
    "renew_session",
    "report_failure",
    "revoke",
    "token_refused",
    "token_worked",
    "wallet_ended",
]
