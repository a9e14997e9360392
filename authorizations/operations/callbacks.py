"""A code that somebody outside brings: the mini program after ``my.signContract``, or the wallet's redirect.

Either could be forged, so the authState that comes with the code must be the one this attempt sent.
"""

import hmac

from django.db import transaction

from authorizations.errors import AuthStateMismatch
from authorizations.models import Authorization
from authorizations.operations.binding import redeem
from authorizations.states import Messenger
from portal import incidents
from portal.acquirer.results import Secret

FORGERY = "AUTH_STATE_MISMATCH"


def redeem_callback(
    authorization: Authorization, auth_code: Secret, auth_state: str, *, heard_from: Messenger
) -> Authorization:
    """Exchange the code for a token once its authState is verified; a wrong one is an incident and changes nothing.

    Raises AuthStateMismatch and AuthorizationNotOpen before anything is sent.
    """
    if not hmac.compare_digest(authorization.auth_state.encode(), auth_state.encode("utf-8", "replace")):
        with transaction.atomic():
            incidents.raise_incident(
                FORGERY,
                f"{heard_from.label.capitalize()} brought a code for {authorization.public_id} with a wrong authState.",
                subject=authorization,
                detail="Nothing was exchanged. Somebody may have tried to bind a wallet to another buyer.",
            )
        raise AuthStateMismatch
    return redeem(authorization, auth_code, heard_from=heard_from)
