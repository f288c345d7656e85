# Makes an empty data directory, whole or not at all: initdb works beside it and a rename puts it in place.
# Arguments: the node's folder, the major version that it is to be. The superuser's password is in conf/superuser, which is removed whatever happens.
set -eu
umask 077
cd "$1"
trap 'rm -f conf/superuser' EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e data ] && [ ! -L data ]; then
  rm -rf data.new.*
  new="data.new.$$"
  initdb --pgdata="$new" --username=postgres --pwfile=conf/superuser --auth=scram-sha-256 \
    --data-checksums --encoding=UTF8 --no-locale --no-instructions >/dev/null
  major=$(cat "$new/PG_VERSION")
  if [ "$major" != "$2" ]; then
    rm -rf "$new"
    echo "The programs here are of PostgreSQL $major, the cluster's file says $2." >&2
    exit 1
  fi
  mv "$new" data
  # Where `sync` takes no files (macOS, an old busybox), everything goes to the disk.
  sync . 2>/dev/null || sync
elif [ ! -e data/PG_VERSION ]; then
  echo "The data directory $1/data is there, but holds no database (no PG_VERSION). It was left as it is." >&2
  exit 1
fi
