"""Explain a signed test call: who is at fault when an account does not work, and where to look.

The call asks about a payment that cannot exist. A healthy account is answered ``ORDER_NOT_EXIST``, signed by the
acquirer for our client id. Everything else has a finding: a short code for programs and a sentence for a person.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from portal.acquirer import Credentials, Diagnosis, signing
from portal.acquirer.errors import AcquirerError
from portal.acquirer.meanings import Meaning
from portal.acquirer.results import SignatureVerdict, WireExchange

EXPECTED = "ORDER_NOT_EXIST"
CLOCK_TOLERANCE = timedelta(seconds=60)
# Undocumented, how far request-time may be off; we choose a minute, because an Auto Debit payment lives no longer.

Finding = tuple[str, str]

_UNREACHABLE = {
    "name_not_resolved": "The host name of the gateway URL does not resolve. Check it for a typing error, and the DNS.",
    "connect_failed": "The gateway's host refuses the connection, or no way leads there. Check host and port.",
    "connect_timeout": "The gateway's host does not answer. Check the host, the firewall and the way out.",
    "tls_failed": "No trusted TLS connection: the certificate does not verify, or the port speaks no TLS.",
    "plain_http_refused": "The gateway URL begins with http:// and is not on this machine. Use https://.",
    "gateway_url_invalid": "The gateway URL is no URL of the form https://host.",
}
_NO_ANSWER = {
    "read_timeout": "The gateway took the call and did not answer in time.",
    "connection_lost": "The gateway took the call and dropped the line.",
}
_ENVIRONMENT_CODES = frozenset({"UNKNOWN_CLIENT", "CLIENT_INVALID", "INVALID_CLIENT"})


def explain(
    credentials: Credentials,
    exchange: WireExchange | None,
    failure: AcquirerError | None,
    *,
    meaning_of: Callable[[str, str], Meaning],
) -> Diagnosis:
    """The findings of a test call that was answered (``failure`` is None) or was not.

    ``meaning_of`` says what a code of an API means with this acquirer.
    """
    findings = list(_findings(credentials, exchange, failure, meaning_of))
    if failure is not None and not findings:
        findings.append(("no_verdict", f"The call failed: {failure}."))
    if findings:
        return Diagnosis(is_healthy=False, findings=tuple(findings), exchange=exchange)
    healthy = ("healthy", "The acquirer accepts our signature, and its answer is signed with the key we hold.")
    return Diagnosis(is_healthy=True, findings=(healthy,), exchange=exchange)


def _findings(
    credentials: Credentials,
    exchange: WireExchange | None,
    failure: AcquirerError | None,
    meaning_of: Callable[[str, str], Meaning],
) -> Iterator[Finding]:
    yield from _gateway_url(credentials)
    yield from _keys(credentials)
    if failure is not None and failure.code in _UNREACHABLE:
        yield "unreachable", _UNREACHABLE[failure.code]
    elif failure is not None and failure.code in _NO_ANSWER:
        yield "no_answer", _NO_ANSWER[failure.code]
    elif failure is not None and failure.code == "credentials_not_sendable":
        yield "credentials_invalid", "The client id or the key version has characters that no header carries."
    elif exchange is not None and exchange.http_status is not None:
        yield from _answer(credentials, exchange, failure, meaning_of)


def _gateway_url(credentials: Credentials) -> Iterator[Finding]:
    try:
        path = urlsplit(credentials.gateway_url).path.strip("/")
    except ValueError:
        return  # said by the call itself
    if path:
        yield (
            "wrong_environment",
            (
                f"The gateway URL ends in “/{path}”. Give scheme and host alone: the path follows from the client id "
                "(SANDBOX_… uses the sandbox's)."
            ),
        )


def _keys(credentials: Credentials) -> Iterator[Finding]:
    try:
        own = signing.load_private_key(credentials.private_key_pem.reveal()).public_key()
    except signing.KeyUnreadable as reason:
        yield "own_key_unreadable", f"Our private key cannot be read. {reason}"
        return
    if not credentials.acquirer_keys:
        yield "acquirer_key_missing", "No public key of the acquirer is stored, so no answer can be believed."
    for version, text in credentials.acquirer_keys.items():
        try:
            theirs = signing.load_public_key(text)
        except signing.KeyUnreadable as reason:
            yield "acquirer_key_unreadable", f"The acquirer's key version {version} cannot be read. {reason}"
            continue
        if signing.public_bare(theirs) == signing.public_bare(own):
            yield (
                "own_key_as_acquirer_key",
                (
                    f"What is stored as the acquirer's key version {version} is our own public key. Paste the key the "
                    "acquirer's dashboard shows after ours was uploaded."
                ),
            )


def _answer(
    credentials: Credentials,
    exchange: WireExchange,
    failure: AcquirerError | None,
    meaning_of: Callable[[str, str], Meaning],
) -> Iterator[Finding]:
    if failure is not None and failure.code == "http_status":
        yield (
            "unexpected_status",
            (
                f"The answer has HTTP status {exchange.http_status}; the gateway always answers 200. Perhaps this is "
                "another server, or a proxy on the way."
            ),
        )
    elif not exchange.result_status:
        yield (
            "not_the_gateway",
            ("The answer is no result of this protocol. Perhaps the gateway URL is another server's."),
        )
    yield from _code(exchange, meaning_of)
    yield from _signature(credentials, exchange)
    yield from _clock(exchange)


def _code(exchange: WireExchange, meaning_of: Callable[[str, str], Meaning]) -> Iterator[Finding]:
    code = exchange.result_code
    meaning, _ = meaning_of(code, exchange.api)
    if code == "INVALID_SIGNATURE":
        yield (
            "signature_refused",
            (
                "The acquirer refuses our signature. The public key uploaded for this client id, in this "
                f"environment and under key version {_own_version(exchange)}, does not belong to our private key. "
                "Upload ours again."
            ),
        )
    elif code in _ENVIRONMENT_CODES:
        yield (
            "wrong_environment",
            (
                f"{code}: the acquirer does not know this client id here. Sandbox client ids begin with "
                "SANDBOX_, and each region has its own host."
            ),
        )
    elif code == "NO_INTERFACE_DEF":
        yield (
            "wrong_environment",
            (
                f"{code}: there is nothing at {urlsplit(exchange.url).path}. "
                "The host may be another product's or region's."
            ),
        )
    elif code == "KEY_NOT_FOUND":
        yield "key_not_found", f"{code}: our public key was not uploaded for this client id yet."
    elif code == "REQUEST_TRAFFIC_EXCEED_LIMIT":
        yield "throttled", f"{code}: too many calls just now. Test again in a minute."
    elif code and code != EXPECTED:
        yield "unexpected_answer", f"{code}: {meaning}"


def _signature(credentials: Credentials, exchange: WireExchange) -> Iterator[Finding]:
    headers = {name.lower(): value for name, value in exchange.response_headers.items()}
    answered_as = headers.get("client-id", "")
    if exchange.verdict is SignatureVerdict.MISSING and exchange.result_code not in ("", "INVALID_SIGNATURE"):
        yield (
            "answer_unsigned",
            ("The answer carries no signature, so it may be anybody's. The portal believes none such."),
        )
    if answered_as and answered_as != credentials.client_id:
        yield "answer_client_differs", f"The answer is for client id {answered_as[:64]}, not ours."
    if exchange.verdict not in (SignatureVerdict.WRONG, SignatureVerdict.UNKNOWN_KEY):
        return
    header = signing.parse_header(headers.get("signature", ""))
    signature, version = header.get("signature", ""), header.get("keyVersion", "")
    held = ", ".join(credentials.acquirer_keys) or "none"
    content = _content(exchange, headers)
    verifying = _version_that_verifies(credentials, content, signature)
    if verifying is not None:
        yield (
            "answer_key_version_differs",
            (
                f"The answer says key version {version or '(none)'}, and verifies with the key stored as {verifying}: "
                "store that key under the version the acquirer uses."
            ),
        )
    elif exchange.verdict is SignatureVerdict.UNKNOWN_KEY:
        yield (
            "answer_key_version_unknown",
            (
                f"The answer is signed with key version {version}; we hold {held}. "
                "Paste the acquirer's key of that version."
            ),
        )
    elif part := _part_that_differs(credentials, exchange, headers, signature):
        yield "answer_content_differs", f"The key is right, but the answer was signed over another {part}."
    else:
        yield (
            "answer_signed_with_another_key",
            (
                f"The answer's signature verifies with no key we hold ({held}), whatever part of it is exchanged. "
                "Paste the acquirer's public key of this environment: test and live have different ones."
            ),
        )


def _part_that_differs(
    credentials: Credentials, exchange: WireExchange, headers: dict[str, str], signature: str
) -> str:
    """Which one part, put differently, makes the signature verify: what a proxy or a setting has changed."""
    path = urlsplit(exchange.url).path
    prefix = urlsplit(credentials.gateway_url).path.rstrip("/")
    request_time = {name.lower(): value for name, value in exchange.request_headers.items()}.get("request-time", "")
    body = exchange.response_body
    tried = {
        "client id": _content(exchange, headers | {"client-id": credentials.client_id}),
        "time": _content(exchange, headers | {"response-time": request_time}),
        "path (without the gateway URL's own)": _content(exchange, headers, path=path.removeprefix(prefix)),
        "path (production instead of sandbox)": _content(
            exchange, headers, path=path.replace("/ams/sandbox/api/", "/ams/api/", 1)
        ),
        "body (white space at its ends)": _content(exchange, headers, body=body.strip()),
    }
    for part, content in tried.items():
        if _version_that_verifies(credentials, content, signature) is not None:
            return part
    return ""


def _content(
    exchange: WireExchange, headers: dict[str, str], *, path: str | None = None, body: bytes | None = None
) -> bytes:
    return signing.content_to_sign(
        "POST",
        urlsplit(exchange.url).path if path is None else path,
        headers.get("client-id", ""),
        headers.get("response-time", ""),
        exchange.response_body if body is None else body,
    )


def _version_that_verifies(credentials: Credentials, content: bytes, signature: str) -> str | None:
    for version, text in credentials.acquirer_keys.items():
        try:
            key = signing.load_public_key(text)
        except signing.KeyUnreadable:
            continue
        if signing.verify(key, content, signature):
            return version
    return None


def _clock(exchange: WireExchange) -> Iterator[Finding]:
    """How far our clock is from theirs, taken at the middle of the call."""
    headers = {name.lower(): value for name, value in exchange.response_headers.items()}
    try:
        theirs = datetime.fromisoformat(headers.get("response-time", ""))
    except ValueError:
        return
    if theirs.utcoffset() is None:
        return
    ours = exchange.sent_at + timedelta(milliseconds=exchange.duration_ms / 2)
    ahead = ours - theirs
    if abs(ahead) > CLOCK_TOLERANCE:
        way = "ahead of" if ahead > timedelta(0) else "behind"
        yield "clock_skew", f"Our clock is {abs(ahead).total_seconds():.0f} s {way} the acquirer's. Set it by NTP."


def _own_version(exchange: WireExchange) -> str:
    headers = {name.lower(): value for name, value in exchange.request_headers.items()}
    return signing.parse_header(headers.get("signature", "")).get("keyVersion", "")
