"""Ansible module: Kubernetes Secrets whose keys are generated once or given, in one process."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import os
import re
import secrets
import subprocess
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: secrets_ensure
short_description: Make Secrets with generated or given keys, keep what is there
description:
  - A key that is there stays as it is, a missing one is generated, a given one wins. Values are
    never printed, written to disk or put on a command line.
  - A Secret that somebody else made (without the label app.kubernetes.io/managed-by of I(labels))
    is used where it holds what is wanted, and never written.
options:
  kubeconfig: {description: Path of the kubeconfig., type: path, required: true}
  kubectl: {description: Name or path of kubectl., type: str, default: kubectl}
  namespace:
    description: Namespace of the Secrets; made when it is missing.
    type: str
    required: true
  labels: {description: Labels of the Secrets., type: dict, default: {}}
  secrets:
    description: >
      The Secrets: name, generated passwords (a list of keys), ed25519 (the keys `private` and
      `public` of a generated pair), authority (the name of an authority of our own, in ca.crt and
      ca.key), certificate (the Secret of its `authority`, which comes earlier in the list, and the
      `names` it is for; in tls.crt, tls.key and ca.crt). A Secret with none of them is made only
      when something is given. With `follow_up` whatever is written is marked, in the same step, as
      not yet taken into use; who does that removes the annotation todo/follow-up.
    type: list
    elements: dict
    required: true
  given:
    description: Given values by Secret and key; empty ones count as not given.
    type: dict
    default: {}
  renew:
    description:
      - Names of Secrets whose passwords and certificate are generated anew although they are there.
    type: list
    elements: str
    default: []
author: The Todo platform
"""

RETURN = r"""
reachable: {description: Whether the cluster answered., type: bool, returned: always}
problem: {description: Why it did not., type: str, returned: always}
changes: {description: What was done to which key., type: list, returned: always}
due: {description: The Secrets that are marked for a follow-up., type: list, returned: always}
authorities:
  description: The certificate (PEM) of each authority, by its Secret.
  type: dict
  returned: always
"""

# 256 bits, as 43 characters that need no escaping in a URL, a shell or a configuration file.
PASSWORD_BYTES = 32

# What kubectl's client library logs: E0131 18:30:00.123456 ...
LOG_LINE = re.compile(r"[EIW][0-9]{4} ")

# On a Secret that holds something which those who read it have not been told yet.
FOLLOW_UP = "todo/follow-up"
MANAGED_BY = "app.kubernetes.io/managed-by"

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 365
# A run renews what ends sooner than this.
RENEWAL_DAYS = 60


class Unreachable(Exception):
    """kubectl is missing or the cluster did not answer."""


class Foreign(Exception):
    """A Secret of somebody else's that lacks something."""


class KeyProblem(Exception):
    """A given value that cannot be used; says which and why, never the value."""


def key_pair() -> tuple[str, str]:
    """A new Ed25519 key pair as PEM: PKCS 8 and SubjectPublicKeyInfo (RFC 8410)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private.decode(), public_key(private.decode())


def public_key(private: str) -> str:
    """The public key of an Ed25519 private key, both PEM; raises KeyProblem."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(private.encode(), password=None)
    except ValueError:
        raise KeyProblem("is no private key in PEM form") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem("is no Ed25519 key; make one with `openssl genpkey -algorithm ed25519`")
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def issued(
    common_name: str, names: list[str], issuer: tuple[str, str] | None = None
) -> tuple[str, str]:
    """A new certificate and its private key (P-256), both PEM.

    `issuer` is the authority's certificate and key; without one the result is an authority.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    signer: Any = key
    parent, days = subject, AUTHORITY_DAYS
    authority_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    if issuer:
        authority = x509.load_pem_x509_certificate(issuer[0].encode())
        signer = serialization.load_pem_private_key(issuer[1].encode(), password=None)
        parent, days = authority.subject, CERTIFICATE_DAYS
        authority_key = x509.SubjectKeyIdentifier.from_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks differ a little.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(
            x509.BasicConstraints(ca=not issuer, path_length=None if issuer else 0), critical=True
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=bool(issuer),
                key_cert_sign=not issuer,
                crl_sign=not issuer,
                **dict.fromkeys(
                    ("content_commitment", "key_encipherment", "data_encipherment")
                    + ("key_agreement", "encipher_only", "decipher_only"),
                    False,
                ),
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_key),
            critical=False,
        )
    )
    if issuer:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        ).add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
    certificate = builder.sign(signer, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def _general_name(name: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def flaw(
    certificate: str, key: str, *, authority: str | None = None, names: list[str] | None = None
) -> str:
    """Why a certificate (PEM) cannot be used any longer; empty when it can.

    `authority` is the certificate (PEM) that must have signed it, `names` those it must be for.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization

    if not certificate or not key:
        return "missing"
    try:
        found = x509.load_pem_x509_certificate(certificate.encode())
        private: Any = serialization.load_pem_private_key(key.encode(), password=None)
        if private.public_key() != found.public_key():
            return "of another key"
        if authority is not None:
            found.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
    except (ValueError, TypeError):
        return "unreadable or of another authority"
    except InvalidSignature:
        return "of another authority"
    left = found.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    if left < datetime.timedelta(days=RENEWAL_DAYS):
        return f"near its end ({found.not_valid_after_utc:%Y-%m-%d})"
    if names is not None:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        if {str(name.value) for name in extension.value} != set(names):
            return "for other names"
    return ""


def is_foreign(certificate: str, authority: str) -> bool:
    """Whether a certificate names another issuer than this authority (both PEM)."""
    from cryptography import x509

    ours = x509.load_pem_x509_certificate(authority.encode()).subject
    try:
        return x509.load_pem_x509_certificate(certificate.encode()).issuer != ours
    except ValueError:
        return False


def certified(
    secret: dict[str, Any],
    values: dict[str, str],
    authorities: dict[str, dict[str, str]],
    *,
    renew: bool = False,
) -> tuple[dict[str, str], list[str]]:
    """The certificates a Secret must hold, and what is done to which key.

    `values` are those of the other kinds, `authorities` the values of the Secrets before it. A
    certificate of an authority that is not ours stays as it is: somebody brought it.
    """
    values = dict(values)
    if name := secret.get("authority"):
        why = flaw(values.get("ca.crt", ""), values.get("ca.key", ""))
        if why:
            values["ca.crt"], values["ca.key"] = issued(name, [])
            return values, [f"{secret['name']}/ca.crt generated, as it was {why}"]
    if wanted := secret.get("certificate"):
        authority = authorities[wanted["authority"]]
        present = values.get("tls.crt", "")
        if present and is_foreign(present, authority["ca.crt"]):
            return values, []
        names = list(dict.fromkeys(wanted["names"]))
        why = flaw(present, values.get("tls.key", ""), authority=authority["ca.crt"], names=names)
        if why or renew:
            values["tls.crt"], values["tls.key"] = issued(
                names[0], names, (authority["ca.crt"], authority["ca.key"])
            )
            values["ca.crt"] = authority["ca.crt"]
            return values, [
                f"{secret['name']}/tls.crt generated, as it was {why or 'to be renewed'}"
            ]
    return values, []


def completed(
    secret: dict[str, Any],
    present: dict[str, str],
    given: dict[str, str],
    *,
    renew: bool = False,
) -> tuple[dict[str, str], list[str]]:
    """The values a Secret must hold but for certificates, and what is done to which key.

    `present` are the values in the cluster. A pair is generated whole: a public key belongs to
    its private key, so it is derived again unless one is given.
    """
    values = dict(present)
    changes = []

    def put(key: str, value: str, how: str) -> None:
        if values.get(key) != value:
            changes.append(f"{secret['name']}/{key} {how}")
            values[key] = value

    for key, value in given.items():
        put(key, value, "given")
    for key in secret.get("passwords", []):
        if not values.get(key) or (renew and key not in given):
            put(key, secrets.token_urlsafe(PASSWORD_BYTES), "generated")
    if pair := secret.get("ed25519"):
        if not values.get(pair["private"]):
            private, public = key_pair()
            put(pair["private"], private, "generated")
            put(pair["public"], public, "generated")
        elif pair["public"] not in given and (
            pair["private"] in given or not values.get(pair["public"])
        ):
            try:
                public = public_key(values[pair["private"]])
            except KeyProblem as problem:
                raise KeyProblem(f"{secret['name']}/{pair['private']} {problem}") from None
            put(pair["public"], public, "derived")
    return values, changes


class Cluster:
    """kubectl for one namespace. Values go through standard input."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.namespace = options["namespace"]
        self.command = [options["kubectl"], "--kubeconfig", options["kubeconfig"]]

    def run(self, *arguments: str, data: str | None = None) -> str:
        """Standard output; raises Unreachable with kubectl's words."""
        try:
            done = subprocess.run(
                [*self.command, *arguments],
                capture_output=True,
                text=True,
                input=data,
                timeout=30,
                check=False,
            )
        except FileNotFoundError:
            raise Unreachable(f"{self.command[0]} is not installed") from None
        except subprocess.TimeoutExpired:
            raise Unreachable("kubectl got no answer in 30 s") from None
        if done.returncode:
            # The lines of its own log say the same at length.
            said = [line for line in done.stderr.splitlines() if not LOG_LINE.match(line)]
            raise Unreachable("\n".join(said).strip())
        return done.stdout

    def existing(self, names: list[str]) -> tuple[bool, dict[str, dict[str, Any]]]:
        """Whether the namespace is there, and those of its Secrets that are."""
        wanted = [f"namespace/{self.namespace}", *(f"secret/{name}" for name in names)]
        text = self.run(
            "get", "--namespace", self.namespace, "--ignore-not-found", "-o", "json", *wanted
        )
        found = json.loads(text) if text.strip() else {}
        items = found.get("items", [found] if found else [])
        by_kind = {(item["kind"], item["metadata"]["name"]): item for item in items}
        there = ("Namespace", self.namespace) in by_kind
        return there, {name: item for (kind, name), item in by_kind.items() if kind == "Secret"}

    def write(
        self,
        wanted: dict[str, Any],
        old: dict[str, Any] | None,
        values: dict[str, str],
        labels: Any,
    ) -> None:
        """Create a Secret, or replace the very version that was read.

        What a Secret needs done afterwards is marked in the same step: a run may end in between.
        """
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        secret = old or {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls" if wanted.get("certificate") else "Opaque",
            "metadata": {"name": wanted["name"], "namespace": self.namespace, "labels": labels},
        }
        secret = {**secret, "data": data}
        if wanted.get("follow_up"):
            annotations = {**(secret["metadata"].get("annotations") or {}), FOLLOW_UP: "due"}
            secret["metadata"] = {**secret["metadata"], "annotations": annotations}
        self.run("replace" if old else "create", "-f", "-", data=json.dumps(secret))


def decoded(secret: dict[str, Any] | None) -> dict[str, str]:
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def refuse_foreign(
    secret: dict[str, Any] | None, labels: dict[str, str], changes: list[str], namespace: str
) -> None:
    """Raise Foreign for a Secret that is there and is not ours to write."""
    if secret is None:
        return
    metadata = secret["metadata"]
    ours = labels.get(MANAGED_BY)
    if not ours or (metadata.get("labels") or {}).get(MANAGED_BY) == ours:
        return
    name = metadata["name"]
    where = f"secret {name} --namespace {namespace}"
    raise Foreign(
        f"the Secret {name} in namespace {namespace} was made by somebody else (it lacks the label "
        f"{MANAGED_BY}={ours}), and this would have to be written: {', '.join(changes)}. "
        "Nothing was. Remedy: complete it yourself; or delete it if nobody needs it, `kubectl "
        f"delete {where}`; or hand it over, `kubectl label --overwrite {where} {MANAGED_BY}={ours}`"
    )


def is_due(secret: dict[str, Any] | None) -> bool:
    """Whether a Secret still waits to be taken into use."""
    return FOLLOW_UP in ((secret or {}).get("metadata", {}).get("annotations") or {})


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "kubeconfig": {"type": "path", "required": True},
            "kubectl": {"type": "str", "default": "kubectl"},
            "namespace": {"type": "str", "required": True},
            "labels": {"type": "dict", "default": {}},
            "secrets": {"type": "list", "elements": "dict", "required": True, "no_log": False},
            "given": {"type": "dict", "default": {}, "no_log": True},
            "renew": {"type": "list", "elements": "str", "default": [], "no_log": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    cluster = Cluster(options)
    wanted = options["secrets"]
    problem = ""
    try:
        there, existing = cluster.existing([secret["name"] for secret in wanted])
    except Unreachable as error:
        there, existing, problem = False, {}, str(error)
        if not module.check_mode:
            module.fail_json(
                msg=f"no cluster answers at {options['kubeconfig']}: {problem}; see that it runs "
                "(`--tags minikube` starts Minikube, `--tags existing_cluster` checks a cluster of "
                "your own), or name another kubeconfig"
            )
        if os.path.exists(options["kubeconfig"]):
            # There may well be Secrets on the cluster that does not answer.
            nothing: dict[str, Any] = {"changes": [], "due": [], "authorities": {}}
            module.exit_json(changed=False, reachable=False, problem=problem, **nothing)
    changes: list[str] = []
    due: list[str] = []
    authorities: dict[str, dict[str, str]] = {}
    try:
        if not there:
            changes.append(f"namespace {options['namespace']} created")
            if not module.check_mode and not problem:
                cluster.run("create", "namespace", options["namespace"])
        for secret in wanted:
            name = secret["name"]
            old = existing.get(name)
            given = options["given"].get(name) or {}
            given = {key: value for key, value in given.items() if value}
            renew = name in options["renew"]
            values, done = completed(secret, decoded(old), given, renew=renew)
            values, made = certified(secret, values, authorities, renew=renew)
            if secret.get("authority"):
                authorities[name] = values
            written = done + made
            if written:
                refuse_foreign(old, options["labels"], written, options["namespace"])
            if is_due(old) and not written:
                changes.append(f"{name} to be taken into use")
            if is_due(old) or (written and secret.get("follow_up")):
                due.append(name)
            changes += written
            if written and not module.check_mode and not problem:
                cluster.write(secret, old, values, options["labels"])
    except (Unreachable, KeyProblem, Foreign) as error:
        module.fail_json(msg=str(error))
    except ImportError:
        module.fail_json(msg="the Python package cryptography is missing: run `make tools`")
    module.exit_json(
        changed=bool(changes),
        changes=changes,
        due=due,
        reachable=not problem,
        problem=problem,
        authorities={name: values["ca.crt"] for name, values in authorities.items()},
        diff={"prepared": "".join(f"+ {line}\n" for line in changes)},
    )


if __name__ == "__main__":
    main()
