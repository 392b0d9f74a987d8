"""Autoscalers that cannot scale."""

from __future__ import annotations

import re
from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.rules.remedies import value
from todo_operations.diagnosis.view import View, ref

_NO_REQUEST = re.compile(r"missing request for (?P<what>\w+)")
_NOT_YET = re.compile(r"no metrics returned|did not receive metrics")
# Seconds after which a new pod has metrics; until then no metrics are no fault.
_PATIENCE = 120


def not_scaling(view: View) -> Iterator[Finding]:
    served = view.evidence.get("metrics_api") or []
    # Neither False nor absent: it could not be asked.
    down = [item for item in served if item["status"] != "True"]
    for autoscaler in view.asked_items("autoscalers"):
        about = ref("HorizontalPodAutoscaler", autoscaler)
        target = autoscaler["spec"]["scaleTargetRef"]
        for condition in (autoscaler.get("status") or {}).get("conditions") or []:
            if condition["status"] != "False":
                continue
            message = str(condition.get("message", ""))
            line = Line(f"condition {condition['type']} of {about}", message)
            if condition.get("reason") == "FailedGetScale":
                yield Finding(
                    "autoscaler-target-missing",
                    about,
                    f"{about} scales {target['kind']} {target['name']}, which does not exist.",
                    "correct its scaleTargetRef, or release the workload: `make up`.",
                    [line],
                )
            elif found := _NO_REQUEST.search(message):
                owner = Ref(target["kind"], about.namespace, target["name"])
                yield Finding(
                    "autoscaler-without-request",
                    about,
                    f"{about} cannot reckon a share of {found['what']}: {owner} requests none.",
                    f"{value(view, owner, 'resources.requests.' + found['what'])}.",
                    [line],
                )
            elif condition["type"] == "ScalingActive" and "FailedGet" in condition["reason"]:
                age = view.age(autoscaler["metadata"]["creationTimestamp"])
                if not down and _NOT_YET.search(message) and age < _PATIENCE:
                    continue
                evidence = [line]
                evidence += [
                    Line(
                        "APIService v1beta1.metrics.k8s.io", f"{item['reason']}: {item['message']}"
                    )
                    for item in down
                ]
                yield Finding(
                    "metrics-unavailable",
                    about,
                    f"{about} gets no metrics, so it does not scale.",
                    ("`make up TAGS=minikube` brings" if view.is_minikube else "bring")
                    + " the metrics server back; `kubectl get pods -n kube-system` shows whether "
                    "it runs.",
                    evidence,
                    confidence="certain" if down else "likely",
                )


RULES = [not_scaling]
