"""What the pages of the mini program say, and what buyers are told of refusals. Places are filled in on the phone."""

from django.utils import functional

from portal.catalogue import LIMITS_TOLD
from portal.words import lazy, told


def _told_as_ours(kept: str) -> str:
    return told(kept, is_ours=True)


_ours = functional.lazy(_told_as_ours, str)
"""For what is kept in English elsewhere in our code."""

TABS = {
    "shop": lazy("Shop"),
    "methods": lazy("Payment methods"),
    "subscriptions": lazy("Subscriptions"),
}
"""Of the tab bar: the platform shows one language, so one is chosen when the mini program is rendered."""

PAGES: dict[str, dict[str, object]] = {
    "common": {
        "loading": lazy("Loading…"),
        "tryAgain": lazy("Try again"),
        "checkAgain": lazy("Check again"),
        "back": lazy("Back to the shop"),
        "keep": lazy("Keep it"),
        "no": lazy("Not now"),
        "order": lazy("Order"),
        "notHere": lazy("We cannot take payments from this wallet yet. Sorry!"),
        "unreachable": lazy("We could not reach the shop. Check your connection and try again."),
        "oops": lazy("Something went wrong here. Please close the shop and open it again."),
        "day": lazy("{day} {month} {year}"),
    },
    "binding": {
        "opening": lazy("Opening {wallet}…"),
        "linking": lazy("Linking {wallet}…"),
        "checking": lazy("Checking with {wallet}…"),
        "linked": lazy("{wallet} is linked."),
        "outdated": lazy("Please update this app: it is too old to link automatic payments."),
        "unconfirmed": lazy("The wallet has not confirmed yet. You can check again in a moment."),
    },
    "shop": {
        "title": lazy("What would you like?"),
        "lead": lazy("Order here, and pay with one tap."),
        "empty": lazy("Nothing is for sale in this currency today."),
        "orders": lazy("Your orders"),
        "buy": lazy("Buy {name} for {price}"),
        "andMore": lazy("{start} and {count} more"),
        "returning": lazy("Money on its way back"),
        "cancelling": lazy("Being cancelled"),
        "inProgress": lazy("In progress"),
        "returned": lazy("Given back"),
        "cancelled": lazy("Cancelled"),
        "toBePaid": lazy("To be paid"),
        "partlyReturned": lazy("Partly given back"),
        "paid": lazy("Paid"),
    },
    "methods": {
        "lead": lazy("Pay with {wallet}, in one tap"),
        "once": lazy(
            "You agree once, in {wallet}. From then on {merchant} charges what you order when you press Pay, and what "
            "you subscribe to on its day."
        ),
        "noPassword": lazy("{wallet} asks for no password at each payment."),
        "limits": lazy("{wallet} lets through no more than {limits}."),
        "end": lazy("You can end this whenever you like: here, or in {wallet}."),
        "link": lazy("Link {wallet}"),
        "linkAgain": lazy("Link {wallet} again"),
        "linked": lazy("Linked"),
        "linkedSince": lazy("Linked since {since}."),
        "needsAgreement": lazy("Needs your agreement"),
        "dead": lazy("{wallet} has ended our agreement"),
        "deadText": lazy("We cannot charge it any more. Link it again to go on paying with one tap."),
        "remove": lazy("Remove {wallet}"),
        "removing": lazy("Removing…"),
        "ending": lazy("It cannot be used any more; we are waiting for the last word of {wallet}."),
        "elsewhere": lazy("Linked elsewhere"),
        "endsWithIt": lazy("This ends with it: {plans}."),
        "subscriptionsEnd": lazy("What you have subscribed to with it ends, too."),
        "removeTitle": lazy("Remove {wallet}?"),
        "removeText": lazy("We can no longer charge it. Orders you have not paid yet need another way to pay."),
        "removeYes": lazy("Remove"),
        "removed": lazy("{wallet} is removed."),
    },
    "cashier": {
        "pay": lazy("Pay {amount}"),
        "payWith": lazy("Pay with {wallet}"),
        "once": lazy(
            "Link it once: you agree in {wallet} that {merchant} charges what you order here, when you press Pay. You "
            "can end this whenever you like. Your order is kept meanwhile."
        ),
        "wallets": lazy("Pay with"),
        "none": lazy("No wallet here can pay this order."),
        "twice": lazy("Pressing Pay again cannot charge you twice."),
        "kept": lazy("Your order is kept."),
        "closed": lazy("This order is closed"),
        "closedText": lazy("Nothing was charged for it. Order again whenever you like."),
        "drop": lazy("Cancel this order"),
        "dropTitle": lazy("Cancel this order?"),
        "dropText": lazy("Nothing was charged for it."),
        "dropYes": lazy("Cancel it"),
        "dropped": lazy("The order is cancelled."),
    },
    "result": {
        "processing": lazy("Processing…"),
        "processingText": lazy("We are waiting for the wallet. Please do not pay again."),
        "later": lazy("We will inform you"),
        "laterText": lazy("The wallet has not answered yet. You need not wait here: the order shows how it ended."),
        "paid": lazy("Paid. Thank you!"),
        "paidText": lazy("{merchant} has your order."),
        "notPaid": lazy("Not paid"),
        "cancelled": lazy("Cancelled"),
        "cancelledText": lazy("Nothing was charged for this order."),
        "returned": lazy("Given back"),
        "returnedText": lazy("The money went back to your wallet."),
        "toBePaid": lazy("To be paid"),
        "toBePaidText": lazy("Nothing was charged yet."),
        "wallet": lazy("Wallet"),
        "paidOn": lazy("Paid on"),
        "number": lazy("Number"),
        "choose": lazy("Choose how to pay"),
    },
    "subscriptions": {
        "title": lazy("Your subscriptions"),
        "empty": lazy("You have none."),
        "isActive": lazy("Active"),
        "isPaused": lazy("Paused"),
        "isUnpaid": lazy("Unpaid"),
        "price": lazy("{amount} {interval}"),
        "metered": lazy("What you use, {interval}"),
        "upTo": lazy("Up to {amount} {interval}"),
        "limit": lazy("At most, in {currency}"),
        "sayLimit": lazy("Say first how much may be charged at most, such as {example}."),
        "next": lazy("Next charge: {amount} on {day}."),
        "nextUnknown": lazy("Next charge on {day}; the amount follows."),
        "noNext": lazy("Nothing is charged for now."),
        "endsWithPeriod": lazy("It ends with what is paid. Nothing more is charged."),
        "agree": lazy("Agree again"),
        "pause": lazy("Pause"),
        "paused": lazy("It is paused: nothing is charged until you resume it."),
        "resume": lazy("Resume"),
        "resumed": lazy("It goes on."),
        "end": lazy("End it"),
        "endTitle": lazy("End {plan}?"),
        "endText": lazy("Nothing more is charged from now on. What is paid is not given back by it."),
        "endYes": lazy("End it"),
        "ended": lazy("It has ended."),
        "offered": lazy("Subscribe"),
        "start": lazy("Subscribe"),
        "startTitle": lazy("Subscribe to {plan}?"),
        "startText": lazy(
            "{merchant} charges {wallet}: {price}, without asking each time. You can end it here whenever you like."
        ),
        "startMeteredText": lazy(
            "{merchant} charges {wallet} {interval} for what you use: never more than {amount} at a time, and without "
            "asking each time. You can end it here whenever you like."
        ),
        "startYes": lazy("Subscribe"),
        "started": lazy("You are subscribed."),
        "linkFirst": lazy("Link {wallet} first: it is charged on each day that is due."),
        "openMethods": lazy("Payment methods"),
    },
    "limits": {f"limit{number}": _ours(kept) for number, kept in enumerate(LIMITS_TOLD, start=1)},
    "intervals": {
        "DAY": lazy("every day"),
        "DAYS": lazy("every {count} days"),
        "WEEK": lazy("every week"),
        "WEEKS": lazy("every {count} weeks"),
        "MONTH": lazy("every month"),
        "MONTHS": lazy("every {count} months"),
        "YEAR": lazy("every year"),
        "YEARS": lazy("every {count} years"),
    },
    "months": {
        "m1": lazy("January", sense="date"),
        "m2": lazy("February", sense="date"),
        "m3": lazy("March", sense="date"),
        "m4": lazy("April", sense="date"),
        "m5": lazy("May", sense="date"),
        "m6": lazy("June", sense="date"),
        "m7": lazy("July", sense="date"),
        "m8": lazy("August", sense="date"),
        "m9": lazy("September", sense="date"),
        "m10": lazy("October", sense="date"),
        "m11": lazy("November", sense="date"),
        "m12": lazy("December", sense="date"),
    },
}

_UNCONFIRMED = lazy("The wallet has not confirmed yet. You can check again in a moment.")
SIGNING: dict[str, object] = {
    "6001": lazy("Nothing was linked."),
    "6002": lazy("There was no connection, so nothing was linked. Try again."),
    "7001": _UNCONFIRMED,
    "7002": lazy("The wallet could not link. Please try again."),
    "OTHERWISE": _UNCONFIRMED,
}
"""``error`` of ``my.signContract``. Whatever is none of these may be a success, like 7001."""

_SIGN_IN = lazy("We could not sign you in. Please try again.")
_NOT_SET_UP = lazy("The shop is not ready for this wallet yet. Please come back later.")
_NOT_THIS_WALLET = lazy("We cannot take payments from this wallet yet. Sorry!")
_MEANWHILE = lazy("Something changed meanwhile. Look again, then decide.")
_ASK_US = lazy("This cannot be done here. Please ask us.")
_OUR_MISTAKE = lazy("The shop made a mistake. Nothing was done.")
_LATER = lazy("The shop could not do this. Please try again later.")

# fmt: off
PROBLEMS: dict[str, object] = {
    # Who one is.
    "unauthenticated": _SIGN_IN, "session_expired": _SIGN_IN, "login_refused": _SIGN_IN, "login_unknown": _SIGN_IN,
    "key_unknown": _SIGN_IN,
    "logins_off": _NOT_SET_UP, "unknown_account": _NOT_SET_UP, "account_not_ready": _NOT_SET_UP,
    "buyers_only": _ASK_US, "merchants_only": _ASK_US, "not_allowed": _ASK_US, "needs_merchant":
        lazy("This order is paid. Ask us to give the money back."),
    "order_of_subscription": lazy("This is a charge of your subscription. End that, or ask us."),
    # Wallets.
    "site_not_supported": _NOT_THIS_WALLET, "wallet_not_contracted": _NOT_THIS_WALLET,
    "terminal_not_served": _NOT_THIS_WALLET,
    "wallet_not_active": lazy("This wallet cannot be charged any more. Link it again, or use another one."),
    "wallet_in_doubt": lazy("We are asking the wallet whether our agreement still holds. Try again in a minute."),
    "auth_state_mismatch":
        lazy("This answer did not belong to you, so nothing was linked. Please start again."),
    "authorization_not_open": lazy("This attempt is over. Please start again."),
    # Orders and payments.
    "order_not_payable": lazy("This order cannot be paid: it is paid, being paid, or closed."),
    "payment_in_progress": lazy("The payment is being confirmed. Please do not pay again."),
    "order_not_withdrawable": lazy("This order cannot be cancelled any more."),
    "cancel_not_possible": _ASK_US, "refund_not_possible": _ASK_US, "refund_exceeds_payment": _ASK_US,
    "amount_not_allowed": lazy("The wallet does not take this amount."),
    "wrong_currency": lazy("This wallet pays in another currency. Use another one."),
    "price_missing": lazy("This is not sold any more."),
    # Subscriptions and customs.
    "subscription_not_possible": lazy("This is not possible with the subscription now."),
    "plan_not_offered": lazy("This plan is not offered any more."),
    "amount_above_agreed": _ASK_US, "no_such_due_date": lazy("This date cannot be changed any more."),
    "declaration_not_possible": _ASK_US, "declaration_exceeds_payment": _ASK_US, "amendment_not_possible": _ASK_US,
    # Any request.
    "not_found": lazy("It is not here any more. Go back and look again."),
    "conflict": _MEANWHILE, "transition_not_allowed": _MEANWHILE, "idempotency_key_in_flight": _MEANWHILE,
    "rate_limited": lazy("That was too fast. Wait a moment, then try again."),
    "bad_request": _OUR_MISTAKE, "invalid_input": _OUR_MISTAKE, "malformed_json": _OUR_MISTAKE,
    "idempotency_key_missing": _OUR_MISTAKE, "idempotency_key_reused": _OUR_MISTAKE,
    "method_not_allowed": _OUR_MISTAKE, "not_acceptable": _OUR_MISTAKE, "too_large": _OUR_MISTAKE,
    "unsupported_media_type": _OUR_MISTAKE,
    "server_error": lazy("The shop made a mistake. Look again before you try again."),
    "unavailable": _LATER, "portal_error": _LATER,
    "OTHERWISE": _LATER,
}
# fmt: on
"""What a buyer is told of a refusal; the API's own sentence speaks to whoever writes the mini program."""
