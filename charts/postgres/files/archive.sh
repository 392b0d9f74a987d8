#!/bin/sh
# Keeps what bringing back a moment needs, below ARCHIVE_DIR/SYSTEM, where SYSTEM is the cluster's own
# identifier: a new cluster counts its log anew and must not meet an old one's.
#   archive.sh segment PATH NAME  archive_command: one finished segment of the log, packed, into wal/
#   archive.sh base               for ever: a base backup into base/ each ARCHIVE_BASE_SECONDS, named by the
#                                 second in which it ended; ARCHIVE_BASE_KEEP of them, and the log since
set -eu
umask 077

# Prints the folder of the cluster in PGDATA.
folder() {
    pg_controldata --pgdata="$PGDATA" | while IFS=: read -r name value; do
        if [ "$name" = "Database system identifier" ]; then
            echo "$ARCHIVE_DIR/${value##* }"
        fi
    done
}

# segment PATH NAME: success promises that the segment is on the disk, under its final name.
segment() {
    archived=$(folder)/wal
    target=$archived/$2.gz
    mkdir -p "$archived"
    if [ -e "$target" ]; then
        # The server stopped between our success and its note of it.
        [ "$(gzip -dc "$target" | sha256sum)" = "$(sha256sum <"$1")" ] && exit 0
        echo "archive: $target is there with another content" >&2
        exit 1
    fi
    gzip -n -1 <"$1" >"$target.partial"
    sync "$target.partial"
    mv "$target.partial" "$target"
    sync "$archived"
}

# due DIRECTORY: whether its newest base backup is too old, there is none, or there are more than to keep.
due() {
    set -- "$1"/[0-9]*[0-9]
    [ "$#" -le "$ARCHIVE_BASE_KEEP" ] || return 0
    while [ "$#" -gt 1 ]; do shift; done
    [ ! -e "$1" ] || [ "$(($(date +%s) - ${1##*/}))" -ge "$ARCHIVE_BASE_SECONDS" ]
}

# prune DIRECTORY: removes the oldest base backups beyond ARCHIVE_BASE_KEEP, and the log before the rest.
prune() {
    wal=${1%/base}/wal
    set -- "$1"/[0-9]*[0-9]
    while [ "$#" -gt "$ARCHIVE_BASE_KEEP" ]; do
        rm -rf "$1"
        shift
    done
    kept=$#
    while IFS= read -r line; do
        case $line in
            "START WAL LOCATION: "*)
                first=${line##*file }
                pg_archivecleanup -x .gz "$wal" "${first%)}"
                ;;
        esac
    done <"$1/backup_label"
}

# base DIRECTORY: one more base backup. What is too old goes before it as well: a lower
# ARCHIVE_BASE_KEEP gives a full volume room.
base() {
    rm -rf "$1"/*.partial
    mkdir -p "$1"
    set -- "$1" "$1"/[0-9]*[0-9]
    [ ! -e "$2" ] || prune "$1"
    new=$1/new.partial
    # What the log adds is in the archive: the backup is complete once its last segment is there.
    pg_basebackup --pgdata="$new" --username=postgres --no-password --wal-method=none --checkpoint=fast
    name=$(date +%s)
    mv "$new" "$1/$name"
    sync "$1"
    prune "$1"
    echo "archive: base backup $name, $kept kept"
}

case ${1:-} in
segment)
    segment "$2" "$3"
    ;;
base)
    # Process 1 has no default for signals, and the shell waits for a program before it looks.
    trap 'exit 0' INT TERM
    while :; do
        pause=60
        if ! pg_isready -q; then
            pause=2
        elif bases=$(folder)/base && due "$bases"; then
            (base "$bases") &
            wait $! || echo "archive: the base backup failed, see above; the next try is in a minute" >&2
        fi
        sleep $pause &
        wait $!
    done
    ;;
*)
    echo "archive.sh: '${1:-}' is none of segment, base" >&2
    exit 2
    ;;
esac
