#!/bin/sh
# Dumps the database into BACKUP_DIR: NAME.dump, its checksum (NAME.dump.sha256), and what the dump
# holds (NAME.dump.tables, see tables.sql), read from the same snapshot. The dump gets its name last,
# complete and readable, so one that is there has the other two. Keeps BACKUP_KEEP of them, of as
# many days as it can, and removes the others before the dump as well, so that a lower BACKUP_KEEP
# gives a full volume room. Uses what the image has: no sort, no wc. NAME is BACKUP_PREFIX (default:
# the database) and BACKUP_STAMP (default: the time).
set -eu
umask 077
cd "$BACKUP_DIR"

# Removes dumps beyond BACKUP_KEEP. The shell sorts the names, and so the times, of a pattern. The new
# one comes last, once it is there: a recovered one may be of an earlier time than the one that it
# replaces.
prune() {
    set --
    for dump in "$PREFIX"-*.dump; do
        [ "$dump" = "$DUMP" ] || set -- "$@" "$dump"
    done
    [ ! -e "$DUMP" ] || set -- "$@" "$DUMP"
    while [ "$#" -gt "$BACKUP_KEEP" ]; do
        # A day's older one goes first, so that an evening with many leaves those of the days before.
        surplus=$1
        previous=
        for dump; do
            if [ "${previous%T*}" = "${dump%T*}" ]; then
                surplus=$previous
                break
            fi
            previous=$dump
        done
        rm -f -- "$surplus" "$surplus.sha256" "$surplus.tables"
        for dump; do
            shift
            [ "$dump" = "$surplus" ] || set -- "$@" "$dump"
        done
    done
    kept=$#
}

# Both are called below, by the one that holds the lock.
case ${1:-} in
tidy)
    # What an interrupted run left behind.
    rm -f -- "$PREFIX"-*.partial
    for record in "$PREFIX"-*.dump.sha256 "$PREFIX"-*.dump.tables; do
        [ -e "${record%.*}" ] || rm -f -- "$record"
    done
    prune
    exit
    ;;
dump)
    pg_dump --format=custom --no-password --snapshot="$SNAPSHOT" --file="$DUMP.partial"
    pg_restore --file=/dev/null "$DUMP.partial"
    sum=$(sha256sum <"$DUMP.partial")
    printf '%s  %s\n' "${sum%% *}" "$DUMP" >"$DUMP.sha256.partial"
    sync "$DUMP.partial" "$DUMP.sha256.partial" "$DUMP.tables.partial"
    mv "$DUMP.tables.partial" "$DUMP.tables"
    mv "$DUMP.sha256.partial" "$DUMP.sha256"
    mv "$DUMP.partial" "$DUMP"
    sync .
    exit
    ;;
esac

PGPASSWORD=$(cat "$PASSWORD_FILE")
PREFIX=${BACKUP_PREFIX:-$PGDATABASE}
DUMP=$PREFIX-${BACKUP_STAMP:-$(date -u +%Y%m%dT%H%M%SZ)}.dump
SELF=$0
TABLES=${0%/*}/tables.sql
export PGPASSWORD PREFIX DUMP SELF

# Where policies act, the network may let a new pod through a moment after its start.
tries=30
until pg_isready -q || [ "$((tries -= 1))" -eq 0 ]; do
    sleep 1
done

psql --no-psqlrc --no-password --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 <<END
-- One backup at a time, whoever started it.
DO 'BEGIN PERFORM pg_advisory_lock(hashtext(''todo-backup'')); END';
\! /bin/sh "\$SELF" tidy
SET idle_in_transaction_session_timeout = 0;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
\o $DUMP.tables.partial
\i $TABLES
\o
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\! /bin/sh "\$SELF" dump
\if :SHELL_ERROR
DO 'BEGIN RAISE EXCEPTION ''the dump failed, see above''; END';
\endif
COMMIT;
END

prune
echo "backup: wrote $DUMP, $kept kept"
