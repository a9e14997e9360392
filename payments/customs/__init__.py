"""Goods declared to China customs: what was paid by Alipay, told to a customs office through the acquirer.

A ``Declaration`` is one declarationRequestId: a part of a payment, or all of it, for one customs office. A
``CustomsRule`` says what of an account is declared by itself. Two verdicts are apart: whether the acquirer took the
call, and, later, what customs says.

    payment is paid      promising.promise_by_rule   the row, in the transaction that records the success;
    or somebody wants it declaring.declare           or in one of its own; either way the amount is reserved
    Declaration.due_at   sending.send                the call: taken, turned down, or unknown
    Declaration.due_at   asking.ask_together         ten ids a question: what customs says, or that nobody knows of it
    a person             amending.amend              the same id again, with other contents, five minutes on

Decisions, and what they rest on:

- **The amount is reserved on the payment with the promise**, like that of a refund, and released only when the acquirer
  has turned the declaration down. What customs refused still counts at the acquirer, so it stays reserved; it is
  mended by an amendment, which "does not add to" the total.
- **A rule is looked at where a payment in CNY succeeds**, which costs every other payment one comparison. Passed over:
  a rule that is due each minute and searches for payments, which is late, and a second truth about what it has seen.
- **An unknown declaration is asked about, an unknown amendment is sent again.** inquiryDeclarationRequests does not
  show all that an amendment can change; but of the same contents under the same id the page says that they change
  nothing when they had arrived, and are taken when they had not.
- **The buyer's certificate is on the declaration alone**, encrypted; it leaves by the wire and by the one act that
  reveals it.

Sources: https://docs.antom.com/ac/ams/declare, https://docs.antom.com/ac/ams/inquirydeclare
"""
