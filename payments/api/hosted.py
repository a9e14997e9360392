"""The door through which a merchant's server sends a customer's browser to the hosted pages."""

from rest_framework.request import Request
from rest_framework.response import Response

from authorizations.api.callers import BuyerCaller
from payments.api import forms, shown
from payments.api.callers import orders_of
from payments.hosted.doors import link_for
from portal.api.callers import Merchant, MerchantsOnly, caller_of, one
from portal.api.doors import Door
from portal.api.fields import read_body
from portal.api.schema import MERCHANT, example, operation


class HostedPages(Door):
    """Links to the hosted pages."""

    subject = "sessions"

    @operation(
        "open_hosted_page",
        summary="Send a customer to a hosted page",
        text=(
            "For a shop without a front end of its own: a page of the customer's wallets, or the cashier of an order "
            "of theirs. Redirect the customer's browser to the `url`. There it shows one button, so that nothing that "
            "only looks at links uses it up; it is taken once, in one browser, within ten minutes. Whoever takes it "
            "acts as that customer, so hand it to nobody else."
        ),
        tag="Hosted pages",
        takes=forms.HostedPageWanted,
        answers={201: (shown.HostedPageShown, "The link, shown this once.")},
        refuses=("merchants_only", "not_found"),
        by=(MERCHANT,),
        examples=[
            example(
                "to pay an order",
                {
                    "customer": "customer-8812",
                    "order": "O20260314D9F3H7K1M5P8R2T6W0Y4",
                    "return_url": "https://shop.example/thanks",
                },
            ),
            example(
                "the link",
                {"url": "https://portal.example/pay/enter/…", "expires_at": "2026-03-14T02:51:00.000000Z"},
                status=201,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        caller = caller_of(request)
        if isinstance(caller, BuyerCaller):
            raise MerchantsOnly
        given = read_body(request, forms.HostedPageWanted)
        if "order" in given:
            theirs = orders_of(caller).filter(buyer__reference=given["customer"])
            one(theirs, "order", number=given["order"])
        url, expires_at = link_for(
            caller.account,
            given["customer"],
            opened_by=caller.key.name if isinstance(caller, Merchant) else "",
            order=given.get("order", ""),
            back=given.get("return_url", ""),
        )
        return Response(shown.HostedPageShown({"url": url, "expires_at": expires_at}).data, status=201)
