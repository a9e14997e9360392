"""Webhooks: telling the merchant's own systems what happened, each thing at least once, in order, in the same bytes.

What happened and the event about it are written in one transaction (``tell``), so that no event is lost when a process
dies and none is invented when a transaction is rolled back. From there on the row is the job: the worker makes a
delivery per endpoint from it, and carries each until it is taken.

Decisions, and what they rest on:

- **At least once, with a stable id.** A process may die after the receiver took an event and before we wrote that down;
  then it is sent again. The id stays, so the receiver can tell; exactly once does not exist between two machines.
- **Frozen bytes.** The body is made once, when it happened. Sent the tenth time a month later it says what was true
  then, byte for byte; what is true now is a question for the API.
- **Ordered per object.** Of one order (or wallet) the later event waits for the earlier one, endpoint by endpoint;
  other orders go on. One queue for all (which one refused event stops) and no order at all (which leaves every receiver
  to sort it out) are both worse. Each body carries its number within its object, from 1 and without gaps for those who
  listen to every kind.
- **At most one INSERT for whoever pays**, and none when nobody listens: the deliveries are made by the worker, however
  many endpoints there are. Without an endpoint an event costs one SELECT on an empty table.
- **Signed as Standard Webhooks say** (https://www.standardwebhooks.com), so that libraries to verify exist already.
- **Our own sender** (``sending``) instead of the HTTP library of the gateway: the address that was checked must be the
  address that is connected to, whatever the name resolves to a moment later.
"""

from portal.outbox.delivering import deliveries_due, endpoints_due, events_due
from portal.outbox.endpoints import (
    add,
    change,
    disable,
    let_go,
    pause,
    ping,
    resend,
    resend_all,
    resume,
    rotate_secret,
    send_to,
)
from portal.outbox.events import somebody_listens, tell
from portal.outbox.kinds import KINDS, PING, Kind

__all__ = [
    "KINDS",
    "PING",
    "Kind",
    "add",
    "change",
    "deliveries_due",
    "disable",
    "endpoints_due",
    "events_due",
    "let_go",
    "pause",
    "ping",
    "resend",
    "resend_all",
    "resume",
    "rotate_secret",
    "send_to",
    "somebody_listens",
    "tell",
]
