"""Accounts, sessions, personal access tokens, requests from other sites."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import psycopg
import pytest
from todo_backend.auth import passwords
from todo_backend.auth.repository import FREE_FAILURES
from todo_core.database import Database
from todo_core.identity import digest, read_by_session


def _login(client: Any, user: Any, password: str | None = None) -> Any:
    body = {"email": user.email, "password": password or user.password}
    return client.post("/api/auth/login", json=body)


def test_session_cookie_is_out_of_scripts_reach(anonymous: Any, user: Any) -> None:
    cookie = _login(anonymous, user).headers["set-cookie"].lower()
    assert cookie.startswith("todo_session=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def test_cookie_under_tls_is_bound_to_the_host(
    start_backend: Callable[..., str], user: Any
) -> None:
    with httpx2.Client(base_url=start_backend(cookie_secure=True), trust_env=False) as client:
        cookie = _login(client, user).headers["set-cookie"]
    assert cookie.startswith("__Host-todo_session=")
    assert "Secure" in cookie


def test_me_names_user_and_assistant(user: Any) -> None:
    assert user.client.get("/api/auth/me").json() == {
        "user": {"id": user.id, "email": user.email, "name": None},
        "assistant": {"name": "offline", "model": None},
    }


def test_login_replaces_the_session(user: Any) -> None:
    before = dict(user.client.cookies)
    assert _login(user.client, user).status_code == 200
    assert dict(user.client.cookies) != before
    old = user.client.get("/api/auth/me", headers={"cookie": _header(before)})
    assert old.status_code == 401


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def test_logged_out_cookie_cannot_be_replayed(user: Any) -> None:
    cookies = _header(dict(user.client.cookies))
    assert user.client.post("/api/auth/logout").status_code == 204
    assert user.client.get("/api/auth/me", headers={"cookie": cookies}).status_code == 401


def test_logout_everywhere_ends_all_sessions(anonymous: Any, user: Any) -> None:
    _login(anonymous, user)
    user.client.post("/api/auth/logout", params={"everywhere": True})
    assert anonymous.get("/api/auth/me").status_code == 401


def test_logout_ends_only_this_session(anonymous: Any, user: Any) -> None:
    _login(anonymous, user)
    user.client.post("/api/auth/logout")
    assert anonymous.get("/api/auth/me").status_code == 200


def test_taken_address_is_409_whatever_its_case(anonymous: Any, user: Any) -> None:
    body = {"email": user.email.upper(), "password": "another password"}
    response = anonymous.post("/api/auth/register", json=body)
    assert response.status_code == 409
    assert response.json()["errors"][0]["field"] == "email"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "no address", "password": "long enough password"}, "email"),
        ({"email": "a@example.com", "password": "too short"}, "password"),
        ({"email": "a@example.com", "password": "x" * 129}, "password"),
    ],
)
def test_invalid_registration_names_the_field_and_never_the_password(
    anonymous: Any, body: dict[str, str], field: str
) -> None:
    response = anonymous.post("/api/auth/register", json=body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert body["password"] not in response.text


@pytest.mark.parametrize("path", ["register", "login"])
def test_password_that_no_text_can_hold_is_422(anonymous: Any, path: str) -> None:
    body = b'{"email": "a@example.com", "password": "\\ud800aaaaaaaaaaaaaa"}'
    headers = {"content-type": "application/json"}
    response = anonymous.post(f"/api/auth/{path}", content=body, headers=headers)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["password"]


def test_wrong_password_and_unknown_address_look_the_same(anonymous: Any, user: Any) -> None:
    wrong = _login(anonymous, user, "a wrong password")
    body = {"email": "nobody@example.com", "password": "a wrong password"}
    unknown = anonymous.post("/api/auth/login", json=body)
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_repeated_failures_are_throttled_for_that_account_only(
    anonymous: Any, user: Any, stranger: Any
) -> None:
    for _ in range(FREE_FAILURES):
        assert _login(anonymous, user, "a wrong password").status_code == 401
    throttled = _login(anonymous, user)
    assert throttled.status_code == 429
    assert int(throttled.headers["retry-after"]) >= 1
    assert _login(anonymous, stranger).status_code == 200


def test_guesses_at_once_are_throttled_too(backend_url: str, user: Any) -> None:
    body = {"email": user.email, "password": "a wrong password"}

    def guess(_: int) -> int:
        url = f"{backend_url}/api/auth/login"
        return httpx2.post(url, json=body, timeout=60, trust_env=False).status_code

    with ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(guess, range(30)))
    assert sorted(statuses) == [401] * FREE_FAILURES + [429] * (30 - FREE_FAILURES)


def test_a_full_queue_counts_for_no_failure(
    anonymous: Any, user: Any, scratch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(passwords, "_PLACES", 0)
        for _ in range(FREE_FAILURES):
            for client in (anonymous, user.client):
                busy = _login(client, user)
                assert busy.status_code == 429
                assert busy.headers["retry-after"] == "2"
    with scratch.superuser() as connection:
        query = "SELECT count(*) FROM login_failures WHERE key = %s"
        assert connection.execute(query, (digest(user.email),)).fetchone() == (0,)
    for client in (anonymous, user.client):
        assert _login(client, user).status_code == 200


def test_a_stranger_cannot_keep_the_owner_out(anonymous: Any, user: Any) -> None:
    """Failures elsewhere do not count where the owner has signed in before."""
    user.client.post("/api/auth/logout")
    for _ in range(FREE_FAILURES):
        assert _login(anonymous, user, "a wrong password").status_code == 401
    assert _login(user.client, user).status_code == 200
    # And that does not give the stranger new guesses.
    assert _login(anonymous, user, "a wrong password").status_code == 429
    user.client.cookies.delete("todo_session")
    assert _login(user.client, user).status_code == 200


def test_guesses_from_a_known_browser_are_throttled_too(anonymous: Any, user: Any) -> None:
    for _ in range(FREE_FAILURES):
        assert _login(user.client, user, "a wrong password").status_code == 401
    assert _login(user.client, user).status_code == 429
    # The count is that browser's alone.
    assert _login(anonymous, user).status_code == 200


@pytest.mark.parametrize("changed", [b"", b"x", b".", b"x.\xff", b"\xed\xa0\x80.x", None])
def test_a_browser_is_known_to_its_own_account_only(
    anonymous: Any, user: Any, stranger: Any, changed: bytes | None
) -> None:
    own = stranger.client.cookies["todo_device"].encode() if changed is None else changed
    headers = {b"cookie": b"todo_device=" + own}
    body = {"email": user.email, "password": "a wrong password"}
    for _ in range(FREE_FAILURES):
        assert anonymous.post("/api/auth/login", json=body).status_code == 401
    throttled = anonymous.post("/api/auth/login", json=body, headers=headers)
    assert throttled.status_code == 429


def test_device_cookie_is_out_of_scripts_reach_and_goes_nowhere_else(
    anonymous: Any, user: Any
) -> None:
    cookie = _login(anonymous, user).headers.get_list("set-cookie")[1].lower()
    assert cookie.startswith("todo_device=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/api/auth/login" in cookie


def test_signing_in_forgets_the_failures(anonymous: Any, user: Any, scratch: Any) -> None:
    for _ in range(3):
        for _ in range(FREE_FAILURES - 1):
            assert _login(anonymous, user, "a wrong password").status_code == 401
        assert _login(anonymous, user).status_code == 200
        anonymous.cookies.clear()
    _login(anonymous, user, "a wrong password")
    failures = "SELECT count(*) FROM login_failures WHERE key = %s"
    with scratch.superuser() as connection:
        key = (digest(user.email),)
        assert connection.execute(failures, key).fetchone() == (1,)
        user.client.delete("/api/auth/me")
        assert connection.execute(failures, key).fetchone() == (0,)


def test_deleting_the_account_removes_everything(anonymous: Any, user: Any, scratch: Any) -> None:
    user.add()
    user.say("Show me all my tasks")
    token = user.token()
    assert user.client.delete("/api/auth/me").status_code == 204
    bearer = {"authorization": f"Bearer {token}"}
    assert anonymous.get(user.tasks, headers=bearer).status_code == 401
    assert _login(anonymous, user).status_code == 401
    tables = ("sessions", "access_tokens", "tasks", "conversations", "messages")
    with scratch.superuser() as connection:
        for table in tables:
            query = f"SELECT count(*) FROM {table} WHERE user_id = %s"  # noqa: S608
            assert connection.execute(query, (user.id,)).fetchone() == (0,), table


def test_secrets_are_stored_hashed(user: Any, scratch: Any) -> None:
    token = user.token()
    session = user.client.cookies["todo_session"]
    with scratch.superuser() as connection:
        rows = connection.execute(
            "SELECT t.token_hash, s.token_hash, u.password_hash FROM users u"
            " JOIN access_tokens t ON t.user_id = u.id JOIN sessions s ON s.user_id = u.id"
            " WHERE u.id = %s",
            (user.id,),
        ).fetchall()
    ((token_hash, session_hash, password_hash),) = rows
    assert (len(token_hash), len(session_hash)) == (32, 32)
    assert token.encode() not in token_hash
    assert session.encode() not in session_hash
    assert password_hash.startswith("$argon2id$")


def test_token_is_shown_once_and_can_be_revoked(anonymous: Any, user: Any) -> None:
    made = user.client.post("/api/auth/tokens", json={"name": "laptop", "expires_in_days": 7})
    token = made.json()
    bearer = {"authorization": f"Bearer {token['token']}"}
    assert anonymous.get(user.tasks, headers=bearer).status_code == 200
    (listed,) = user.client.get("/api/auth/tokens").json()["items"]
    assert "token" not in listed
    assert listed["last_used_at"] is not None
    assert user.client.delete(f"/api/auth/tokens/{token['id']}").status_code == 204
    assert anonymous.get(user.tasks, headers=bearer).status_code == 401


def test_expired_token_is_401(anonymous: Any, user: Any, scratch: Any) -> None:
    bearer = {"authorization": f"Bearer {user.token()}"}
    with scratch.superuser() as connection:
        connection.execute(
            "UPDATE access_tokens SET expires_at = now() WHERE user_id = %s", (user.id,)
        )
    assert anonymous.get(user.tasks, headers=bearer).status_code == 401


def test_reading_token_cannot_write(anonymous: Any, user: Any) -> None:
    bearer = {"authorization": f"Bearer {user.token(scopes=['todos:read'])}"}
    assert anonymous.get(user.tasks, headers=bearer).status_code == 200
    assert anonymous.post(user.tasks, json={"title": "x"}, headers=bearer).status_code == 403


def test_token_makes_no_tokens_and_deletes_no_account(anonymous: Any, user: Any) -> None:
    bearer = {"authorization": f"Bearer {user.token()}"}
    made = anonymous.post("/api/auth/tokens", json={"name": "x"}, headers=bearer)
    assert made.status_code == 403
    assert anonymous.delete("/api/auth/me", headers=bearer).status_code == 403


def test_foreign_token_cannot_be_revoked(user: Any, stranger: Any) -> None:
    made = stranger.client.post("/api/auth/tokens", json={"name": "laptop"}).json()
    assert user.client.delete(f"/api/auth/tokens/{made['id']}").status_code == 404
    assert len(stranger.client.get("/api/auth/tokens").json()["items"]) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://localhost:8080", "sec-fetch-site": "same-origin"}, 201),
        ({"sec-fetch-site": "same-origin"}, 201),
        ({}, 201),
    ],
)
def test_unsafe_requests_from_other_sites_are_refused(
    user: Any, headers: dict[str, str], status: int
) -> None:
    response = user.client.post(user.tasks, json={"title": "x"}, headers=headers)
    assert response.status_code == status
    assert len(user.list()) == (1 if status == 201 else 0)


def test_form_of_another_site_is_no_json(user: Any) -> None:
    response = user.client.post(
        user.tasks, content=b'{"title": "x"}', headers={"content-type": "text/plain"}
    )
    assert response.status_code == 422


def test_a_session_chosen_by_somebody_else_is_not_taken_over(anonymous: Any, user: Any) -> None:
    """Fixation: whoever planted a cookie must not find it signed in afterwards."""
    planted = {"cookie": "todo_session=chosen-by-the-attacker"}
    body = {"email": user.email, "password": user.password}
    answer = anonymous.post("/api/auth/login", json=body, headers=planted)
    assert answer.status_code == 200
    assert "chosen-by-the-attacker" not in answer.headers["set-cookie"]
    anonymous.cookies.clear()
    assert anonymous.get("/api/auth/me", headers=planted).status_code == 401


def test_signing_in_over_a_strangers_session_ends_it_and_shows_only_the_new_user(
    user: Any, stranger: Any
) -> None:
    """The attacker's own session, planted in the victim's browser."""
    before = {"cookie": _header(dict(stranger.client.cookies))}
    answer = _login(stranger.client, user)
    assert answer.json()["user"]["id"] == user.id
    assert stranger.client.get("/api/auth/me").json()["user"]["id"] == user.id
    stranger.client.cookies.clear()
    assert stranger.client.get("/api/auth/me", headers=before).status_code == 401


def test_registering_over_a_session_ends_it(user: Any) -> None:
    before = {"cookie": _header(dict(user.client.cookies))}
    taken = {"email": user.email, "password": user.password}
    assert user.client.post("/api/auth/register", json=taken).status_code == 409
    assert user.client.get("/api/auth/me").status_code == 200
    body = {"email": f"{secrets.token_hex(8)}@example.com", "password": user.password}
    made = user.client.post("/api/auth/register", json=body).json()
    assert user.client.get("/api/auth/me").json()["user"] == made["user"]
    user.client.cookies.clear()
    assert user.client.get("/api/auth/me", headers=before).status_code == 401


def test_logins_at_once_are_sessions_of_their_own(backend_url: str, user: Any) -> None:
    body = {"email": user.email, "password": user.password}

    def login(_: int) -> str:
        answer = httpx2.post(f"{backend_url}/api/auth/login", json=body, timeout=60)
        assert answer.status_code == 200
        return answer.headers["set-cookie"].split(";")[0]

    with ThreadPoolExecutor(8) as pool:
        cookies = list(pool.map(login, range(8)))
    assert len(set(cookies)) == 8
    logout = user.client.post("/api/auth/logout", headers={"cookie": cookies[0]})
    assert logout.status_code == 204
    user.client.cookies.clear()
    statuses = [
        user.client.get("/api/auth/me", headers={"cookie": cookie}).status_code
        for cookie in cookies
    ]
    assert statuses == [401] + [200] * 7


def test_registrations_at_once_make_one_account(anonymous: Any, backend_url: str) -> None:
    body = {"email": f"{secrets.token_hex(8)}@example.com", "password": "long enough it is"}

    def register(_: int) -> int:
        answer = httpx2.post(f"{backend_url}/api/auth/register", json=body, timeout=60)
        return answer.status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(register, range(6))) == [201] + [409] * 5


@pytest.mark.parametrize(
    "cookie",
    [
        b"todo_session=\xff\xfe",
        b"todo_session=" + b"x" * 7000,
        b"todo_session=",
        b"=;;=todo_session",
    ],
)
def test_garbage_for_a_cookie_is_401(anonymous: Any, cookie: bytes) -> None:
    answer = anonymous.get("/api/auth/me", headers={b"cookie": cookie})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "credential",
    [b"Bearer", b"Bearer \xff", b"bearer todo_pat_\x80", b"Basic eDp5", b"Bearer a b c"],
)
def test_garbage_for_a_token_is_401(anonymous: Any, credential: bytes) -> None:
    answer = anonymous.get("/api/auth/me", headers={b"authorization": credential})
    assert answer.status_code == 401


def test_too_many_tokens_are_413(user: Any, scratch: Any) -> None:
    with scratch.superuser() as connection:
        connection.execute(
            "INSERT INTO access_tokens (user_id, name, token_hash, scopes, expires_at)"
            " SELECT %s, 'x', decode(md5(random()::text), 'hex'), '{todos}', now() + interval '1 d'"
            " FROM generate_series(1, 50)",
            (user.id,),
        )
    answer = user.client.post("/api/auth/tokens", json={"name": "one more"})
    assert answer.status_code == 413
    assert "50" in answer.json()["detail"]


def _age(scratch: Any, user: Any, interval: str) -> None:
    with scratch.superuser() as connection:
        connection.execute(
            "UPDATE sessions SET last_used_at = now() - %s::interval WHERE user_id = %s",
            (interval, user.id),
        )


def test_listing_tasks_renews_the_session_and_an_unused_one_is_401(user: Any, scratch: Any) -> None:
    """The list is read in the round trip that tells whose session it is."""
    user.add()
    _age(scratch, user, "29 days")
    assert len(user.list()) == 1
    with scratch.superuser() as connection:
        renewed = connection.execute(
            "SELECT last_used_at > now() - interval '1 minute' FROM sessions WHERE user_id = %s",
            (user.id,),
        ).fetchall()
    assert renewed == [(True,)]
    _age(scratch, user, "31 days")
    refused = user.client.get(user.tasks)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_what_is_read_by_a_session_is_bound_to_its_user(
    user: Any, stranger: Any, scratch: Any
) -> None:
    user.add("Mine")
    stranger.add("Not mine")
    secret = user.client.cookies["todo_session"]
    database = Database(lambda: scratch.conninfo("todo_backend"), size=1, name="test")
    everything = "SELECT title FROM tasks"
    async with database:
        identity, rows = await read_by_session(database, secret, everything, ())
        assert identity is not None
        assert (identity.user_id, rows) == (user.id, [{"title": "Mine"}])
        # Nothing of it is left on the connection.
        assert await read_by_session(database, "garbage", everything, ()) == (None, [])
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await read_by_session(database, secret, "DELETE FROM tasks RETURNING id", ())
    assert stranger.client.get(user.tasks).status_code == 404
