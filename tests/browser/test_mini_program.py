"""Stories of a buyer with the mini program in the hand."""

from tests.browser.people import Phone
from tests.story import PHP


def test_a_wallet_is_bound_from_the_page_of_payment_methods(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods")
    phone.shows("Pay with GCash, in one tap")
    phone.taps("Link GCash").decides("Agree").returns()
    phone.shows("GCash is linked.").shows("Linked since 2 March 2026")
