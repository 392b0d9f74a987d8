"""The database's memory settings, its volume, and its backup script run for real."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from waiting import wait_until

from .conftest import ROOT, HelmProgram, Manifest
from .manifests import containers, mebibytes, of_kind, one, pod_templates


def settings(helm: HelmProgram, values: Manifest) -> dict[str, str]:
    manifests = helm.template("postgres", values)
    pod = one(manifests, "StatefulSet", "postgres")["spec"]["template"]
    arguments = containers(pod)[0]["args"]
    assert arguments[::2] == ["-c"] * (len(arguments) // 2)
    return dict(argument.split("=", 1) for argument in arguments[1::2])


@pytest.mark.parametrize(
    ("memory", "shared_buffers", "effective_cache_size"),
    [("384Mi", "96MB", "192MB"), ("1Gi", "256MB", "512MB"), ("4Gi", "1024MB", "2048MB")],
)
def test_memory_settings_follow_the_limit(
    helm: HelmProgram, memory: str, shared_buffers: str, effective_cache_size: str
) -> None:
    found = settings(helm, {"resources": {"limits": {"memory": memory}}})
    assert found["shared_buffers"] == shared_buffers
    assert found["effective_cache_size"] == effective_cache_size


@pytest.mark.parametrize("memory", ["256Mi", "384Mi", "1Gi", "8Gi"])
@pytest.mark.parametrize("connections", [10, 100, 300])
def test_every_connection_sorting_at_once_fits_the_limit(
    helm: HelmProgram, memory: str, connections: int
) -> None:
    found = settings(
        helm, {"resources": {"limits": {"memory": memory}}, "maxConnections": connections}
    )
    amounts = {key: int(found[key].removesuffix("MB")) for key in ("shared_buffers", "work_mem")}
    assert amounts["work_mem"] >= 1
    if connections <= mebibytes(memory) / 4:
        used = amounts["shared_buffers"] + connections * amounts["work_mem"]
        assert used <= mebibytes(memory) / 2


def test_own_settings_win(helm: HelmProgram) -> None:
    found = settings(helm, {"settings": {"work_mem": "32MB", "log_statement": "ddl"}})
    assert found["work_mem"] == "32MB"
    assert found["log_statement"] == "ddl"
    assert found["password_encryption"] == "scram-sha-256"


def test_data_outlives_the_release(helm: HelmProgram) -> None:
    manifests = helm.template("postgres")
    spec = one(manifests, "StatefulSet", "postgres")["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }
    claim = one(manifests, "PersistentVolumeClaim", "postgres-backup")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_what_cannot_change_later_does_not_depend_on_the_version(helm: HelmProgram) -> None:
    spec = one(helm.template("postgres"), "StatefulSet", "postgres")["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert "helm.sh/chart" not in claim["metadata"]["labels"]
    assert claim["spec"]["storageClassName"] == "local-path"
    assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"


def test_the_clusters_default_storage_class_is_used_when_none_is_named(helm: HelmProgram) -> None:
    values = {"storage": {"className": ""}, "backup": {"className": ""}}
    manifests = helm.template("postgres", values)
    (claim,) = one(manifests, "StatefulSet", "postgres")["spec"]["volumeClaimTemplates"]
    assert "storageClassName" not in claim["spec"]
    backup = one(manifests, "PersistentVolumeClaim", "postgres-backup")
    assert "storageClassName" not in backup["spec"]


def test_data_lies_below_the_mount(helm: HelmProgram) -> None:
    """The mount's root may belong to somebody else; a folder below it is ours alone."""
    pod = one(helm.template("postgres"), "StatefulSet", "postgres")["spec"]["template"]
    (container,) = containers(pod)
    (data,) = [item for item in container["volumeMounts"] if item["name"] == "data"]
    environment = {item["name"]: item["value"] for item in container["env"]}
    assert environment["PGDATA"].startswith(data["mountPath"] + "/")
    assert environment["TODO_DATABASE_NAME"] == "todo"
    (secrets,) = [item for item in pod["spec"]["volumes"] if item["name"] == "secrets"]
    assert [item["path"] for item in secrets["secret"]["items"]] == [
        "superuser-password",
        "owner-password",
        "backend-password",
        "mcp-server-password",
    ]


@pytest.mark.parametrize("name", ["postgres-backup", "postgres-drill"])
def test_jobs_never_overlap_and_never_pile_up(helm: HelmProgram, name: str) -> None:
    job = one(helm.template("postgres"), "CronJob", name)["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    assert job["successfulJobsHistoryLimit"] == 1
    assert job["failedJobsHistoryLimit"] == 3
    assert job["timeZone"] == "Etc/UTC"
    assert not of_kind(helm.template("postgres", {"backup": {"enabled": False}}), "CronJob")


def test_who_shares_a_volume_with_the_server_goes_to_its_node(helm: HelmProgram) -> None:
    """A ReadWriteOnce volume of most clusters is mounted on one node only."""
    manifests = helm.template("postgres", {"archive": {"enabled": True}})
    server = one(manifests, "StatefulSet", "postgres")["spec"]["template"]
    labels = server["metadata"]["labels"]
    shared = {"postgres-backup", "postgres-archive"}
    rules = {}
    for name, pod in pod_templates(manifests):
        claims = {
            volume.get("persistentVolumeClaim", {}).get("claimName")
            for volume in pod["spec"]["volumes"]
        }
        if not name.startswith("StatefulSet/") and claims & shared:
            ((rule, terms),) = pod["spec"]["affinity"]["podAffinity"].items()
            term = terms[0].get("podAffinityTerm", terms[0])
            assert term["topologyKey"] == "kubernetes.io/hostname", name
            assert term["labelSelector"]["matchLabels"].items() <= labels.items(), name
            rules[name] = rule.removesuffix("DuringSchedulingIgnoredDuringExecution")
    # A drill and a recovery must run where there is no server, too.
    assert rules == {
        "CronJob/postgres-backup": "required",
        "CronJob/postgres-drill": "preferred",
        "CronJob/postgres-recovery": "preferred",
        "Pod/postgres-drill-test": "required",
    }


def test_a_drill_cannot_reach_the_running_database(helm: HelmProgram) -> None:
    manifests = helm.template("postgres")
    policy = one(manifests, "NetworkPolicy", "postgres-drill")["spec"]
    assert policy["ingress"] == policy["egress"] == []
    job = one(manifests, "CronJob", "postgres-drill")["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    assert not [mount for mount in container["volumeMounts"] if "secrets" in mount["mountPath"]]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts["backups"]["readOnly"] is True
    assert "ephemeral" in next(item for item in pod["volumes"] if item["name"] == "scratch")
    off = helm.template("postgres", {"backup": {"drill": {"enabled": False}}})
    assert [item["metadata"]["name"] for item in of_kind(off, "CronJob")] == ["postgres-backup"]
    assert [item["metadata"]["name"] for item in of_kind(off, "Pod")] == ["postgres-test"]


def test_what_is_archived_goes_to_a_volume_of_its_own(helm: HelmProgram) -> None:
    values = {"archive": {"enabled": True, "timeoutSeconds": 60}}
    manifests = helm.template("postgres", values)
    found = settings(helm, values)
    assert found["archive_mode"] == "on"
    assert found["archive_timeout"] == "60s"
    pod = one(manifests, "StatefulSet", "postgres")["spec"]["template"]
    server, beside = containers(pod)
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    for container in (server, beside):
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        assert claims[mounts["/archive"]["name"]] == "postgres-archive"
        assert "readOnly" not in mounts["/archive"]
    # Base backups come through the server, not by reading beside it.
    mounts = {mount["mountPath"]: mount for mount in beside["volumeMounts"]}
    assert mounts["/var/lib/postgresql/data"]["readOnly"] is True
    assert "/run/secrets/postgres" not in mounts
    claim = one(manifests, "PersistentVolumeClaim", "postgres-archive")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert not [item for item in helm.template("postgres") if "archive" in item["metadata"]["name"]]
    assert "archive_mode" not in settings(helm, {})


def test_a_recovery_runs_when_asked_and_reaches_nothing(helm: HelmProgram) -> None:
    manifests = helm.template("postgres", {"archive": {"enabled": True}})
    job = one(manifests, "CronJob", "postgres-recovery")["spec"]
    assert job["suspend"] is True
    policy = one(manifests, "NetworkPolicy", "postgres-recovery")["spec"]
    assert policy["ingress"] == policy["egress"] == []
    (container,) = job["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/archive"]["readOnly"] is True
    assert not [path for path in mounts if "secrets" in path]


def test_an_archive_without_backups_says_what_to_change(helm: HelmProgram) -> None:
    done = helm.try_template(
        "postgres", {"archive": {"enabled": True}, "backup": {"enabled": False}}
    )
    assert done.returncode != 0
    assert "Set backup.enabled to true" in done.stderr


def test_every_client_insists_on_the_authoritys_certificate(helm: HelmProgram) -> None:
    for chart, pods in {
        "postgres": {"CronJob/postgres-backup", "Pod/postgres-test"},
        "backend": {"Deployment/backend", "Job/backend-migration"},
        "mcp-server": {"Deployment/mcp-server"},
    }.items():
        manifests = helm.template(chart)
        found = dict(pod_templates(manifests))
        for name in pods:
            environment: dict[str, str] = {}
            for container in containers(found[name]):
                for source in container.get("envFrom", []):
                    config = one(manifests, "ConfigMap", source["configMapRef"]["name"])
                    environment |= config["data"]
                environment |= {item["name"]: item["value"] for item in container.get("env", [])}
                mode = environment.get("PGSSLMODE", environment.get("TODO_DATABASE_SSLMODE"))
                assert mode == "verify-full", name
                certificate = environment["PGSSLROOTCERT"]
                folders = {mount["mountPath"] for mount in container["volumeMounts"]}
                assert certificate.rpartition("/")[0] in folders, name


@pytest.mark.parametrize("chart", ["backend", "mcp-server"])
@pytest.mark.parametrize(
    ("database", "authority"),
    [
        ({"caSecret": ""}, "system"),
        # libpq refuses the system's authorities where the certificate's name is not looked at.
        ({"caSecret": "", "sslMode": "require"}, None),
    ],
)
def test_a_database_elsewhere_may_have_another_authority(
    helm: HelmProgram, chart: str, database: Manifest, authority: str | None
) -> None:
    data = one(helm.template(chart, {"database": database}), "ConfigMap", chart)["data"]
    assert data.get("PGSSLROOTCERT") == authority


def test_the_server_has_its_key_to_itself(helm: HelmProgram) -> None:
    found = settings(helm, {})
    assert found["ssl"] == "on"
    pod = one(helm.template("postgres"), "StatefulSet", "postgres")["spec"]["template"]["spec"]
    (volume,) = [item for item in pod["volumes"] if item["name"] == "tls"]
    assert volume["secret"]["secretName"] == "todo-postgres-tls"
    assert volume["secret"]["defaultMode"] == 0o440
    (mount,) = [item for item in pod["containers"][0]["volumeMounts"] if item["name"] == "tls"]
    for item in volume["secret"]["items"]:
        assert f"{mount['mountPath']}/{item['path']}" in found.values()


@pytest.mark.parametrize("enabled", [True, False])
def test_databases_pod_binds_the_backups_volume(helm: HelmProgram, enabled: bool) -> None:
    manifests = helm.template("postgres", {"backup": {"enabled": enabled}})
    pod = one(manifests, "StatefulSet", "postgres")["spec"]["template"]["spec"]
    claims = [volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod["volumes"]]
    assert ("postgres-backup" in claims) is enabled


# Carries out what a session asks of the shell and of files; the queries' answers are made up.
PSQL = """#!/bin/sh
SHELL_ERROR=false
while IFS= read -r line; do
    case $line in
        \\\\o\\ *) printf 'public.tasks|1|7\\n' >"${line#* }" ;;
        \\\\!*) SNAPSHOT=1 /bin/sh -c "${line#??}" || SHELL_ERROR=true ;;
        DO*RAISE*) [ $SHELL_ERROR = false ] || exit 3 ;;
    esac
done
"""

# Refuses as often as the file of a test says.
PG_ISREADY = """#!/bin/sh
[ -e ../refusals ] || exit 0
read -r left <../refusals
[ "$left" -gt 0 ] || exit 0
echo "$((left - 1))" >../refusals
exit 2
"""


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A folder for backups, with stand-ins for PostgreSQL's programs and only dash's own tools."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pg_dump").write_text(
        "#!/bin/sh\n"
        "for argument; do case $argument in --file=*) printf dump"
        ' >"${argument#--file=}";; esac; done\n'
        'exit "${DUMP_STATUS:-0}"\n'
    )
    (programs / "pg_restore").write_text('#!/bin/sh\nexit "${RESTORE_STATUS:-0}"\n')
    (programs / "psql").write_text(PSQL)
    (programs / "pg_isready").write_text(PG_ISREADY)
    (programs / "date").write_text('#!/bin/sh\necho "$NOW"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    # What the image has besides its shell, and no more.
    for name in ("cat", "mv", "rm", "sha256sum", "sleep", "sync"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    (tmp_path / "password").write_text("secret")
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def run_backup(folder: Path, now: str, **environment: str) -> subprocess.CompletedProcess[str]:
    home = folder.parent
    return subprocess.run(
        ["/bin/sh", str(ROOT / "charts" / "postgres" / "files" / "backup.sh")],
        env={
            "PATH": str(home / "bin"),
            "BACKUP_DIR": str(folder),
            "BACKUP_KEEP": "2",
            "PGDATABASE": "todo",
            "PASSWORD_FILE": str(home / "password"),
            "NOW": now,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_backup_has_a_checksum_and_is_private(backup: Path) -> None:
    done = run_backup(backup, "20260101T020000Z")
    assert done.returncode == 0, done.stderr
    dump = backup / "todo-20260101T020000Z.dump"
    assert dump.read_text() == "dump"
    assert dump.stat().st_mode & 0o077 == 0
    assert (backup / f"{dump.name}.tables").read_text() == "public.tasks|1|7\n"
    checked = subprocess.run(
        ["sha256sum", "--check", f"{dump.name}.sha256"], cwd=backup, check=False, env=os.environ
    )
    assert checked.returncode == 0


def test_backup_keeps_the_newest(backup: Path) -> None:
    for day in ("03", "01", "02", "04"):
        assert run_backup(backup, f"202601{day}T020000Z").returncode == 0
    assert sorted(item.name for item in backup.glob("*")) == [
        "todo-20260103T020000Z.dump",
        "todo-20260103T020000Z.dump.sha256",
        "todo-20260103T020000Z.dump.tables",
        "todo-20260104T020000Z.dump",
        "todo-20260104T020000Z.dump.sha256",
        "todo-20260104T020000Z.dump.tables",
    ]


def test_many_backups_in_a_day_leave_those_of_the_days_before(backup: Path) -> None:
    for stamp in ("20260101T020000Z", "20260102T020000Z", "20260102T180000Z", "20260102T190000Z"):
        assert run_backup(backup, stamp).returncode == 0
    assert sorted(item.name for item in backup.glob("*.dump")) == [
        "todo-20260101T020000Z.dump",
        "todo-20260102T190000Z.dump",
    ]


@pytest.mark.parametrize("earlier", ["20260101T020000Z", "20260102T010000Z"])
def test_a_new_backup_stays_though_it_is_of_an_earlier_time(backup: Path, earlier: str) -> None:
    for stamp in ("20260102T020000Z", earlier):
        done = run_backup(backup, stamp, BACKUP_PREFIX="recovered", BACKUP_KEEP="1")
        assert done.returncode == 0, done.stderr
    assert [item.name for item in backup.glob("*.dump")] == [f"recovered-{earlier}.dump"]


def test_fewer_backups_to_keep_give_a_full_volume_room(backup: Path) -> None:
    for day in ("01", "02"):
        assert run_backup(backup, f"202601{day}T020000Z").returncode == 0
    done = run_backup(backup, "20260103T020000Z", BACKUP_KEEP="1", DUMP_STATUS="1")
    assert done.returncode != 0
    assert [item.name for item in backup.glob("*.dump")] == ["todo-20260102T020000Z.dump"]


def test_fewer_base_backups_to_keep_give_a_full_archive_room(tmp_path: Path) -> None:
    """The oldest goes before the next is made, and at once, not once the next is due."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {
        "pg_controldata": "echo 'Database system identifier: 7'",
        "pg_isready": "",
        "date": "echo 300",
        "sleep": "exec /bin/sleep 0.1",
        "pg_archivecleanup": f'echo "$@" >>{tmp_path}/cleaned',
        "pg_basebackup": f"ls {tmp_path}/7/base >{tmp_path}/there; exit 1",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    for second in ("100", "200"):
        folder = tmp_path / "7" / "base" / second
        folder.mkdir(parents=True)
        start = f"START WAL LOCATION: 0/1 (file 000000010000000000000{second})\n"
        (folder / "backup_label").write_text(start)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGDATA": str(tmp_path),
        "ARCHIVE_DIR": str(tmp_path),
        "ARCHIVE_BASE_SECONDS": "86400",
        "ARCHIVE_BASE_KEEP": "1",
    }
    archive = ROOT / "charts" / "postgres" / "files" / "archive.sh"
    with subprocess.Popen(["/bin/sh", str(archive), "base"], env=environment) as process:
        try:
            wait_until((tmp_path / "there").exists, "the base backups are there", 5)
        finally:
            process.terminate()
    assert (tmp_path / "there").read_text() == "200\n"
    assert (tmp_path / "cleaned").read_text().split()[-1] == "000000010000000000000200"


def test_backup_waits_for_a_network_that_lets_it_through(backup: Path) -> None:
    (backup.parent / "refusals").write_text("1\n")
    done = run_backup(backup, "20260101T020000Z")
    assert done.returncode == 0, done.stderr
    assert (backup.parent / "refusals").read_text() == "0\n"


@pytest.mark.parametrize("failing", ["DUMP_STATUS", "RESTORE_STATUS"])
def test_failed_backup_is_never_taken_for_one(backup: Path, failing: str) -> None:
    assert run_backup(backup, "20260101T020000Z").returncode == 0
    done = run_backup(backup, "20260102T020000Z", **{failing: "1"})
    assert done.returncode != 0
    assert [item.name for item in backup.glob("*.dump")] == ["todo-20260101T020000Z.dump"]
    # The next good run clears what was left half done.
    assert run_backup(backup, "20260103T020000Z").returncode == 0
    assert not list(backup.glob("*.partial"))


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_dump_that_is_there_has_its_checksum_and_its_record(backup: Path, renames: int) -> None:
    """Ended between any two of its steps, a backup is not taken for one, and leaves no trace."""
    real = backup.parent / "bin" / "mv"
    real.unlink()
    left = backup.parent / "left"
    left.write_text(f"{renames}\n")
    real.write_text(
        "#!/bin/sh\nread -r left <../left\n"
        '[ "$left" -gt 0 ] || exit 1\n'
        'echo "$((left - 1))" >../left\n'
        'exec /usr/bin/mv "$@"\n'
    )
    real.chmod(0o755)
    assert run_backup(backup, "20260101T020000Z").returncode != 0
    assert left.read_text() == "0\n"
    assert not list(backup.glob("*.dump"))
    real.unlink()
    real.symlink_to("/usr/bin/mv")
    assert run_backup(backup, "20260102T020000Z").returncode == 0
    assert sorted(item.name for item in backup.iterdir()) == [
        "todo-20260102T020000Z.dump",
        "todo-20260102T020000Z.dump.sha256",
        "todo-20260102T020000Z.dump.tables",
    ]
