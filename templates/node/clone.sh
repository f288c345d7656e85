# Copies a running server, whole or not at all: pg_basebackup works beside the data directory and a rename puts it in place.
# Arguments: the node's folder, the connection string (without a password), the slot that keeps the WAL meanwhile.
set -eu
umask 077
cd "$1"

# To the disk before what comes next. Where `sync` takes no files (macOS, an old busybox), everything goes there.
flush() {
  sync "$@" 2>/dev/null || sync
}

if [ ! -e data ] && [ ! -L data ]; then
  rm -rf data.new.*
  new="data.new.$$"
  pg_basebackup --dbname="$2" --slot="$3" --pgdata="$new" --wal-method=stream --checkpoint=fast --no-password
  : >"$new/standby.signal"
  # Without it the copy would come up as a second primary.
  flush "$new/standby.signal" "$new"
  mv "$new" data
  flush .
elif [ ! -e data/PG_VERSION ]; then
  echo "The data directory $1/data is there, but holds no database (no PG_VERSION). It was left as it is." >&2
  exit 1
fi
