"""Everything that may happen in a history, each a sentence that says what became of it.

An act that is refused is refused in words (PortalError, or a problem at the API's door), which is an ordinary end; any
other exception is a failure of the history. Acts of staff pass the permission the desk asks for (``portal.roles``).
"""

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from authorizations import operations as binding
from authorizations.models import Authorization, Buyer, WalletAccount
from authorizations.states import Messenger
from payments import operations as paying
from payments.customs.promising import CURRENCY
from payments.models import Cycle, Declaration, Order, Payment, Refund
from payments.states import PaymentStatus, ReasonCode
from payments.subscriptions.operations import pay_by_hand
from portal import clock, inbox, work
from portal.acquirer.results import Secret
from portal.actor import Actor
from portal.errors import PortalError
from portal.models import Notification
from portal.money import Money
from portal.sandbox.authorizations import LinkUnusable, UnbindingRefused
from portal.simulation.breaking import something_breaks
from portal.simulation.deciding import (
    a_policy_changes,
    gives_back_all_day,
    goes_back,
    many_are_prepared,
    many_go_on,
    somebody,
    somebody_decides,
    somebody_reviews,
    who_approved_is_slow,
)
from portal.simulation.declaring import amends, asks_what_customs_says, declares, sees_the_papers, sets_the_rule
from portal.simulation.doors import Asked
from portal.simulation.draining import an_account_is_drained
from portal.simulation.mischief import (
    a_message_is_forged,
    somebody_sits_in_the_line,
    the_acquirer_says_pending,
    the_line_is_cut,
    the_receiver_breaks,
)
from portal.simulation.settling import reports_are_imported, something_is_planted
from portal.simulation.stage import PHONE, PORTAL, WALLETS
from portal.simulation.subscribing import is_charged_again, subscribes, thinks_again
from portal.simulation.world import World, made_by

NOBODY_ELSES = "nobody else's"
ONCE = "every message counts once"
REFUSALS = (PortalError, LinkUnusable, UnbindingRefused)
_PICKS_ANOTHER = 0.1
"""How often the buyer picks another wallet on a page that shows several."""
_LONGEST_LEAP_DAYS = 400


# Buyers, in their mini program and in their wallets.


def asks_to_bind(world: World, rng: random.Random) -> str:
    """A buyer asks to bind a wallet."""
    buyer, wallet = rng.choice(world.buyers), rng.choice(list(WALLETS))
    if rng.random() < 0.4:
        token = world.session_of(buyer)
        body = {"wallet": wallet, "terminal_type": "MINI_APP", "os_type": "ANDROID"}
        answer = world.doors.ask(Asked("POST", "/authorizations", token, body, ""))
        if answer.status == 401:
            del world.sessions[buyer.pk]
        if answer.is_good:
            world.expected.append("decides")
        return f"{buyer} asks to bind {wallet}: {answer.word}"
    found = binding.begin(
        buyer, wallet, terminal=PHONE, redirect_url=f"{PORTAL}/return/{{authorization}}", by=_as(buyer)
    )
    world.expected.append("decides")
    return f"{buyer} asks to bind {wallet}: {found.status}"


def decides(world: World, rng: random.Random) -> str:
    """A buyer agrees or refuses on the wallet's page; the code comes back at once, later, twice, or never."""
    attempt = world.some(rng, Authorization, "status = 'OFFERED'")
    if attempt is None:
        return ""
    if rng.random() < 0.15:
        back = world.engine.refuse(attempt.auth_url).return_url
        if rng.random() < 0.7:
            world.doors.browse(back)
        return f"{attempt.buyer} refuses {attempt.wallet}"
    picked = rng.choice(list(WALLETS)) if rng.random() < _PICKS_ANOTHER else attempt.wallet
    decision = world.engine.agree(attempt.auth_url, attempt.buyer.reference, picked)
    if rng.random() < 0.85:
        world.codes.append((attempt.pk, decision.auth_code or "", decision.return_url))
        world.expected += ["brings a code", "brings a code"]
    return f"{attempt.buyer} agrees to {attempt.wallet}"


def brings_a_code(world: World, rng: random.Random) -> str:
    """A code comes by callback or redirect: in any order, late, twice, for another's attempt or under a wrong state."""
    if world.is_overtaking and world.brought and rng.random() < 0.6:
        pk, code, back = world.brought[-1]  # by callback, while the redirect is still on its way
    elif world.codes:
        position = rng.randrange(len(world.codes))
        pk, code, back = world.codes[position]
        world.brought.append(world.codes[position])
        if rng.random() < 0.7:
            world.codes.pop(position)
    else:
        return ""
    attempt = Authorization.objects.select_related("buyer", "account").get(pk=pk)
    kind = rng.random()
    if kind < 0.1:
        return _brings_to_a_stranger(world, rng, attempt, code)
    if kind < 0.4:
        status = world.doors.browse(back)
        return f"{attempt.buyer} returns from {attempt.wallet}: {status}"
    if kind < 0.6:
        body = {"auth_code": code, "auth_state": attempt.auth_state}
        answer = world.doors.ask(
            Asked("POST", f"/authorizations/{attempt.public_id}/code", world.session_of(attempt.buyer), body, "")
        )
        if answer.status == 401:
            del world.sessions[attempt.buyer_id]
        return f"{attempt.buyer} brings a code: {answer.word}"
    found = binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
    return f"{attempt.buyer} brings a code: {found.status}"


def _brings_to_a_stranger(world: World, rng: random.Random, attempt: Authorization, code: str) -> str:
    """A code is brought to somebody else's attempt. Of a code nobody used yet, the acquirer itself cannot tell whose
    it is; what keeps them apart is the authState, which a stranger does not know."""
    other = world.some(rng, Authorization, "status = 'OFFERED' AND buyer_id <> %s", [attempt.buyer_id])
    if other is None:
        return ""
    is_used = Authorization.objects.filter(pk=attempt.pk).exclude(auth_code_index="").exists()
    state = other.auth_state if is_used and rng.random() < 0.5 else attempt.auth_state
    body = {"auth_code": code, "auth_state": state}
    path = f"/authorizations/{other.public_id}/code"
    answer = world.doors.ask(Asked("POST", path, world.session_of(other.buyer), body, ""))
    if answer.is_good and answer.word == "BOUND":
        world.seen.append((NOBODY_ELSES, f"{other.buyer} bound a wallet with a code of {attempt.buyer}"))
    return f"{other.buyer} brings a code of {attempt.buyer}: {answer.word}"


def orders(world: World, rng: random.Random) -> str:
    """Something is ordered: by the merchant's server at an amount it names, or by a buyer at its price."""
    buyer = rng.choice(world.buyers)
    bound = world.some(rng, WalletAccount, "buyer_id = %s AND status = 'ACTIVE'", [buyer.pk])
    currency = WALLETS[bound.wallet if bound is not None and rng.random() < 0.9 else rng.choice(list(WALLETS))]
    kind = rng.random()
    if kind < 0.15:
        body: dict[str, Any] = {"items": [{"sku": "pass", "quantity": rng.randrange(1, 4)}], "currency": currency}
        answer = world.posts(rng, buyer, world.session_of(buyer), "/orders", body)
        return f"{buyer} orders in {currency}: {answer.word}"
    amount = _amount(rng, currency)
    if kind < 0.3:
        wire = {"value": str(amount.value), "currency": currency}
        body = {"customer": buyer.reference, "amount": wire, "description": "Something"}
        answer = world.posts(rng, buyer, world.key_of(buyer), "/orders", body)
        return f"the shop orders {amount} for {buyer}: {answer.word}"
    by = Actor.merchant_server("simulate")
    order = paying.place_merchant_order(buyer, amount, description="Something", reference="", by=by)
    return f"{buyer} orders for {order.amount}"


def _amount(rng: random.Random, currency: str) -> Money:
    units = rng.randrange(400, 2000)
    return Money(units * {"KRW": 1, "IDR": 100_00}.get(currency, 100), currency)


def pays(world: World, rng: random.Random) -> str:
    """A buyer presses Pay, on any order, with any wallet; sometimes with somebody else's."""
    order = world.some(rng, Order, "status = 'INIT'") if rng.random() < 0.9 else world.some(rng, Order)
    if order is None:
        return ""
    wallets = [wallet for wallet, currency in WALLETS.items() if currency == order.currency]
    own = "buyer_id = %s" if rng.random() < 0.92 else "buyer_id <> %s"
    of_this_kind = f"wallet = %s AND {own}"
    wallet = world.some(rng, WalletAccount, f"{of_this_kind} AND status = 'ACTIVE'", [wallets[0], order.buyer_id])
    if order.currency == CURRENCY:
        world.expected += ["declares", "declares"]
    if wallet is None and rng.random() < 0.3:
        wallet = world.some(rng, WalletAccount, of_this_kind, [wallets[0], order.buyer_id])
    if wallet is None:
        return ""
    if rng.random() < 0.3:
        token = world.session_of(order.buyer) if rng.random() < 0.7 else world.key_of(order.buyer)
        body = {"wallet_id": wallet.public_id, "os_type": "ANDROID"}
        answer = world.posts(rng, order.buyer, token, f"/orders/{order.number}/pay", body)
        if answer.is_good and wallet.buyer_id != order.buyer_id:
            world.seen.append((NOBODY_ELSES, f"{order.buyer} paid with a wallet of {wallet.buyer}"))
        return f"{order.buyer} pays {order.amount}: {answer.word}"
    cycle = Cycle.objects.filter(order=order).values_list("pk", flat=True).first()
    pay = paying.pay if cycle is None else partial(pay_by_hand, cycle)
    payment = pay(order, wallet, by=_as(order.buyer), terminal=PHONE)
    if payment.result_code == "PAYMENT_IN_PROCESS":
        world.expected[:0] = ("the acquirer says pending", "a message arrives")  # before it is over
    return f"{order.buyer} pays {order.amount}: {payment.status} {payment.result_code}".strip()


def presses_twice(world: World, rng: random.Random) -> str:
    """A request comes again with its Idempotency-Key, as it was, or with another body."""
    if not world.sent:
        return ""
    asked, made = world.sent[-1] if rng.random() < 0.5 else rng.choice(world.sent)
    if rng.random() < 0.2:
        other = Asked(asked.method, asked.path, asked.token, {**(asked.body or {}), "note": "x"}, asked.key)
        answer = world.doors.ask(other)
        if answer.is_good:
            world.seen.append((ONCE, f"one key carried out two requests at {asked.path}"))
        return f"a key comes with another request: {answer.word}"
    answer = world.doors.ask(asked)
    if answer.is_good and (made_by(answer) != made or not answer.is_replay):
        world.seen.append((ONCE, f"a repeated request at {asked.path} was carried out again"))
    return f"a request comes again: {answer.word}"


def calls_off(world: World, rng: random.Random) -> str:
    """An order is called off: by its buyer, by the shop's server, or at the desk."""
    order = world.some(rng, Order, "status = 'INIT'") if rng.random() < 0.5 else world.some(rng, Order)
    if order is None:
        return ""
    kind = rng.random()
    if kind < 0.5:
        token = world.session_of(order.buyer) if kind < 0.2 else world.key_of(order.buyer)
        answer = world.posts(rng, order.buyer, token, f"/orders/{order.number}/cancel", {})
        return f"the order of {order.amount} is called off: {answer.word}"
    done = paying.withdraw(order, by=somebody(world, rng, "payments.act_withdraw"))
    return f"the order of {order.amount} is withdrawn: {done.status}"


def revokes(world: World, rng: random.Random) -> str:
    """A binding is ended: by its buyer, or at the desk."""
    wallet = world.some(rng, WalletAccount, "status NOT IN ('REVOKED', 'REPLACED')")
    if wallet is None:
        return ""
    if rng.random() < 0.5:
        token = world.session_of(wallet.buyer)
        answer = world.posts(rng, wallet.buyer, token, f"/wallets/{wallet.public_id}/revoke", {})
        return f"{wallet.buyer} revokes {wallet}: {answer.word}"
    done = binding.revoke(wallet, by=somebody(world, rng, "authorizations.act_revoke"))
    return f"{wallet} of {wallet.buyer} is revoked: {done.status}"


def ends_in_the_wallet(world: World, rng: random.Random) -> str:
    """A buyer ends a binding in the wallet's own app."""
    bound = world.some(rng, WalletAccount)
    if bound is None:
        return ""
    ended = world.engine.revoke_in_the_wallet(bound.buyer.reference, bound.wallet, bound.account.client_id)
    return f"{bound.buyer} ends {bound.wallet} in the wallet" if ended else ""


def tries_a_door(world: World, rng: random.Random) -> str:
    """Somebody asks for what is another's: a buyer for another buyer's, a merchant for another merchant's, nobody for
    anything. What is got that way breaks a promise at once."""
    buyer = rng.choice(world.buyers)
    is_merchant = rng.random() < 0.4
    foreign = "account_id <> %s" if is_merchant else "buyer_id <> %s"
    who = [buyer.account_id if is_merchant else buyer.pk]
    token = world.key_of(buyer) if is_merchant else world.session_of(buyer)
    name = f"the shop of {buyer}" if is_merchant else str(buyer)
    kind = rng.random()
    if kind < 0.1:
        token, name = rng.choice(("", "mk_stolen", "bs_stolen", "no token at all")), "a stranger"
    method, path, body = _a_foreign_door(world, rng, foreign, who)
    if not path:
        return ""
    answer = world.doors.ask(
        Asked(method, path, token, body, f"{rng.getrandbits(64):016x}" if body is not None else "")
    )
    if answer.is_good:
        world.seen.append((NOBODY_ELSES, f"{name} got {answer.status} at {method} {path}"))
    return f"{name} tries a door of another's: {answer.word}"


def _a_foreign_door(
    world: World, rng: random.Random, foreign: str, who: list[int]
) -> tuple[str, str, dict[str, Any] | None]:
    kind = rng.randrange(10)
    # A wallet is its buyer's merchant's, through whichever account it is bound.
    foreign_buyer = f"buyer_id IN (SELECT id FROM authorizations_buyer WHERE {foreign.replace('buyer_id', 'id')})"  # noqa: S608
    if kind < 6:
        order = world.some(rng, Order, foreign, who)
        if order is None:
            return "", "", None
        path = f"/orders/{order.number}"
        if kind == 0:
            return "GET", path, None
        if kind == 1:
            return "POST", f"{path}/cancel", {}
        if kind == 2:
            amount = {"value": str(order.amount_value), "currency": order.currency}
            return "POST", f"{path}/refunds", {"amount": amount}
        if kind == 3:
            return "POST", f"{path}/declarations", {}
        wallet = world.some(rng, WalletAccount, "status = 'ACTIVE'")
        if wallet is None:
            return "", "", None
        return "POST", f"{path}/pay", {"wallet_id": wallet.public_id, "os_type": "IOS"}
    if kind == 6:
        attempt = world.some(rng, Authorization, foreign_buyer, who)
        return ("GET", f"/authorizations/{attempt.public_id}", None) if attempt is not None else ("", "", None)
    if kind == 7:
        refund = world.some(rng, Refund, f"payment_id IN ({_PAYMENTS_OF} {foreign})", who)
        return ("GET", f"/refunds/{refund.refund_request_id}", None) if refund is not None else ("", "", None)
    if kind == 8:
        said = world.some(rng, Declaration, f"payment_id IN ({_PAYMENTS_OF} {foreign})", who)
        return ("GET", f"/declarations/{said.declaration_request_id}", None) if said is not None else ("", "", None)
    wallet = world.some(rng, WalletAccount, foreign_buyer, who)
    return ("POST", f"/wallets/{wallet.public_id}/revoke", {}) if wallet is not None else ("", "", None)


_PAYMENTS_OF = (
    "SELECT payments_payment.id FROM payments_payment "
    "JOIN payments_order ON payments_order.id = payments_payment.order_id WHERE"
)


def lists_things(world: World, rng: random.Random) -> str:
    """A caller lists orders or wallets, and finds its own and no other."""
    buyer = rng.choice(world.buyers)
    is_merchant = rng.random() < 0.3
    token = world.key_of(buyer) if is_merchant else world.session_of(buyer)
    what, word = rng.choice((("orders", "number"), ("wallets", "id")))
    answer = world.doors.ask(Asked("GET", f"/{what}", token, None, ""))
    if answer.status == 401:
        del world.sessions[buyer.pk]
        return ""
    model, column = (Order, "number") if what == "orders" else (WalletAccount, "public_id")
    rows: Any = model.objects
    own = rows.filter(buyer__account_id=buyer.account_id) if is_merchant else rows.filter(buyer=buyer)
    strange = {item[word] for item in answer.body["items"]} - set(own.values_list(column, flat=True))
    if strange:
        world.seen.append((NOBODY_ELSES, f"{buyer} sees {what} of another's: {', '.join(sorted(strange))}"))
    return f"{buyer} lists {what}: {len(answer.body['items'])}"


# Staff, at the desk.


def refunds(world: World, rng: random.Random) -> str:
    """Some or all of a payment goes back by refund: at the desk, or by the shop's server."""
    payment = world.some(rng, Payment, "status = 'SUCCEEDED'")
    if payment is None:
        return ""
    whole = payment.amount_value
    value = whole if rng.random() < 0.35 else max(1, int(whole * rng.random() * 1.2))
    if payment.currency == "IDR":
        value = max(100, value // 100 * 100)
    amount = Money(value, payment.currency)
    if rng.random() < 0.25:
        body = {"amount": {"value": str(value), "currency": payment.currency}}
        buyer = payment.order.buyer
        answer = world.posts(rng, buyer, world.key_of(buyer), f"/orders/{payment.order.number}/refunds", body)
        return f"the shop refunds {amount} of {payment.amount}: {answer.word}"
    by = somebody(world, rng, "payments.act_refund")
    refund, asked = goes_back(
        world,
        payment,
        lambda: amount,
        by,
        lambda: paying.refund(payment, amount, by=by, reason_code=ReasonCode.BUYER_REQUEST),
    )
    if refund is None:
        return asked
    return f"refund of {amount} of {payment.amount}: {refund.status} {refund.result_code}".strip()


def cancels(world: World, rng: random.Random) -> str:
    """A payment is cancelled at the desk."""
    payment = world.some(rng, Payment, "status IN ('PROCESSING', 'SUCCEEDED')")
    if payment is None:
        return ""
    by = somebody(world, rng, "payments.act_cancel")
    cancel, asked = goes_back(
        world,
        payment,
        lambda: payment.amount,
        by,
        lambda: paying.cancel(payment, by=by, reason_code=ReasonCode.BUYER_REQUEST),
    )
    if cancel is None:
        return asked
    return f"cancel of {payment.amount}: {cancel.status} {cancel.result_code}".strip()


def gives_back(world: World, rng: random.Random) -> str:
    """The money goes back, whichever way."""
    payment = world.some(rng, Payment)
    if payment is None:
        return ""
    by = somebody(world, rng, "payments.act_give_back")
    done, asked = goes_back(
        world,
        payment,
        lambda: payment.refundable if payment.status == PaymentStatus.SUCCEEDED else payment.amount,
        by,
        lambda: paying.give_money_back(payment, by=by, reason_code=ReasonCode.DUPLICATE),
    )
    if done is None:
        return asked
    return f"{payment.amount} goes back by {type(done).__name__.lower()}: {done.status}"


def it_gets_worse(world: World, rng: random.Random) -> str:
    """A refund or cancel is done and its answer lost; then the inquiry about it fails, its repetition is refused."""
    act, wanted, inquiry = rng.choice(((cancels, "cancel", "inquiryPayment"), (refunds, "refund", "inquiryRefund")))
    hits = rng.choice((1, 2))

    def after_a_loss(api: str, asked: dict[str, Any]) -> None:
        if api == wanted:
            world.line.after_a_loss = None
            # Of this wallet alone: or the questions about others would take these answers away.
            of_this = {"wallet": world.wallet_of(asked), "code": "PROCESS_FAIL"}
            world.engine.set_fault("answer_code", api=inquiry, calls=hits, **of_this)
            world.engine.set_fault("answer_code", api=wanted, **of_this)

    world.line.after_a_loss = after_a_loss
    world.engine.set_fault("answer_lost", api=wanted)
    world.faults["answer_lost"] += 1
    return f"it gets worse: {act(world, rng)}"


def asks(world: World, rng: random.Random) -> str:
    """The acquirer is asked now."""
    by = somebody(world, rng, "payments.act_ask")
    refund = world.some(rng, Refund) if rng.random() < 0.4 else None
    if refund is not None:
        return f"asked about a refund: {paying.ask_refund(refund, by=by).status}"
    payment = world.some(rng, Payment)
    return "" if payment is None else f"asked about a payment: {paying.ask(payment, by=by).status}"


def tries_a_message_again(world: World, rng: random.Random) -> str:
    """A kept message is applied once more by hand."""
    message = world.some(rng, Notification)
    if message is None:
        return ""
    somebody(world, rng, "portal.act_try_again")
    return f"a message is tried again: {inbox.try_again(message).status}"


# Machines, messages, time.


def worker_looks(world: World, rng: random.Random) -> str:
    """A worker does what is due, or some of it. Two of them meet when one overtakes the other at a seam."""
    if not world.agenda.looks_due():
        return ""
    done = len(list(itertools.islice(work.run_due(), rng.choice((1, 1, 2, 50)))))
    return f"worker: {done} rows" if done else ""


def acquirer_works(world: World, rng: random.Random) -> str:
    """The acquirer ends what is due and delivers all its messages, in order."""
    done = world.engine.tick()
    return f"acquirer: {done} things" if done else ""


def a_message_arrives(world: World, rng: random.Random) -> str:
    """One message arrives: any of those on their way, due or not; sometimes one that was acknowledged long ago."""
    world.engine.finish_due()
    if rng.random() < 0.2:
        numbers = [row[0] for row in world.engine.store.all("SELECT number FROM notifications ORDER BY number")]
    else:
        numbers = world.engine.undelivered()
    if not numbers:
        return ""
    number = rng.choice(numbers[-2:] if world.is_overtaking else numbers)
    kind = world.engine.store.value("SELECT kind FROM notifications WHERE number = ?", (number,))
    return f"{kind} {number} arrives" if world.engine.deliver_one(number) else ""


def time_passes(world: World, rng: random.Random) -> str:
    """Seconds mostly; to the next thing due; minutes, hours; now and then months."""
    kind = rng.random()
    span = timedelta(seconds=rng.randrange(1, 20))
    if kind > 0.995:
        span = timedelta(days=rng.randrange(20, _LONGEST_LEAP_DAYS))
    elif kind > 0.975:
        span = timedelta(hours=rng.randrange(6, 30))
    elif kind > 0.94:
        span = timedelta(minutes=rng.randrange(5, 90))
    elif kind > 0.5:
        upcoming = min((m for m in world.moments() if m > clock.now()), default=clock.now() + span) - clock.now()
        span = upcoming if upcoming < timedelta(minutes=6) or rng.random() < 0.1 else span
    world.clock.move(span)
    return f"time passes: {clock.now():%d %b %Y %H:%M:%S}"


def a_moment_passes(world: World, rng: random.Random) -> str:
    """The line, or a machine, is slow while something is under way: shorter than any lease."""
    world.clock.move(timedelta(seconds=rng.randrange(1, 45)))
    return f"a moment passes: {clock.now():%H:%M:%S}"


def another_worker(world: World, rng: random.Random) -> str:
    """The line is so slow that another worker looks meanwhile: what it finds is leased, however overdue it looks."""
    world.clock.move(timedelta(seconds=rng.randrange(21, 45)))
    return worker_looks(world, rng)


def _as(buyer: Buyer) -> Actor:
    return Actor.buyer(buyer.reference)


Act = Callable[[World, random.Random], str]
ACTS: dict[str, tuple[Act, int]] = {
    "asks to bind": (asks_to_bind, 3),
    "decides": (decides, 4),
    "brings a code": (brings_a_code, 4),
    "orders": (orders, 9),
    "pays": (pays, 13),
    "subscribes": (subscribes, 4),
    "thinks again": (thinks_again, 5),
    "is charged again": (is_charged_again, 4),
    "presses twice": (presses_twice, 2),
    "calls off": (calls_off, 2),
    "revokes": (revokes, 1),
    "ends in the wallet": (ends_in_the_wallet, 1),
    "tries a door": (tries_a_door, 4),
    "lists things": (lists_things, 1),
    "refunds": (refunds, 6),
    "cancels": (cancels, 3),
    "gives back": (gives_back, 2),
    "gives back all day": (gives_back_all_day, 1),
    "somebody decides": (somebody_decides, 8),
    "somebody reviews": (somebody_reviews, 1),
    "many are prepared": (many_are_prepared, 3),
    "many go on": (many_go_on, 5),
    "asks": (asks, 2),
    "sets the rule": (sets_the_rule, 2),
    "declares": (declares, 5),
    "amends": (amends, 3),
    "asks what customs says": (asks_what_customs_says, 2),
    "sees the papers": (sees_the_papers, 1),
    "a policy changes": (a_policy_changes, 2),
    "an account is drained": (an_account_is_drained, 2),
    "tries a message again": (tries_a_message_again, 1),
    "worker looks": (worker_looks, 16),
    "acquirer works": (acquirer_works, 5),
    "a message arrives": (a_message_arrives, 14),
    "time passes": (time_passes, 16),
    "something breaks": (something_breaks, 9),
    "it gets worse": (it_gets_worse, 3),
    "the line is cut": (the_line_is_cut, 1),
    "somebody sits in the line": (somebody_sits_in_the_line, 2),
    "the receiver breaks": (the_receiver_breaks, 2),
    "a message is forged": (a_message_is_forged, 2),
    "the acquirer says pending": (the_acquirer_says_pending, 2),
    "a moment passes": (a_moment_passes, 1),
    "another worker": (another_worker, 1),
    "who approved is slow": (who_approved_is_slow, 1),
    "reports are imported": (reports_are_imported, 1),
    "something is planted": (something_is_planted, 2),
}
"""What may happen, and how often."""

OVERTAKING = (
    "pays",
    "refunds",
    "cancels",
    "gives back",
    "somebody decides",
    "who approved is slow",
    "many go on",
    "asks",
    "declares",
    "amends",
    "asks what customs says",
    "revokes",
    "thinks again",
    "calls off",
    "brings a code",
    "worker looks",
    "acquirer works",
    "a message arrives",
    "reports are imported",
    "a moment passes",
    "another worker",
    "another worker",
)
"""What may run to its end while another act waits at a seam: another person, another worker, a message."""
MEETING = {"somebody decides": ("somebody decides", "who approved is slow")}
"""Where something else than the same is what most often meets it."""
