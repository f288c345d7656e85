# Copies a running server, whole or not at all: pg_basebackup works beside the data directory and a rename puts it in place.
# Arguments: the node's folder, the connection string (without a password), the slot that keeps the WAL meanwhile.
set -eu
umask 077
cd "$1"
if [ ! -e data ]; then
  rm -rf data.new.*
  new="data.new.$$"
  pg_basebackup --dbname="$2" --slot="$3" --pgdata="$new" --wal-method=stream --checkpoint=fast --no-password
  : >"$new/standby.signal"
  mv "$new" data
fi
