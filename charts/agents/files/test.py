"""The agents are there and have their tools: the server is ready and each agent shows its card."""

import json
import os
import urllib.request

URL = os.environ["AGENTS_URL"]


def get(path: str) -> dict[str, object]:
    with urllib.request.urlopen(URL + path, timeout=10) as response:  # noqa: S310 - ours
        found: dict[str, object] = json.load(response)
        return found


if get("/readyz") != {"tools": "ok"}:
    raise SystemExit("the tool server does not answer")
for name in os.environ["AGENTS"].split(","):
    card = get(f"/api/a2a/{os.environ['NAMESPACE']}/{name}/.well-known/agent-card.json")
    if card["name"] != name.replace("-", "_"):
        raise SystemExit(f"{name} shows the card of {card['name']}")
    print(f"agents: {name} is there")
