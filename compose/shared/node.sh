#!/bin/sh
# Runs one node as the postgres user: makes its data directory if there is none yet, then becomes the server.
# Arguments: the node's name, the primary's name. A standby waits for its primary, however long that takes.
# It never replaces a data directory that is there, and it never decides who is the primary.
set -eu
umask 077

name=$1
primary=$2
root=/pgrep-kit/node
# The password is found through PGPASSFILE. The node's own name is left to the running standby: a copy under way that
# bore it would count as a synchronous standby, and confirm commits that are lost with an unfinished copy.
conninfo="host=$primary port=5432 user=replicator"

say() {
  echo "$name: $1" >&2
}

# Statements for a server that nobody can reach yet; the first error ends it.
# https://www.postgresql.org/docs/current/app-postgres.html#APP-POSTGRES-SINGLE-USER
alone() {
  postgres --single -j -D "$root/data" -c exit_on_error=on -c log_min_error_statement=panic "$1" >/dev/null
}

make_primary() {
  [ ! -e "$root/prepared" ] || return 0
  sed -n 's/^.*:postgres://p' "$root/conf/pgpass" >"$root/conf/superuser"
  # Whatever version the image is: there is no file here that says another.
  major=$(postgres --version | sed 's/^.*) \([0-9]*\).*$/\1/')
  sh /templates/node/initialise.sh "$root" "$major"
  replicator=$(sed -n 's/^.*:replicator://p' "$root/conf/pgpass")
  alone postgres <<SQL
DO \$\$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') THEN CREATE ROLE replicator; END IF;
END \$\$;

ALTER ROLE replicator LOGIN REPLICATION PASSWORD '$replicator';

SQL
  # There is no CREATE DATABASE IF NOT EXISTS; a database that is there already is what we want.
  echo "CREATE DATABASE ecommerce" | alone postgres 2>/dev/null || true
  alone ecommerce </templates/samples/ecommerce.sql
  : >"$root/prepared"
  say "is the primary of a new cluster"
}

make_standby() {
  [ ! -e "$root/data" ] || return 0
  await_primary
  # The slot keeps the WAL from the first byte of the copy on; a copy that was interrupted finds its slot again.
  if [ -z "$slot" ]; then
    psql -XAtqd "$conninfo replication=true" -c "CREATE_REPLICATION_SLOT $name PHYSICAL RESERVE_WAL" >/dev/null
  fi
  say "copies $primary"
  tries=0
  until sh /templates/node/clone.sh "$root" "$conninfo" "$name"; do
    # The primary may not have noticed yet that an earlier copy was killed, and think the slot in use.
    tries=$((tries + 1))
    [ "$tries" -lt 5 ] || exit 1
    say "tries again"
    sleep "$tries"
  done
  say "is a whole copy of $primary"
}

# Sets `slot` to what the primary knows of this node's slot: nothing, if there is none.
await_primary() {
  told=
  until slot=$(psql -XAtqd "$conninfo replication=true connect_timeout=3" -c "READ_REPLICATION_SLOT $name" 2>&1); do
    reason=$(printf '%s\n' "$slot" | head -n 1)
    [ "$reason" = "$told" ] || say "waits for $primary: $reason"
    told=$reason
    sleep 0.2 2>/dev/null || sleep 1
  done
  slot=${slot%%|*}
}

# What differs from node to node. The rest is in postgresql.conf, the same for all.
write_settings() {
  {
    echo "cluster_name = '$name'"
    # The same on every node, so that a promoted standby demands the same of its first commit.
    echo "synchronous_standby_names = '$SYNCHRONOUS_STANDBY_NAMES'"
    if [ "$name" != "$primary" ]; then
      echo "primary_conninfo = '$conninfo application_name=$name passfile=$PGPASSFILE connect_timeout=5 tcp_user_timeout=5000'"
      echo "primary_slot_name = '$name'"
    fi
  } >"$root/conf/node.conf.new"
  mv "$root/conf/node.conf.new" "$root/conf/node.conf"
}

if [ "$name" = "$primary" ]; then
  make_primary
else
  make_standby
fi
write_settings
exec postgres -D "$root/data" -c config_file=/compose/postgresql.conf
