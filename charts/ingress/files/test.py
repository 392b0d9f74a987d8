"""The routes do their job: each path reaches its service under the public host name."""

import os
import urllib.error
import urllib.request


def get(path: str) -> tuple[int, str, str]:
    """Return status, content type and body of a GET through the ingress controller."""
    request = urllib.request.Request(  # noqa: S310 - the address is ours
        os.environ["INGRESS_URL"] + path, headers={"Host": os.environ["PUBLIC_HOST"]}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
            return response.status, response.headers["Content-Type"] or "", response.read().decode()
    except urllib.error.HTTPError as error:
        return (
            error.code,
            error.headers["Content-Type"] or "",
            error.read().decode(errors="replace"),
        )


def check(path: str, status: int, content_type: str) -> None:
    found = get(path)
    if found[0] != status or content_type not in found[1]:
        raise SystemExit(f"GET {path} answered {found}, expected {status} and {content_type}")


check("/", 200, "text/html")
check("/api/readyz", 200, "json")
check("/api/auth/me", 401, "problem+json")
# The prefix is a path, not a string.
check("/apiary", 404, "text/html")
check("/mcp", 401 if os.environ["MCP_PUBLIC"] == "true" else 404, "")
print("ingress: every route reaches its service")
