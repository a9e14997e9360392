"""What the two acquirers' contracts say differently about the same acts."""

from dataclasses import dataclass
from decimal import Decimal

ANTOM = "antom"
ALIPAYPLUS = "alipayplus"
PROTOCOLS = (ANTOM, ALIPAYPLUS)
TITLES = {ANTOM: "Antom", ALIPAYPLUS: "Alipay+"}


@dataclass(frozen=True)
class Terms:
    """One acquirer's terms."""

    refunds_at_the_paid_rate: bool
    """False: a refund takes the rate of its own day."""
    service_fee_rate: Decimal
    """The acquirer's own part beside the wallet's fee; a refund does not give it back, a cancel does."""
    refund_days: int | None
    """None: each wallet's own."""
    repeats_a_token: bool
    """A code just exchanged is answered with the same pair again for some minutes, against a lost answer."""
    cancels_whatever_the_status: bool
    """A failed payment too, counted from when it was asked for, and never after it was cleared."""


TERMS = {
    ANTOM: Terms(
        refunds_at_the_paid_rate=False,
        service_fee_rate=Decimal(0),
        refund_days=None,
        repeats_a_token=False,
        cancels_whatever_the_status=False,
    ),
    # The rate of the service fee is in each contract; we choose a small one, so that both fees can be told apart.
    ALIPAYPLUS: Terms(
        refunds_at_the_paid_rate=True,
        service_fee_rate=Decimal("0.004"),
        refund_days=365,
        repeats_a_token=True,
        cancels_whatever_the_status=True,
    ),
}
