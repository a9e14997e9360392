"""Recurring charges: a buyer agrees once to a plan, and the worker charges each cycle of it, exactly once.

A ``Plan`` says what, how much and how often; a ``Subscription`` is one buyer's agreement to it, on one bound wallet; a
``Cycle`` is one date of it. The number of a cycle and its date determine each other (``calendar``), so whoever is
killed and whoever comes second find the same next cycle, and the database takes it once.

How money moves, in three steps of which each is safe to repeat::

    Subscription.due_at  ->  billing.open_cycles    one transaction for many: order, its line, cycle, and the
                                                    subscription's next date, by compare-and-set; nothing is sent
    Cycle.due_at         ->  charging.work_cycle    the ordinary ``operations.pay`` of the cycle's order
    Cycle.due_at again   ->  charging.work_cycle    what became of the order: paid, unknown still, or failed and why

Nothing here touches the wire. An order has at most one live payment (the database says so), and a cycle one order
(likewise), so a cycle is charged once whoever else tries: the worker twice, the buyer by hand, the merchant's server.

Decisions, and what they rest on:

- **The order is made when the cycle is due, not when the charge is sent.** A billing run makes orders by the thousand
  in few statements, and is paid for at the speed of the wire; stopped anywhere, either half goes on by itself.
- **A result is looked up, not called back.** Paying knows nothing of subscriptions (imports go down): the cycle's own
  due time looks at its order. Passed over: a hook in ``record_payment_result``, which every payment would pay for.
- **A failed charge is a reason, a policy and a date** (``failures``, ``policies``). What cannot succeed is not tried
  again; where the token died the buyer is waited for; the rest follows a row that people change under four eyes and
  try on the past first (``replay``).
- **An unpaid cycle ends in words**: in grace, past due, cancelled, each at a moment that is written on the row.
- **Who is paused or past due is owed nothing**: dates that pass meanwhile open no cycle, and none is made up for later.
  Undocumented by the acquirer, whose guide leaves schedules to the merchant; we choose so, because the service stops.
- **A consent that was revoked ends its subscriptions**; one that died by itself (token expired, wallet bound anew)
  does not: the charge waits for the buyer and goes on with the new token.

Source for merchant-initiated debits: https://docs.antom.com/ac/ams/payment_agreement (the buyer sees no page).
"""
