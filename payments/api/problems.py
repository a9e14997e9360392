"""What the doors of paying refuse, as the API says it."""

from portal.api.problems import declare

# fmt: off
declare("order_not_payable", 409, "Order not payable", "Look at the order: it is paid, being paid, or closed.")
declare("payment_in_progress", 409, "Payment being confirmed", "Ask for the order until its payment is final.")
declare("order_not_withdrawable", 409, "Order not withdrawable", "Look at the order: it is closed.")
declare("order_of_subscription", 409, "Charge of a subscription", "Cancel the subscription, or let the merchant do it.")
declare("needs_merchant", 409, "The merchant's to do", "Tell the buyer to ask the merchant.")
declare("cancel_not_possible", 409, "Cancel not possible", "Refund instead, where money was paid.")
declare("refund_not_possible", 409, "Refund not possible", "The detail says why.")
declare("refund_exceeds_payment", 422, "More than is left", "Refund at most what is left of the payment.")
declare("amount_not_allowed", 422, "Amount not allowed", "The wallet or the currency does not take this amount.")
declare("wrong_currency", 422, "Another currency", "Order in the wallet's currency, or choose another wallet.")
declare("price_missing", 422, "Not sold", "Order what GET products lists, in a currency it has a price in.")
declare("subscription_not_possible", 409, "Not possible now", "Look at the subscription: the detail says why.")
declare("plan_not_offered", 422, "No such plan", "Subscribe to what GET plans lists.")
declare("amount_above_agreed", 422, "More than agreed", "Post at most what the customer agreed to.")
declare("no_such_due_date", 422, "No such due date", "Name next_on, or the due_on of a cycle that waits.")
declare("declaration_not_possible", 409, "Not to be declared", "Look at the order: the detail says why.")
declare("amendment_not_possible", 409, "Not to be transmitted again", "The detail says why.")
declare("declaration_exceeds_payment", 422, "More than is left", "Declare at most what is left of what was paid.")
# fmt: on
