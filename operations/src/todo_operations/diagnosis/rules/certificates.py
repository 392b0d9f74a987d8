"""Certificates: expired, about to, not valid yet, for other names."""

from __future__ import annotations

from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.view import View, ref

_DAY = 86400
_SOON_DAYS = 14
_REMEDY = "`make up TAGS=secrets` makes the platform's certificates anew; replace one of your own."


def dates(view: View) -> Iterator[Finding]:
    for item in view.evidence.get("certificates") or []:
        about = Ref("Secret", item["namespace"], item["secret"])
        if "problem" in item:
            line = Line(str(about), item["problem"])
            sentence = f"{about} is of type TLS, but {item['problem']}."
            yield Finding("certificate-unreadable", about, sentence, _REMEDY, [line])
            continue
        line = Line(
            f"certificate in {about}",
            f"for {', '.join(item['names']) or 'no name'}, from {item['not_before']} to "
            f"{item['not_after']}",
        )
        left = -view.age(item["not_after"]) / _DAY
        if left < 0:
            sentence = f"The certificate in {about} expired {-left:.0f} days ago."
            yield Finding("certificate-expired", about, sentence, _REMEDY, [line])
        elif view.age(item["not_before"]) < 0:
            sentence = f"The certificate in {about} is not valid yet: is the machine's clock right?"
            yield Finding("certificate-not-yet-valid", about, sentence, _REMEDY, [line])
        elif left < _SOON_DAYS:
            sentence = f"The certificate in {about} expires in {left:.0f} days."
            yield Finding(
                "certificate-expiring", about, sentence, _REMEDY, [line], severity="warning"
            )


def names(view: View) -> Iterator[Finding]:
    certificates = {
        (item["namespace"], item["secret"]): item["names"]
        for item in view.evidence.get("certificates") or []
        if "names" in item
    }
    for ingress in view.asked_items("ingresses"):
        about = ref("Ingress", ingress)
        for entry in ingress["spec"].get("tls") or []:
            valid = certificates.get((about.namespace, entry.get("secretName", "")))
            for host in entry.get("hosts") or []:
                if valid is None or any(_covers(name, host) for name in valid):
                    continue
                yield Finding(
                    "certificate-wrong-name",
                    about,
                    f"{about} serves {host}, but its certificate is for {', '.join(valid)}.",
                    "set `secrets_public_names` to hold the host, then `make up TAGS=secrets`.",
                    [Line(f"certificate in Secret {entry['secretName']}", ", ".join(valid))],
                )


def _covers(name: str, host: str) -> bool:
    if name.startswith("*."):
        return host.partition(".")[2].lower() == name[2:].lower()
    return name.lower() == host.lower()


RULES = [dates, names]
