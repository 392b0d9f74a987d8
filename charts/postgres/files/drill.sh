#!/bin/sh
# Proves that the newest backup can be restored: into a server of its own in this pod, so that the
# running one is neither needed nor touched. Compares every table with what the backup recorded.
set -eu

fail() {
    printf 'drill: %s\n' "$*" >&2
    exit 1
}

again="make a new one with \`make backup\`, or: kubectl create job --from=cronjob/postgres-backup backup-now"
cd "$BACKUP_DIR"
set -- "$TODO_DATABASE_NAME"-*.dump
while [ "$#" -gt 1 ]; do shift; done
dump=$1
[ -e "$dump" ] || fail "there is no backup: $again"
[ -e "$dump.tables" ] || fail "$dump does not say what it holds: $again"
sha256sum --check --quiet "$dump.sha256" || fail "$dump is damaged: $again"

# The server starts as in an empty cluster, with passwords that nobody knows.
mkdir -p "$TODO_PASSWORDS_DIR"
for role in superuser owner backend mcp-server; do
    cat /proc/sys/kernel/random/uuid >"$TODO_PASSWORDS_DIR/$role-password"
done
/usr/local/bin/entrypoint -c listen_addresses= -c fsync=off -c shared_buffers=32MB -c max_connections=10 \
    >/tmp/server.log 2>&1 &
server=$!
trap 'kill -INT $server 2>/dev/null && wait $server || true' EXIT
until pg_isready -q; do
    kill -0 $server 2>/dev/null || { cat /tmp/server.log >&2; fail "the scratch server did not start"; }
    sleep 0.2
done

restore="/bin/sh ${0%/*}/restore.sh"
$restore load <"$dump" || fail "$dump cannot be restored: $again"
tables=$($restore check <"$dump.tables") || fail "$dump is not what was backed up: $again"
$restore drop
printf 'drill: %s was restored, every table as recorded (name|rows|sum):\n%s\n' "$dump" "$tables"
