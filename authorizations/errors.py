"""What binding refuses, all before anything is sent unless said otherwise."""

from portal.errors import PortalError


class WalletNotContracted(PortalError):
    """The account has no contract for this wallet."""

    code = "wallet_not_contracted"
    sentence = "{wallet} is not offered here."


class TerminalNotServed(PortalError):
    """The payment method does not work where the buyer is."""

    code = "terminal_not_served"
    sentence = "{wallet} does not work from a {terminal} terminal."


class WalletNotActive(PortalError):
    """A debit or an act needs an active wallet."""

    code = "wallet_not_active"
    sentence = "This wallet cannot be debited: {status}. Authorize it again."


class WalletInDoubt(WalletNotActive):
    """The acquirer has refused the wallet's token, and it is being refreshed: nothing is charged until it is known."""

    code = "wallet_in_doubt"
    sentence = "The wallet is being asked whether its authorization still holds. Try again in a minute."


class AuthStateMismatch(PortalError):
    """The authState is not the one this attempt sent, or the code belongs to another attempt. Possibly a forgery."""

    code = "auth_state_mismatch"
    sentence = "This answer does not belong to this authorization. Start again."


class AuthorizationNotOpen(PortalError):
    """The attempt takes no code any more."""

    code = "authorization_not_open"
    sentence = "This authorization is over ({status}). Start a new one."


class SessionExpired(PortalError):
    """The session token is unknown, ended or too old."""

    code = "session_expired"
    sentence = "The session has ended. Open a new one."


class UnknownAccount(PortalError):
    """A login named no acquirer account of ours, or none where there are several."""

    code = "unknown_account"
    sentence = "{problem}"


class SiteNotSupported(PortalError):
    """``my.getSiteInfo`` named a super app we have no wallet for."""

    code = "site_not_supported"
    sentence = "{site_name} is not a wallet this shop knows. Open it in one of: {known}."


class LoginsOff(PortalError):
    """Sessions are opened by the merchant's server only."""

    code = "logins_off"
    sentence = "Logging in by wallet is not set up here. The merchant's server opens sessions."


class LoginRefused(PortalError):
    """The wallet does not vouch for this code."""

    code = "login_refused"
    sentence = "The wallet refused the login code ({code}). Get a new one and try again."


class LoginUnknown(PortalError):
    """The wallet gave no answer that we may believe; nobody is logged in."""

    code = "login_unknown"
    sentence = "The wallet gave no answer. Get a new login code and try again."
