"""What the invented coffee shop sells, with a price in the money of every wallet it takes."""

from payments.models import Product
from payments.operations.products import add_product
from portal.acquirer.wallets import currency_of
from portal.demonstration.installation import BY, WALLETS
from portal.models import AcquirerAccount
from portal.money import Money

# fmt: off
_COLUMNS = ("PHP",     "IDR",       "MYR",   "KRW",  "THB",     "HKD",   "CNY",   "JPY")
_GOODS: tuple[tuple[str, str, str, bool, tuple[int, ...]], ...] = (
    # sku, name, description, digital, prices in minor units
    ("KAPE-PASS",  "Monthly coffee pass", "A cup a day, in every shop, for 30 days.", True,
               (1_499_00, 399_000_00, 119_00, 35_900, 899_00,   199_00,  179_00,  3_900)),
    ("CUP",        "Flat white",          "Order ahead, pick up at the counter.", True,
               (165_00,   38_000_00,  13_50,  5_300,  110_00,   38_00,   32_00,   520)),
    ("COLD-BREW",  "Cold brew, six-pack", "Steeped for 18 hours. Keep it cold.", False,
               (690_00,   165_000_00, 54_00,  17_500, 420_00,   138_00,  118_00,  2_150)),
    ("BEANS-250",  "Barako beans, 250 g", "Batangas liberica, roasted on Tuesday.", False,
               (420_00,   98_000_00,  32_00,  10_900, 260_00,   82_00,   74_00,   1_280)),
    ("BEANS-1000", "Barako beans, 1 kg",  "The same beans, for people who share.", False,
               (1_480_00, 345_000_00, 112_00, 38_500, 910_00,   288_00,  262_00,  4_480)),
    ("CLASS",      "Latte art class",     "Two hours, eight people, one patient barista.", True,
               (1_950_00, 450_000_00, 149_00, 49_000, 1_190_00, 380_00,  338_00,  6_800)),
    ("GIFT",       "Gift card",           "For somebody who says they want nothing.", True,
               (1_000_00, 250_000_00, 80_00,  25_000, 600_00,   200_00,  180_00,  3_000)),
    ("MUG",        "Stoneware mug",       "Holds 300 ml and a bad morning.", False,
               (550_00,   129_000_00, 43_00,  14_000, 340_00,   108_00,  96_00,   1_680)),
)
# fmt: on


def stock(account: AcquirerAccount) -> list[Product]:
    """Put everything on sale, in the currencies of the account's wallets."""
    sold_in = {currency_of(wallet) for wallet in WALLETS}
    return [
        add_product(
            account,
            sku,
            name,
            description=description,
            is_digital=is_digital,
            prices={
                currency: Money(value, currency)
                for currency, value in zip(_COLUMNS, values, strict=True)
                if currency in sold_in
            },
            by=BY,
        )
        for sku, name, description, is_digital, values in _GOODS
    ]
