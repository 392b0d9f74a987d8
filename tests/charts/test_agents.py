"""The agents are the same in both worlds, can only read, and are reached by nobody."""

from __future__ import annotations

import copy
import importlib.util
import json
import sys
import tomllib
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock, patch

import jsonschema
import pytest

from .conftest import ROOT, HelmProgram, Manifest
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
TODO_TOOLS = {
    "enabled": True,
    "existingSecret": "todo-token",
    "tools": ["list_tasks", "add_task"],
    "requireApproval": ["add_task"],
}
WITH_TODO: Manifest = {"model": {"existingSecret": "model"}, "todoTools": TODO_TOOLS}
CASES: dict[str, Manifest] = {
    "defaults": {"model": {"existingSecret": "model"}},
    "custom": CUSTOM,
    "todo": WITH_TODO,
}


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
        tools, *others = config["http_tools"]
        model = config["model"]
        found[name] = {
            "prompt": config["instruction"],
            "description": config["description"],
            "tools": tools["tools"],
            "approval": tools["require_approval"],
            "tools url": tools["params"]["url"],
            "others": [
                (item["params"]["url"], item["tools"], item["require_approval"]) for item in others
            ],
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
    servers = {item["metadata"]["name"]: item for item in of_kind(manifests, "RemoteMCPServer")}
    server = servers["kubernetes-mcp-server"]
    found = {}
    for item in of_kind(manifests, "Agent"):
        agent = item["spec"]["declarative"]
        assert agent["modelConfig"] == model["metadata"]["name"]
        tool, *others = agent["tools"]
        assert tool["mcpServer"]["name"] == server["metadata"]["name"]
        openai = model["spec"]["openAI"]
        temperature = openai.get("temperature")
        found[item["metadata"]["name"]] = {
            "prompt": agent["systemMessage"],
            "description": item["spec"]["description"],
            "tools": tool["mcpServer"]["toolNames"],
            "approval": tool["mcpServer"].get("requireApproval", []),
            "tools url": server["spec"]["url"],
            "others": [
                (
                    servers[item["mcpServer"]["name"]]["spec"]["url"],
                    item["mcpServer"]["toolNames"],
                    item["mcpServer"].get("requireApproval", []),
                )
                for item in others
            ],
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


def test_the_task_tools_are_the_operators_and_off_by_default(helm: HelmProgram) -> None:
    agents = standalone(helm, WITH_TODO)
    url = "http://mcp-server.todo:8000/mcp"
    assert agents["todo-operator"]["others"] == [(url, ["list_tasks", "add_task"], ["add_task"])]
    assert agents["todo-optimizer"]["others"] == []
    assert standalone(helm, {})["todo-operator"]["others"] == []


def test_the_token_of_the_task_tools_is_only_in_its_secret(helm: HelmProgram) -> None:
    manifests = template(helm, WITH_TODO)
    data = one(manifests, "ConfigMap", "agents")["data"]
    assert "authorization" not in json.dumps(data).lower()
    spec = dict(pod_templates(manifests))["Deployment/agents"]["spec"]
    (volume,) = [item for item in spec["volumes"] if item["name"] == "todo-tools"]
    assert volume["secret"]["secretName"] == "todo-token"
    variables = {item["name"]: item.get("value") for item in spec["containers"][0]["env"]}
    mounts = {item["name"]: item["mountPath"] for item in spec["containers"][0]["volumeMounts"]}
    assert variables["AGENTS_TODO_AUTHORIZATION_FILE"] == f"{mounts['todo-tools']}/authorization"
    assert variables["AGENTS_TODO_URL"] == "http://mcp-server.todo:8000/mcp"
    server = one(template(helm, WITH_TODO, "kagent"), "RemoteMCPServer", "todo")
    source = {"type": "Secret", "name": "todo-token", "key": "authorization"}
    assert server["spec"]["headersFrom"] == [{"name": "Authorization", "valueFrom": source}]


def runtime_program() -> ModuleType:
    """images/agents/serve.py without the runtime itself, which is in its image only."""
    names = """httpx uvicorn a2a.types google.adk.agents.callback_context
        google.adk.agents.invocation_context google.adk.models.llm_request
        google.adk.models.llm_response google.adk.plugins.base_plugin kagent.adk
        starlette.applications starlette.requests starlette.responses starlette.routing"""
    stand_ins: dict[str, Any] = {name: MagicMock() for name in names.split()}
    stand_ins["google.adk.plugins.base_plugin"].BasePlugin = object
    spec = importlib.util.spec_from_file_location("serve", ROOT / "images" / "agents" / "serve.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    with patch.dict(sys.modules, stand_ins):
        spec.loader.exec_module(program)
    return program


def test_the_runtime_gives_the_token_to_the_task_tools_alone(helm: HelmProgram) -> None:
    data = one(template(helm, WITH_TODO), "ConfigMap", "agents")["data"]
    config = json.loads(data["todo-operator.config.json"])
    program = runtime_program()
    filled = program.with_header(config, "http://mcp-server.todo:8000/mcp", "Bearer made-up")
    headers = [server["params"]["headers"] for server in filled["http_tools"]]
    assert headers == [{}, {"Authorization": "Bearer made-up"}]
    plain = json.loads(data["todo-optimizer.config.json"])
    assert program.with_header(copy.deepcopy(plain), "", "") == plain


@pytest.mark.parametrize("runtime", ["standalone", "kagent"])
@pytest.mark.parametrize("switch", ["agents", "mcp-server", "both"])
def test_the_way_to_the_task_tools_needs_both_ends(
    helm: HelmProgram, runtime: str, switch: str
) -> None:
    agents = WITH_TODO if switch != "mcp-server" else {"model": {"existingSecret": "model"}}
    door = {"namespace": "agents", "controllerNamespace": "kagent"}
    server = {"agents": door} if switch != "agents" else {}
    ours = template(helm, agents, runtime)
    theirs = helm.template("mcp-server", server)
    policies = of_kind(ours, "NetworkPolicy") + of_kind(theirs, "NetworkPolicy")
    labels: tuple[tuple[str, str], ...] = (("app", "kagent"),)
    if runtime == "standalone":
        (labels,) = [pod.labels for pod in pods_of(ours, "agents") if pod.name == "agents"]
    agent = Peer("agents", "agents", labels)
    (target,) = [pod for pod in pods_of(theirs, "todo") if pod.name == "mcp-server"]
    lodger = Peer("lodger", "agents", (("app", "lodger"),))

    def comes_in(source: Peer) -> bool:
        return end_allows(policies, "Ingress", target, source, 8000)

    assert comes_in(agent) is (switch != "agents")
    assert comes_in(Peer("controller", "kagent", ())) is (switch != "agents")
    assert not comes_in(lodger)
    assert not comes_in(STRANGER)
    leaving = of_kind(template(helm, agents, runtime), "NetworkPolicy")
    assert end_allows(leaving, "Egress", agent, target, 8000) is (switch != "mcp-server")


def test_agents_call_the_task_tools_by_a_name_that_the_server_allows(helm: HelmProgram) -> None:
    (config,) = of_kind(
        helm.template("mcp-server", {"agents": {"namespace": "agents"}}), "ConfigMap"
    )
    assert "mcp-server.todo:*" in config["data"]["TODO_MCP_ALLOWED_HOSTS"].split(",")


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
        # The model, which may be anywhere on its port.
        ("agents", "internet", 443),
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
        (
            {"agents": {"helper": {"description": "x", "prompt": "x", "tools": ["pods_delete"]}}},
            "agents.helper.tools names pods_delete, which is not known to only read",
        ),
        (
            {"todoTools": {**TODO_TOOLS, "requireApproval": []}},
            "todoTools.tools names add_task, which is not known to only read",
        ),
        (
            {"todoTools": {**TODO_TOOLS, "requireApproval": ["delete_task"]}},
            "todoTools.requireApproval names delete_task",
        ),
        ({"todoTools": {**TODO_TOOLS, "existingSecret": ""}}, "todoTools.existingSecret is empty"),
        ({"todoTools": {**TODO_TOOLS, "agents": ["boss"]}}, "todoTools.agents names boss"),
        ({"todoTools": {"token": "x"}}, "token"),
        ({"todoTools": {"url": "http://user:secret@tasks"}}, "url"),
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
