#!/bin/sh
# The floor of `pgrep-kit init` on local processes: the same cluster by PostgreSQL's own programs, as fast as a script
# gets there. Ends when both standbys stream. Whoever runs it removes what it leaves.
# Arguments: an empty folder, the folder of the binaries, template of pg_hba.conf, settings, three ports.
set -eu
umask 077
cd "$1"
PATH="$2:$PATH" hba=$3 settings=$4 port1=$5 port2=$6 port3=$7
export LC_ALL=C.UTF-8 PGPASSFILE="$PWD/pgpass" PGHOST=127.0.0.1 PGUSER=postgres PGDATABASE=postgres

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}
random >superuser
replicator=$(random)
echo "*:*:*:postgres:$(cat superuser)
*:*:*:replicator:$replicator" >pgpass

# NAME PORT [UPSTREAM-PORT]
start() {
  mkdir -p "$1/conf"
  cp "$hba" "$1/conf/pg_hba.conf"
  {
    cat "$settings"
    echo "cluster_name = '$1'
listen_addresses = '127.0.0.1'
port = $2
hba_file = '$PWD/$1/conf/pg_hba.conf'"
    [ -z "${3:-}" ] || echo "primary_slot_name = '$1'
primary_conninfo = 'host=127.0.0.1 port=$3 user=replicator application_name=$1 passfile=$PGPASSFILE'"
  } >"$1/conf/postgresql.conf"
  postgres -D "$PWD/$1/data" -c "config_file=$PWD/$1/conf/postgresql.conf" </dev/null >"$1/log" 2>&1 &
}

# The copy goes beside and is renamed, as ours is.
copy() {
  mkdir -p "$1"
  pg_basebackup --dbname="host=127.0.0.1 port=$port1 user=replicator" --slot="$1" \
    --pgdata="$1/data.new" --wal-method=stream --checkpoint=fast --no-password
  : >"$1/data.new/standby.signal"
  mv "$1/data.new" "$1/data"
  start "$1" "$2" "$port1"
}

mkdir pg1
initdb --pgdata=pg1/data --username=postgres --pwfile=superuser --auth=scram-sha-256 \
  --data-checksums --encoding=UTF8 --no-locale --no-instructions >/dev/null
start pg1 "$port1"
until psql -Xqp "$port1" -c 'SELECT' >/dev/null 2>&1; do sleep 0.01; done
psql -Xqp "$port1" -v ON_ERROR_STOP=1 >/dev/null <<SQL
CREATE ROLE replicator LOGIN REPLICATION PASSWORD '$replicator';
CREATE ROLE app LOGIN PASSWORD '$(random)';
CREATE DATABASE app OWNER app;
SELECT pg_create_physical_replication_slot('pg2', true), pg_create_physical_replication_slot('pg3', true);
SQL

copy pg2 "$port2" &
first=$!
copy pg3 "$port3"
wait "$first"

# Both accept connections, and both stream.
for port in "$port2" "$port3"; do
  until psql -Xqp "$port" -c 'SELECT' >/dev/null 2>&1; do sleep 0.01; done
done
streaming="SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
until [ "$(psql -XAtqp "$port1" -c "$streaming")" = 2 ]; do sleep 0.01; done
