"""What the doors of binding refuse, as the API says it."""

from portal.api.problems import declare

# fmt: off
declare("session_expired", 401, "Session ended", "Open a new session.")
declare("login_refused", 401, "Login refused", "Get a new code by my.getAuthCode, then open a session with it.")
declare("login_unknown", 503, "Wallet unreachable", "Nobody is logged in. Get a new code and try again.")
declare("logins_off", 403, "No login by wallet", "The merchant's server opens sessions, with its merchant key.")
declare("buyers_only", 403, "For a buyer's session only", "Send the session token of a buyer.")
declare("unknown_account", 422, "Unknown account", "Say which of the merchant's accounts, by its short name.")
declare("site_not_supported", 422, "Wallet not supported", "Say that the shop is not available in this wallet yet.")
declare("wallet_not_contracted", 422, "Wallet not offered", "Offer one of GET payment-methods.")
declare("terminal_not_served", 422, "Terminal not served", "Offer one of GET payment-methods, with the terminal_type.")
declare("wallet_not_active", 409, "Wallet not active", "Let the buyer authorize the wallet again, or choose another.")
declare("wallet_in_doubt", 409, "Wallet in doubt", "Try again in a minute, or let the buyer authorize again.")
declare("auth_state_mismatch", 422, "Answer of another authorization",
        "Begin a new authorization; this code belongs to another one, or was forged.")
declare("authorization_not_open", 409, "Authorization over", "Begin a new one.")
# fmt: on
