"""No secret survives, and nothing that a diagnosis needs is lost."""

from __future__ import annotations

import json

import pytest
from todo_operations.diagnosis.masking import MASK, is_secret_name, mask, mask_all

SECRETS = [
    ("TODO_DATABASE_PASSWORD=hunter2 sslmode=require", "hunter2"),
    ("could not connect: postgresql://todo:pa%40ss@postgres:5432/todo", "pa%40ss"),
    ("redis://:only-a-password@cache:6379", "only-a-password"),
    ("host=db user=todo password='it is secret' port=5432", "it is secret"),
    ('{"level": "INFO", "api_key": "abc def", "n": 1}', "abc def"),
    (json.dumps({"message": json.dumps({"password": "inner-one"})}), "inner-one"),
    ("Authorization: Bearer abcdefgh.ijkl", "abcdefgh"),
    ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("sent header Bearer 0123456789abcdef", "0123456789abcdef"),
    ("program --db-password s3cret --verbose", "s3cret"),
    ("program --token=s3cret", "s3cret"),
    ("redis-server --requirepass s3cret", "s3cret"),
    ("redis-server --masterauth s3cret", "s3cret"),
    ("using key sk-proj-abcdefghijklmnop", "abcdefghijklmnop"),
    ("cloning with ghp_abcdefghijklmnopqrst", "abcdefghijklmnopqrst"),
    ("aws AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    ("jwt eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1MSJ9.c2ln", "eyJzdWIiOiJ1MSJ9"),
    ("made kX3v9QmZr7LwT2bNc8YhJd5Gf1SaPe0UiOo4KlMn at start", "kX3v9QmZr7LwT2bNc8Yh"),
    (
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----",
        "MC4CAQAwBQYDK2VwBCIEIA",
    ),
    ("-----BEGIN EC PRIVATE KEY-----\\nMC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vw"),
    ("db_pass=hunter2", "hunter2"),
    ("user=todo pass=hunter2 host=db", "hunter2"),
    ("DBPASS=hunter2", "hunter2"),
    ("redis auth: hunter2", "hunter2"),
    ("{auth: hunter2, db: 1}", "hunter2"),
    ("auth=hunter2", "hunter2"),
    ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0;x=y", "c2VjcmV0"),
    ("SharedAccessKey=c2VjcmV0", "c2VjcmV0"),
    ("GET /maps?key=abcdef&q=berlin", "abcdef"),
    ("GET /blob?sv=2024&sig=abc%2Bdef&se=1", "abc%2Bdef"),
    ("PGPASSWORD=hunter2", "hunter2"),
    ("clientSecret: hunter2", "hunter2"),
    ("accessToken=hunter2 refresh", "hunter2"),
    ("Set-Cookie: todo_session=abcdef; Path=/", "abcdef"),
]

HARMLESS = [
    'password authentication failed for user "todo_backend"',
    "couldn't find key owner-password in Secret todo/todo-database",
    "MountVolume.SetUp failed: references non-existent secret key: model-api-key",
    'secret "todo-model" not found',
    "TODO_DATABASE_PASSWORD_FILE=/run/secrets/todo/database-password",
    "Failed to pull image localhost/todo/backend:3f2a9c1d8e7b6a5f4c3d2e1f0a9b8c7d",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "pod backend-7c9d8b6f5-x2x9z on node todo-1a2b3c",
    "http://mcp-server:8000/mcp",
    "TODO_OPENAI_MODEL: Field required",
    "TODO_MCP_SIGNING_KEY_FILE: Field required",
    "KEYCLOAK_HOST=keycloak",
    "MONKEY_MODE=wild",
    "AUTHOR=somebody",
    "tokenizer=fast",
    "bypass=nothing",
    "compass: north",
    "3 tests pass: all of them are green",
    "auth: user not found in the directory",
    "module auth: password authentication failed for user",
    "the key: it fits",
    "TODO_DATABASE_PASSWORD: Input should be a valid string",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secret_is_masked(text: str, secret: str) -> None:
    masked = mask(text)
    assert secret not in masked
    assert MASK in masked


@pytest.mark.parametrize("text", HARMLESS)
def test_what_a_diagnosis_needs_stays(text: str) -> None:
    assert mask(text) == text


def test_known_values_are_masked_wherever_they_stand() -> None:
    masked = mask_all({"lines": ["it said swordfish", {"deep": "swordfish!"}]}, ["swordfish"])
    assert "swordfish" not in json.dumps(masked)


@pytest.mark.parametrize(
    "name",
    [
        *("TODO_DATABASE_PASSWORD", "apiKey", "MY_TOKEN", "DB_DSN", "PGPASSWORD", "DB_PASS"),
        *("APIKEY", "ACCOUNT_KEY", "clientSecret", "REDIS_AUTH", "MYSQL_PWD", "JWT_SECRETS"),
        *("--db-password", "--requirepass", "--masterauth"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("TODO_DATABASE_HOST", "TODO_LOG_LEVEL", "TODO_PORT", "KEYCLOAK_HOST", "AUTHOR"),
        *("TOKENIZER", "COMPASS_URL", "MONKEY", "BYPASS"),
    ],
)
def test_names_of_settings(name: str) -> None:
    assert not is_secret_name(name)
