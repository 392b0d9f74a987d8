"""Which values the role secrets keeps, makes and takes over."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
import secrets_ensure
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

DATABASE: dict[str, Any] = {"name": "database", "passwords": ["owner", "reader"]}
IDENTITY: dict[str, Any] = {
    "name": "identity",
    "ed25519": {"private": "private.pem", "public": "public.pem"},
}


def test_missing_passwords_are_generated_long_and_different() -> None:
    values, changes = secrets_ensure.completed(DATABASE, {}, {})
    assert values["owner"] != values["reader"]
    assert min(map(len, values.values())) >= 32
    assert changes == ["database/owner generated", "database/reader generated"]


def test_present_passwords_stay_and_only_missing_ones_are_made() -> None:
    values, changes = secrets_ensure.completed(DATABASE, {"owner": "kept", "other": "kept"}, {})
    assert values["owner"] == values["other"] == "kept"
    assert changes == ["database/reader generated"]


def test_given_password_wins_and_is_never_in_the_report() -> None:
    present = {"owner": "old", "reader": "old"}
    values, changes = secrets_ensure.completed(DATABASE, present, {"owner": "brand-new"})
    assert values == {"owner": "brand-new", "reader": "old"}
    assert changes == ["database/owner given"]
    assert secrets_ensure.completed(DATABASE, values, {"owner": "brand-new"})[1] == []


def test_generated_pair_belongs_together() -> None:
    values, _ = secrets_ensure.completed(IDENTITY, {}, {})
    private: Any = load_pem_private_key(values["private.pem"].encode(), password=None)
    public: Any = load_pem_public_key(values["public.pem"].encode())
    public.verify(private.sign(b"message"), b"message")


def test_lost_public_key_is_derived_not_replaced() -> None:
    pair, _ = secrets_ensure.completed(IDENTITY, {}, {})
    values, changes = secrets_ensure.completed(IDENTITY, {"private.pem": pair["private.pem"]}, {})
    assert values == pair
    assert changes == ["identity/public.pem derived"]


def test_given_private_key_brings_its_public_key() -> None:
    old, _ = secrets_ensure.completed(IDENTITY, {}, {})
    new, _ = secrets_ensure.completed(IDENTITY, {}, {})
    values, _ = secrets_ensure.completed(IDENTITY, old, {"private.pem": new["private.pem"]})
    assert values == new


def test_given_public_keys_may_be_several() -> None:
    pair, _ = secrets_ensure.completed(IDENTITY, {}, {})
    both = pair["public.pem"] * 2
    values, _ = secrets_ensure.completed(IDENTITY, pair, {"public.pem": both})
    assert values == {**pair, "public.pem": both}


def test_wrong_private_key_is_refused_without_showing_it() -> None:
    with pytest.raises(
        secrets_ensure.KeyProblem, match=r"identity/private\.pem is no private key"
    ) as caught:
        secrets_ensure.completed(IDENTITY, {}, {"private.pem": "tell-nobody"})
    assert "tell-nobody" not in str(caught.value)


def test_secret_that_only_can_be_given_is_not_made_empty() -> None:
    assert secrets_ensure.completed({"name": "model"}, {}, {}) == ({}, [])


AUTHORITY = {"name": "authority", "authority": "Test authority"}
SERVER: dict[str, Any] = {
    "name": "server",
    "certificate": {"authority": "authority", "names": ["postgres", "postgres.todo", "::1"]},
}


@pytest.fixture(scope="module")
def authority() -> dict[str, str]:
    return secrets_ensure.certified(AUTHORITY, {}, {})[0]


@pytest.fixture(scope="module")
def server(authority: dict[str, str]) -> dict[str, str]:
    return secrets_ensure.certified(SERVER, {}, {"authority": authority})[0]


def test_the_authority_signs_a_certificate_for_every_name(
    authority: dict[str, str], server: dict[str, str]
) -> None:
    certificate = x509.load_pem_x509_certificate(server["tls.crt"].encode())
    certificate.verify_directly_issued_by(
        x509.load_pem_x509_certificate(authority["ca.crt"].encode())
    )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["postgres", "postgres.todo", "::1"]
    assert server["ca.crt"] == authority["ca.crt"]
    assert set(server) == {"tls.crt", "tls.key", "ca.crt"}


def test_a_good_certificate_stays(authority: dict[str, str], server: dict[str, str]) -> None:
    assert secrets_ensure.certified(AUTHORITY, authority, {}) == (authority, [])
    again = secrets_ensure.certified(SERVER, server, {"authority": authority})
    assert again == (server, [])


def test_a_certificate_near_its_end_is_made_anew(
    authority: dict[str, str], server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets_ensure, "CERTIFICATE_DAYS", secrets_ensure.RENEWAL_DAYS - 1)
    old = secrets_ensure.certified(SERVER, {}, {"authority": authority})[0]
    monkeypatch.undo()
    values, changes = secrets_ensure.certified(SERVER, old, {"authority": authority})
    (change,) = changes
    assert "server/tls.crt generated, as it was near its end" in change
    left = (
        x509.load_pem_x509_certificate(values["tls.crt"].encode()).not_valid_after_utc
        - datetime.datetime.now(datetime.UTC)
    ).days
    assert left >= secrets_ensure.CERTIFICATE_DAYS - 1
    assert values["tls.key"] != old["tls.key"]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ({"tls.crt": ""}, "missing"),
        ({"tls.key": ""}, "missing"),
        ({"tls.crt": "garbage"}, "unreadable"),
        ({"tls.key": secrets_ensure.issued("other", [])[1]}, "of another key"),
    ],
)
def test_a_damaged_certificate_is_made_anew(
    authority: dict[str, str], server: dict[str, str], damage: dict[str, str], why: str
) -> None:
    values, changes = secrets_ensure.certified(SERVER, server | damage, {"authority": authority})
    assert len(changes) == 1
    assert why in changes[0]
    assert secrets_ensure.certified(SERVER, values, {"authority": authority})[1] == []


def test_other_names_make_a_new_certificate(
    authority: dict[str, str], server: dict[str, str]
) -> None:
    wanted = {**SERVER, "certificate": SERVER["certificate"] | {"names": ["elsewhere"]}}
    changes = secrets_ensure.certified(wanted, server, {"authority": authority})[1]
    assert "for other names" in changes[0]


def test_a_certificate_is_renewed_when_it_is_asked_for(
    authority: dict[str, str], server: dict[str, str]
) -> None:
    authorities = {"authority": authority}
    values, changes = secrets_ensure.certified(SERVER, server, authorities, renew=True)
    assert len(changes) == 1
    assert all(values[key] != server[key] for key in ("tls.crt", "tls.key"))
    assert values["ca.crt"] == server["ca.crt"]
    assert secrets_ensure.certified(SERVER, values, authorities) == (values, [])


def test_a_new_authority_makes_new_certificates(server: dict[str, str]) -> None:
    other = secrets_ensure.certified(AUTHORITY, {}, {})[0]
    values, changes = secrets_ensure.certified(SERVER, server, {"authority": other})
    assert "of another authority" in changes[0]
    assert values["ca.crt"] == other["ca.crt"]


def test_a_certificate_that_somebody_brought_stays(authority: dict[str, str]) -> None:
    foreign = secrets_ensure.certified(AUTHORITY | {"authority": "Somebody else"}, {}, {})[0]
    brought = secrets_ensure.certified(SERVER, {}, {"authority": foreign})[0]
    assert secrets_ensure.certified(SERVER, brought, {"authority": authority}) == (brought, [])


OURS = {"app.kubernetes.io/managed-by": "ansible"}


def secret(labels: dict[str, str] | None) -> dict[str, Any]:
    return {"metadata": {"name": "database", "labels": labels}}


@pytest.mark.parametrize("labels", [None, {}, {"app.kubernetes.io/managed-by": "Helm"}])
def test_a_secret_of_somebody_else_is_not_written(labels: dict[str, str] | None) -> None:
    with pytest.raises(secrets_ensure.Foreign, match=r"database/owner generated.*Remedy") as caught:
        secrets_ensure.refuse_foreign(secret(labels), OURS, ["database/owner generated"], "todo")
    assert "kubectl delete secret database --namespace todo" in str(caught.value)


@pytest.mark.parametrize("found", [None, secret(OURS), secret(OURS | {"more": "labels"})])
def test_our_own_secret_may_be_written(found: dict[str, Any] | None) -> None:
    secrets_ensure.refuse_foreign(found, OURS, ["database/owner generated"], "todo")


class Recorded(secrets_ensure.Cluster):
    """A cluster that keeps what it is told to write."""

    def __init__(self) -> None:
        super().__init__({"namespace": "todo", "kubectl": "kubectl", "kubeconfig": "config"})
        self.written: list[Any] = []

    def run(self, *arguments: str, data: str | None = None) -> str:
        self.written.append((arguments[0], json.loads(data or "null")))
        return ""


def test_what_is_written_is_marked_in_the_same_step() -> None:
    cluster = Recorded()
    old = {"metadata": {"name": "database", "annotations": {"kept": "1"}, "resourceVersion": "7"}}
    wanted = {**DATABASE, "follow_up": True}
    cluster.write(wanted, old, {"owner": "new"}, OURS)
    ((command, written),) = cluster.written
    assert command == "replace"
    assert written["metadata"]["annotations"] == {"kept": "1", "todo/follow-up": "due"}
    assert written["metadata"]["resourceVersion"] == "7"
    assert secrets_ensure.is_due(written)
    assert not secrets_ensure.is_due(old)
    assert not secrets_ensure.is_due(None)
