"""Second factors as rows: what somebody has, taking it from them, and encrypting it under a newer master key.

The rows are allauth's (``allauth.mfa``), which keeps everything of a factor in one JSON column and asks an adapter to
encrypt the secret parts of it (``portal.signing_in``).
"""

from typing import Any

from allauth.mfa.models import Authenticator

from portal import encryption

_PURPOSE = "mfa.Authenticator.data"
_SEALED = ("secret", "seed")
"""What of a second factor is a secret: of the authenticator app, of the recovery codes. Passkeys have none with us."""
WORDS = {
    Authenticator.Type.TOTP.value: "authenticator app",
    Authenticator.Type.WEBAUTHN.value: "passkey",
    Authenticator.Type.RECOVERY_CODES.value: "recovery code",
}


def seal(text: str) -> str:
    """A secret as the database sees it."""
    return encryption.key_ring().encrypt(text.encode(), _PURPOSE)


def unseal(stored: str) -> str:
    """The secret again. Raises Undecryptable."""
    return encryption.key_ring().decrypt(stored, _PURPOSE).decode()


def own(person: Any) -> Any:
    """The second factors of somebody, apart from the recovery codes, which are for when all of these are lost."""
    return Authenticator.objects.filter(user_id=person.pk).exclude(type=Authenticator.Type.RECOVERY_CODES)


def remove_all(person: Any) -> list[str]:
    """Take every second factor from somebody who has lost them; what they were."""
    rows = Authenticator.objects.filter(user_id=person.pk)
    found = [WORDS[factor.type] for factor in rows.order_by("pk")]
    rows.delete()
    return found


def encrypt_anew() -> int:
    """Encrypt what other keys than the current one hold; how many rows changed. Raises Undecryptable for a missing key.

    Runs beside a working portal: a row is replaced only if it is still the one that was read, so that a recovery code
    that is used meanwhile stays used. Such a row is left for the next run.
    """
    ring, changed = encryption.key_ring(), 0
    for factor in Authenticator.objects.order_by("pk"):
        new = {
            name: ring.encrypt(ring.decrypt(factor.data[name], _PURPOSE), _PURPOSE)
            for name in _SEALED
            if name in factor.data and not factor.data[name].startswith(f"{ring.current}:")
        }
        if new:
            rows = Authenticator.objects.filter(pk=factor.pk, data=factor.data)
            changed += rows.update(data={**factor.data, **new})
    return changed
