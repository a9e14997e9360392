"""What every door of the API shares: reading, refusing, limiting, paging, describing. It knows no app.

The API takes GET and POST only, since mini program containers know no other methods. A door parses, calls one
operation and answers; every refusal under ``/api/`` is an ``application/problem+json`` (RFC 9457) with a stable code.
"""
