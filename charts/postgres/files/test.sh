#!/bin/sh
# The database does its job: the owner writes and reads back, the API's role may not change
# tables' shape, and a wrong password and a connection without TLS are refused.
set -eu

# query ROLE PASSWORD SQL
query() {
    PGPASSWORD=$2 psql --no-psqlrc --no-password --quiet --tuples-only --no-align \
        --set ON_ERROR_STOP=1 --username "$1" --command "$3"
}

owner=$(cat /run/secrets/todo/owner-password)
backend=$(cat /run/secrets/todo/backend-password)

answer=$(query todo_owner "$owner" "BEGIN; CREATE TABLE helm_test (word text);
    INSERT INTO helm_test VALUES ('kept'); SELECT word FROM helm_test; ROLLBACK")
[ "$answer" = kept ] || { echo "todo_owner wrote 'kept' and read '$answer'"; exit 1; }

answer=$(query todo_backend "$backend" 'SELECT current_user')
[ "$answer" = todo_backend ] || { echo "todo_backend could not log in: '$answer'"; exit 1; }

if query todo_backend "$backend" 'CREATE TABLE helm_test (word text)' 2>/dev/null; then
    echo "todo_backend may create tables: revoke CREATE on schema public from it"
    exit 1
fi

if query todo_backend "not-$backend" 'SELECT 1' 2>/dev/null; then
    echo "a wrong password was let in: password_encryption or pg_hba.conf is not scram-sha-256"
    exit 1
fi

if PGSSLMODE=disable query todo_backend "$backend" 'SELECT 1' 2>/dev/null; then
    echo "a connection without TLS was let in: pg_hba.conf has to say hostssl"
    exit 1
fi

wal=$(query todo_owner "$owner" "SELECT last_failed_wal FROM pg_stat_archiver
    WHERE last_failed_time > coalesce(last_archived_time, '-infinity')")
[ -z "$wal" ] || { echo "segment $wal cannot be archived: see the log of postgres-0, and the archive's free space"; exit 1; }
echo "postgres: writes, reads, and refuses what it should"
