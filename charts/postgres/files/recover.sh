#!/bin/sh
# Makes a backup of the database as it was at RECOVERY_TIME, from the newest base backup before it and
# the log since, in a server of its own in this pod: the running one is neither needed nor touched. It
# is written into BACKUP_DIR as recovered-TIME.dump, with all that `make restore` wants; the one before goes.
set -eu
umask 077

fail() {
    printf 'recovery: %s\n' "$*" >&2
    exit 1
}

seconds=$(date -u -d "$RECOVERY_TIME" +%s) ||
    fail "'$RECOVERY_TIME' is no time: write it like 2026-01-31T18:30:00Z"
[ "$seconds" -le "$(date +%s)" ] || fail "$RECOVERY_TIME is still to come"
moment=$(date -u -d "$RECOVERY_TIME" '+%Y-%m-%d %H:%M:%S.%6N+00')

# A base backup is named by the second in which it ended; a moment within that second needs an older one.
base=
oldest=
for found in "$ARCHIVE_DIR"/*/base/[0-9]*[0-9]; do
    [ -e "$found" ] || fail "the archive holds no base backup yet; the first is made a minute after archiving began"
    ended=${found##*/}
    [ -n "$oldest" ] && [ "$oldest" -le "$ended" ] || oldest=$ended
    if [ "$ended" -lt "$seconds" ] && { [ -z "$base" ] || [ "$ended" -gt "${base##*/}" ]; }; then
        base=$found
    fi
done
[ -n "$base" ] || fail "the archive begins at $(date -u -d "@$oldest" +%Y-%m-%dT%H:%M:%SZ): name a later time"

# Of one full backup it makes a copy, and compares it with the backup's manifest on the way.
pg_combinebackup --no-sync --output="$PGDATA" "$base"
cat >"$PGDATA/postgresql.auto.conf" <<END
restore_command = 'gzip -dc "${base%/base/*}/wal/%f.gz" >"%p"'
recovery_target_time = '$moment'
recovery_target_action = promote
hot_standby = off
archive_mode = off
END
: >"$PGDATA/recovery.signal"

# The entry point wants passwords; the recovered roles have their own, which nobody needs here.
mkdir -p "$TODO_PASSWORDS_DIR"
for role in superuser owner backend mcp-server; do
    cat /proc/sys/kernel/random/uuid >"$TODO_PASSWORDS_DIR/$role-password"
done
/usr/local/bin/entrypoint -c listen_addresses= -c fsync=off -c shared_buffers=32MB \
    >/tmp/server.log 2>&1 &
server=$!
trap 'kill -INT $server 2>/dev/null && wait $server || true' EXIT
until pg_isready -q; do
    kill -0 $server 2>/dev/null || {
        # Segments that are not there are looked for at the end of the log; that is no news.
        cat /tmp/server.log >&2
        fail "the log in the archive does not lead to $RECOVERY_TIME, see above: name an earlier time"
    }
    sleep 0.2
done

BACKUP_PREFIX=recovered BACKUP_STAMP=$(date -u -d "$RECOVERY_TIME" +%Y%m%dT%H%M%SZ) BACKUP_KEEP=1 \
    PASSWORD_FILE=$TODO_PASSWORDS_DIR/superuser-password PGUSER=postgres PGDATABASE=$TODO_DATABASE_NAME \
    /bin/sh /opt/backup/backup.sh
