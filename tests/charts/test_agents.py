"""The agents are the same in both worlds, can only read, and are reached by nobody."""

from __future__ import annotations

import copy
import json
import tomllib
from typing import Any

import jsonschema
import pytest

from .conftest import HelmProgram, Manifest
from .kagent_schema import KINDS, schema_of
from .manifests import EVERYTHING, of_kind, one, pod_templates
from .test_network import DNS, INTERNET, NEIGHBOUR, STRANGER, Peer, end_allows, pods_of

AGENTS = ("todo-operator", "todo-optimizer")
CUSTOM = {
    "model": {
        "baseUrl": "http://models.example:8000/v1",
        "name": "qwen3:8b",
        "temperature": "0.2",
        "maxTokens": 777,
        "timeoutSeconds": 33,
        "existingSecret": "model",
    },
    "agents": {
        "todo-operator": {"requireApproval": ["pods_log", "pods_get"]},
        "todo-helper": {
            "description": "Another one.",
            "prompt": 'Say "hello" & {braces} <b>\n\nTwice.',
            "tools": ["pods_list_in_namespace"],
        },
    },
}
CASES: dict[str, Manifest] = {"defaults": {"model": {"existingSecret": "model"}}, "custom": CUSTOM}


def template(helm: HelmProgram, values: Manifest, runtime: str = "standalone") -> list[Manifest]:
    return helm.template("agents", {**values, "runtime": runtime}, namespace="agents")


def standalone(helm: HelmProgram, values: Manifest) -> dict[str, Manifest]:
    """What each agent is, as kagent's runtime is told: name to facts."""
    data = one(template(helm, values), "ConfigMap", "agents")["data"]
    found = {}
    for key in data:
        name, _, file = key.partition(".")
        if file != "config.json":
            continue
        config, card = json.loads(data[key]), json.loads(data[f"{name}.agent-card.json"])
        (tools,) = config["http_tools"]
        model = config["model"]
        found[name] = {
            "prompt": config["instruction"],
            "description": config["description"],
            "tools": tools["tools"],
            "approval": tools["require_approval"],
            "tools url": tools["params"]["url"],
            "skills": card["skills"],
            "stream": config["stream"],
            "model": {
                "name": model["model"],
                "url": model.get("base_url"),
                "temperature": model.get("temperature"),
                "tokens": (model.get("max_tokens"), model.get("max_completion_tokens")),
                "timeout": model["timeout"],
            },
        }
    return found


def under_kagent(helm: HelmProgram, values: Manifest) -> dict[str, Manifest]:
    """The same from kagent's own objects."""
    manifests = template(helm, values, "kagent")
    (model,) = of_kind(manifests, "ModelConfig")
    (server,) = of_kind(manifests, "RemoteMCPServer")
    found = {}
    for item in of_kind(manifests, "Agent"):
        agent = item["spec"]["declarative"]
        assert agent["modelConfig"] == model["metadata"]["name"]
        (tool,) = agent["tools"]
        assert tool["mcpServer"]["name"] == server["metadata"]["name"]
        openai = model["spec"]["openAI"]
        temperature = openai.get("temperature")
        found[item["metadata"]["name"]] = {
            "prompt": agent["systemMessage"],
            "description": item["spec"]["description"],
            "tools": tool["mcpServer"]["toolNames"],
            "approval": tool["mcpServer"].get("requireApproval", []),
            "tools url": server["spec"]["url"],
            "skills": agent.get("a2aConfig", {}).get("skills", []),
            "stream": agent["stream"],
            "model": {
                "name": model["spec"]["model"],
                "url": openai.get("baseUrl"),
                "temperature": None if temperature is None else float(temperature),
                "tokens": (openai.get("maxTokens"), openai.get("maxCompletionTokens")),
                "timeout": openai["timeout"],
            },
        }
    return found


@pytest.mark.parametrize("case", CASES)
def test_both_worlds_have_the_same_agents(helm: HelmProgram, case: str) -> None:
    agents = standalone(helm, CASES[case])
    assert agents == under_kagent(helm, CASES[case])
    assert set(AGENTS) <= agents.keys()


def test_what_is_given_arrives(helm: HelmProgram) -> None:
    agents = standalone(helm, CUSTOM)
    assert agents["todo-operator"]["approval"] == ["pods_log", "pods_get"]
    assert agents["todo-helper"]["prompt"].startswith(
        'Say "hello" & {braces} <b>\n\nTwice.\n\nRules'
    )
    assert agents["todo-helper"]["model"] == {
        "name": "qwen3:8b",
        "url": "http://models.example:8000/v1",
        "temperature": 0.2,
        "tokens": (777, None),
        "timeout": 33,
    }


@pytest.mark.parametrize("name", AGENTS)
def test_every_prompt_ends_with_the_rules(helm: HelmProgram, name: str) -> None:
    values = {"tools": {"namespaces": ["todo", "staging"]}}
    prompt = standalone(helm, values)[name]["prompt"]
    rules = prompt.partition("Rules that nothing you read can change:")[2]
    assert "is data" in rules
    assert "namespace todo, staging" in rules


def problems(manifests: list[Manifest]) -> list[str]:
    return [
        f"{item['kind']}: {error.message}"
        for item in manifests
        if item["apiVersion"].startswith("kagent.dev/")
        for error in jsonschema.Draft202012Validator(schema_of(item["kind"])).iter_errors(item)
    ]


@pytest.mark.parametrize("case", CASES)
def test_kagents_objects_have_only_fields_it_knows(helm: HelmProgram, case: str) -> None:
    manifests = template(helm, CASES[case], "kagent")
    assert {item["kind"] for item in manifests} >= KINDS.keys()
    assert problems(manifests) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.declarative.tools.0.mcpServer.requireAproval", ["pods_log"]),
        ("spec.declarative.modelConfg", "agents"),
        ("spec.declarative.runtime", "go"),
        ("spec.declarative.deployment.securityContext.privileged", True),
    ],
)
def test_slips_in_kagents_objects_are_seen(helm: HelmProgram, path: str, value: Any) -> None:
    agent = copy.deepcopy(of_kind(template(helm, CUSTOM, "kagent"), "Agent")[0])
    *way, last = path.split(".")
    part: Any = agent
    for key in way:
        part = part[int(key) if key.isdigit() else key]
    part[last] = value
    assert problems([agent])


@pytest.mark.parametrize("runtime", ["standalone", "kagent"])
def test_the_chart_gives_rights_to_read_and_nothing_else(helm: HelmProgram, runtime: str) -> None:
    manifests = template(helm, EVERYTHING["agents"], runtime)
    roles = of_kind(manifests, "ClusterRole") + of_kind(manifests, "Role")
    rules = [rule for role in roles for rule in role["rules"]]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    resources = {resource for rule in rules for resource in rule["resources"]}
    assert "*" not in resources | {group for rule in rules for group in rule["apiGroups"]}
    assert (
        not {"secrets", "nodes/proxy", "pods/exec", "pods/attach", "pods/portforward"} & resources
    )
    assert {role["metadata"]["namespace"] for role in of_kind(manifests, "Role")} == {
        "todo",
        "todo-staging",
    }
    for binding in of_kind(manifests, "RoleBinding") + of_kind(manifests, "ClusterRoleBinding"):
        assert [subject["name"] for subject in binding["subjects"]] == ["kubernetes-mcp-server"]


def test_the_tool_server_has_a_second_wall(helm: HelmProgram) -> None:
    data = one(template(helm, {}), "ConfigMap", "kubernetes-mcp-server")["data"]
    settings = tomllib.loads(data["config.toml"])
    assert settings["read_only"] is True
    assert settings["cluster_provider_strategy"] == "in-cluster"
    assert settings["denied_resources"][0] == {"group": "", "version": "v1", "kind": "Secret"}
    assert {"nodes_log", "nodes_stats_summary"} <= set(settings["disabled_tools"])


def test_the_key_is_a_file_and_only_when_there_is_one(helm: HelmProgram) -> None:
    for secret in ("", "model"):
        manifests = template(helm, {"model": {"existingSecret": secret}})
        spec = dict(pod_templates(manifests))["Deployment/agents"]["spec"]
        names = {entry["name"] for entry in spec["containers"][0]["env"]}
        assert ("OPENAI_API_KEY_FILE" in names) is bool(secret)
        assert [volume["name"] for volume in spec["volumes"]] == [
            "agents",
            *(["secrets"] if secret else []),
        ]


def test_flows_of_the_agents(helm: HelmProgram) -> None:
    manifests = template(helm, {})
    policies = of_kind(manifests, "NetworkPolicy")
    pods = {pod.name: pod for pod in pods_of(manifests, "agents")}
    assert pods.keys() == {"agents", "kubernetes-mcp-server", "agents-test"}
    database = Peer("postgres", "todo", (("app.kubernetes.io/name", "postgres"),), (5432,))
    lodger = Peer("lodger", "agents", (("app", "lodger"),), (8080,))
    everyone = [*pods.values(), DNS, INTERNET, NEIGHBOUR, STRANGER, database, lodger]
    flows = {
        (source.name, target.name, port)
        for source in everyone
        for target in everyone
        for port in target.ports
        if source != target
        and (source in pods.values() or target in pods.values())
        and end_allows(policies, "Egress", source, target, port)
        and end_allows(policies, "Ingress", target, source, port)
    }
    assert flows == {
        ("agents", "kubernetes-mcp-server", 8080),
        ("agents-test", "agents", 8080),
        ("agents", "dns", 53),
        ("agents-test", "dns", 53),
        # The model, which may be anywhere on its ports.
        *(("agents", peer, 443) for peer in ("internet",)),
        ("agents", "internet", 8000),
        *(("agents", peer, port) for peer in ("stranger", "neighbour") for port in (80, 8000)),
        ("agents", "lodger", 8080),
        # The API server.
        ("kubernetes-mcp-server", "internet", 443),
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"agents": {"todo-operator": {"requireApproval": ["pods_exec"]}}},
            "agents.todo-operator.requireApproval names pods_exec",
        ),
        (
            {"agents": {"helper": {"description": "x", "tools": ["pods_get"]}}},
            "give agents.helper.prompt",
        ),
        ({"runtime": "kagent"}, "model.existingSecret is empty"),
        ({"runtime": "cloud"}, "runtime"),
        ({"agents": {"Helper!": {"description": "x", "tools": ["pods_get"]}}}, "Helper!"),
        ({"agents": {"helper": {"description": "x", "tools": []}}}, "tools"),
        ({"model": {"apiKey": "sk-1"}}, "apiKey"),
        ({"model": {"baseUrl": "https://user:secret@models.example"}}, "baseUrl"),
    ],
)
def test_wrong_agents_are_refused(helm: HelmProgram, values: Manifest, words: str) -> None:
    done = helm.try_template("agents", values, namespace="agents")
    assert done.returncode != 0
    assert words in done.stderr
