#!/bin/sh
# The steps of a restore, each called by itself where the server's socket is. The running database
# is TODO_DATABASE_NAME; the restored one grows beside it as NAME_restore.
#   restore.sh load <DUMP      makes NAME_restore from a dump, or nothing
#   restore.sh check <TABLES   compares NAME_restore with what its backup recorded
#   restore.sh swap            NAME becomes NAME_previous, and NAME_restore becomes NAME
#   restore.sh undo            takes a swap back
#   restore.sh drop            removes NAME_restore
set -eu

name=$TODO_DATABASE_NAME
restore=${name}_restore
previous=${name}_previous

admin() {
    psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --username postgres postgres
}

# A dump is somebody's SQL: it runs with the rights of the tables' owner, not the superuser's.
as_owner() {
    PGPASSWORD=$(cat "${TODO_PASSWORDS_DIR:-/run/secrets/postgres}/owner-password")
    export PGPASSWORD
    "$@"
}

# rename FROM TO FROM TO: both or none.
rename() {
    admin <<END
-- A backup, or somebody's prompt; the services are stopped.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('$1', '$3') \g /dev/null
BEGIN;
ALTER DATABASE $1 RENAME TO $2;
ALTER DATABASE $3 RENAME TO $4;
COMMIT;
END
}

case ${1:-} in
load)
    admin <<END
SET client_min_messages = warning;
DROP DATABASE IF EXISTS $restore WITH (FORCE);
CREATE DATABASE $restore OWNER todo_owner;
REVOKE ALL ON DATABASE $restore FROM PUBLIC;
GRANT CONNECT ON DATABASE $restore TO todo_backend, todo_mcp;
END
    as_owner pg_restore --single-transaction --exit-on-error --no-password --username todo_owner \
        --dbname "$restore"
    ;;
check)
    expected=$(cat)
    found=$(as_owner psql --no-psqlrc --no-password --quiet --tuples-only --no-align \
        --set ON_ERROR_STOP=1 --username todo_owner --file "${0%/*}/tables.sql" "$restore")
    [ -n "$expected" ] || { echo "restore: the backup recorded no table" >&2; exit 1; }
    [ "$found" = "$expected" ] || {
        printf 'restore: the tables differ (name|rows|sum).\nThe backup recorded:\n%s\nThe dump held:\n%s\n' \
            "$expected" "$found" >&2
        exit 1
    }
    printf '%s\n' "$found"
    ;;
swap)
    printf '%s\n' "DROP DATABASE IF EXISTS $previous WITH (FORCE);" | admin
    rename "$name" "$previous" "$restore" "$name"
    ;;
undo)
    rename "$name" "$restore" "$previous" "$name"
    ;;
drop)
    printf '%s\n' "DROP DATABASE IF EXISTS $restore WITH (FORCE);" | admin
    ;;
*)
    echo "restore.sh: '${1:-}' is none of load, check, swap, undo, drop" >&2
    exit 2
    ;;
esac
