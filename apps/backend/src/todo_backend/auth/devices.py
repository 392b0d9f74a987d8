"""Browsers that have signed in to an account before, told by a cookie.

Wrong passwords make everybody wait who signs in to an account from elsewhere, but not these
browsers: each has a count of its own. Otherwise whoever knows an address could keep its owner
out. (OWASP: "Slow Down Online Guessing Attacks with Device Cookies".)
"""

from __future__ import annotations

import hashlib
import hmac

from todo_core.identity import digest, new_secret

# The most that browsers keep a cookie.
DEVICE_DAYS = 400


def new_device(password_hash: str) -> str:
    """Return what a browser shows from now on. A new password forgets all browsers."""
    name = new_secret()
    return f"{name}.{_signature(name, password_hash)}"


def known_device(shown: str, password_hash: str) -> bytes | None:
    """Return the key of the browser's own count; None when it never signed in to the account."""
    name, _, signature = shown.partition(".")
    # As bytes: a cookie may hold characters that text is not compared with.
    right = _signature(name, password_hash).encode()
    known = hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), right)
    return digest(name) if known else None


def _signature(name: str, password_hash: str) -> str:
    key = password_hash.encode()
    return hmac.new(key, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
