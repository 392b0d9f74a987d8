"""The fields of kagent 0.10's objects (kagent.dev/v1alpha2) that the chart agents uses, closed.

Written by hand from the CRDs of the charts kagent-crds: a slip such as `requireAproval` would be
dropped by no one's notice in a cluster that prunes unknown fields.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
TEXT = {"type": "string", "minLength": 1}
DURATION = {"type": "string", "pattern": "^([0-9]+(ms|s|m|h))+$"}
NUMBER = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
POSITIVE = {"type": "integer", "minimum": 1}
NAMES = {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 50, "uniqueItems": True}


def closed(required: str, **properties: Any) -> Schema:
    """An object with these properties and no others; `required` names some, parted by spaces."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": properties,
    }


QUANTITIES = closed("", cpu=TEXT, memory=TEXT)
MODEL_CONFIG = closed(
    "provider model",
    provider={"enum": ["OpenAI"]},
    model=TEXT,
    apiKeySecret=NAME,
    apiKeySecretKey=TEXT,
    openAI={
        **closed(
            "",
            baseUrl={"type": "string", "pattern": "^https?://"},
            temperature=NUMBER,
            maxTokens=POSITIVE,
            maxCompletionTokens=POSITIVE,
            timeout=POSITIVE,
        ),
        # The CRD's own rule: one or the other.
        "not": {"required": ["maxTokens", "maxCompletionTokens"]},
    },
) | {"dependentRequired": {"apiKeySecret": ["apiKeySecretKey"]}}
REMOTE_MCP_SERVER = closed(
    "description url",
    description=TEXT,
    protocol={"enum": ["STREAMABLE_HTTP", "SSE"]},
    url={"type": "string", "pattern": "^https?://"},
    timeout=DURATION,
    sseReadTimeout=DURATION,
    terminateOnClose={"type": "boolean"},
    headersFrom={
        "type": "array",
        "minItems": 1,
        "items": closed(
            "name valueFrom",
            name=TEXT,
            valueFrom=closed("type name key", type={"const": "Secret"}, name=NAME, key=TEXT),
        ),
    },
    allowedNamespaces=closed("from", **{"from": {"enum": ["All", "Same", "Selector"]}}),
)
TOOL = closed(
    "type mcpServer",
    type={"enum": ["McpServer"]},
    mcpServer=closed(
        "name kind apiGroup toolNames",
        apiGroup={"const": "kagent.dev"},
        kind={"enum": ["RemoteMCPServer"]},
        name=NAME,
        toolNames=NAMES,
        requireApproval=NAMES,
    ),
)
SKILL = closed(
    "id name description tags",
    id=TEXT,
    name=TEXT,
    description=TEXT,
    tags=NAMES,
    examples=NAMES,
)
DEPLOYMENT = closed(
    "",
    replicas=POSITIVE,
    serviceAccountName=NAME,
    imagePullSecrets={"type": "array", "items": closed("name", name=NAME)},
    resources=closed("requests limits", requests=QUANTITIES, limits=QUANTITIES),
    podSecurityContext=closed(
        "",
        runAsNonRoot={"const": True},
        runAsUser={"type": "integer", "minimum": 10001},
        runAsGroup={"type": "integer", "minimum": 10001},
        fsGroup={"type": "integer", "minimum": 10001},
        seccompProfile=closed("type", type={"const": "RuntimeDefault"}),
    ),
    securityContext=closed(
        "allowPrivilegeEscalation capabilities",
        allowPrivilegeEscalation={"const": False},
        readOnlyRootFilesystem={"const": True},
        capabilities=closed("drop", drop={"const": ["ALL"]}),
    ),
)
AGENT = closed(
    "type declarative",
    type={"const": "Declarative"},
    description=TEXT,
    declarative=closed(
        "runtime modelConfig systemMessage tools",
        runtime={"enum": ["python"]},
        stream={"type": "boolean"},
        modelConfig=NAME,
        systemMessage=TEXT,
        tools={"type": "array", "items": TOOL, "minItems": 1, "maxItems": 20},
        a2aConfig=closed("skills", skills={"type": "array", "items": SKILL, "minItems": 1}),
        deployment=DEPLOYMENT,
    ),
)
KINDS = {"ModelConfig": MODEL_CONFIG, "RemoteMCPServer": REMOTE_MCP_SERVER, "Agent": AGENT}


def schema_of(kind: str) -> Schema:
    """The schema of a whole object. Raises KeyError for a kind that the chart does not use."""
    return closed(
        "apiVersion kind metadata spec",
        apiVersion={"const": "kagent.dev/v1alpha2"},
        kind={"const": kind},
        metadata=closed("name namespace labels", name=NAME, namespace=NAME, labels={}),
        spec=KINDS[kind],
    )
