#!/bin/sh
# The floor of `pgrep-kit init` on Docker: the same cluster by a plain script of docker commands, with as few of them as
# do it. Ends when both standbys stream. Whoever runs it removes what it leaves: everything bears the label floor=NAME.
# Arguments: name, image, template of pg_hba.conf, settings, three ports.
set -eu
umask 077
name=$1 image=$2 hba=$3 settings=$4 port1=$5 port2=$6 port3=$7

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}
superuser=$(random)
replicator=$(random)

# NODE COMMAND...: a one-off container on the node's volume, as root, which it needs once; input goes to it.
tool() {
  node=$1
  shift
  docker run --rm --interactive --user=root --network="$name" --label="floor=$name" --env=LC_ALL=C.UTF-8 \
    --mount="type=volume,source=$name-$node,target=/node" --entrypoint=/bin/sh "$image" "$@"
}

# NODE PORT
start() {
  docker run --detach --init --user=postgres --network="$name" --name="$name-$1" --network-alias="$1" --hostname="$1" \
    --label="floor=$name" --env=LC_ALL=C.UTF-8 --env=PGPASSFILE=/node/conf/pgpass --env=PGUSER=postgres \
    --env=PGHOST=127.0.0.1 --env=PGDATABASE=postgres --publish="127.0.0.1:$2:5432" --shm-size=256m \
    --stop-signal=SIGINT --mount="type=volume,source=$name-$1,target=/node" "$image" \
    postgres -D /node/data -c config_file=/node/conf/postgresql.conf >/dev/null
}

# NODE: its configuration, as a script for the container's shell. No secret is in an argument.
files() {
  echo "umask 077; mkdir -p /node/conf; cat >/node/conf/pgpass <<'END'
*:*:*:postgres:$superuser
*:*:*:replicator:$replicator
END
printf '%s' '$superuser' >/node/conf/superuser
cat >/node/conf/pg_hba.conf <<'END'
$(cat "$hba")
END
cat >/node/conf/postgresql.conf <<'END'
$(cat "$settings")
cluster_name = '$1'
listen_addresses = '*'
hba_file = '/node/conf/pg_hba.conf'
$([ "$1" = pg1 ] || echo "primary_slot_name = '$1'
primary_conninfo = 'host=pg1 user=replicator application_name=$1 passfile=/node/conf/pgpass'")
END
chown -R postgres: /node"
}

# NODE PORT. The copy goes beside and is renamed, as ours is.
copy() {
  {
    files "$1"
    echo "exec su postgres -s /bin/sh -c '
      set -e
      export PATH=$path PGPASSFILE=/node/conf/pgpass
      pg_basebackup --dbname=\"host=pg1 user=replicator\" --slot=$1 \
        --pgdata=/node/data.new --wal-method=stream --checkpoint=fast --no-password
      : >/node/data.new/standby.signal
      mv /node/data.new /node/data'"
  } | tool "$1" -e
  start "$1" "$2"
}

# One exec for each wait: it asks within the container until the answer is yes.
await() {
  docker exec "$name-$1" sh -c "until [ \"\$(psql -XAtqc \"$2\" 2>/dev/null)\" = \"$3\" ]; do sleep 0.01; done"
}

docker network create --label="floor=$name" "$name" >/dev/null &
for node in pg1 pg2 pg3; do
  docker volume create --label="floor=$name" "$name-$node" >/dev/null &
done
path=$(docker image inspect --format='{{range .Config.Env}}{{println .}}{{end}}' "$image" | sed -n 's/^PATH=//p')
wait

{
  files pg1
  echo "exec su postgres -s /bin/sh -c '
    PATH=$path initdb --pgdata=/node/data --username=postgres --pwfile=/node/conf/superuser --auth=scram-sha-256 \
      --data-checksums --encoding=UTF8 --no-locale --no-instructions >/dev/null'"
} | tool pg1 -e
start pg1 "$port1"
await pg1 'SELECT 1' 1
docker exec --interactive "$name-pg1" psql -Xq -v ON_ERROR_STOP=1 >/dev/null <<SQL
CREATE ROLE replicator LOGIN REPLICATION PASSWORD '$replicator';
CREATE ROLE app LOGIN PASSWORD '$(random)';
CREATE DATABASE app OWNER app;
SELECT pg_create_physical_replication_slot('pg2', true), pg_create_physical_replication_slot('pg3', true);
SQL

copy pg2 "$port2" &
first=$!
copy pg3 "$port3"
wait "$first"

# Both stream, which they do only once they are consistent.
await pg1 "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'" 2
