#!/bin/sh
# Makes the volumes ready for the nodes: their folders, their owner, and passwords that are generated at the first start.
# It runs to its end, as root, before any node starts, and changes nothing that is there already.
# Arguments: the names of the nodes, the primary first. The volume of each is mounted at /nodes/NAME.
set -eu
umask 077

primary=$1
owner=$(id -u postgres):$(id -g postgres)
passwords=/nodes/$primary/node/conf/pgpass

fail() {
  echo "error:   $1" >&2
  echo "hint:    $2" >&2
  exit 1
}

if [ ! -e "/nodes/$primary/node/data" ]; then
  # A new, empty primary beside standbys that hold data would look like a cluster, and be none.
  for node in "$@"; do
    [ ! -e "/nodes/$node/node/data" ] ||
      fail "$primary has no data, but $node has" "Save what you need of $node, then begin anew: docker compose down --volumes"
  done
elif [ ! -e "$passwords" ]; then
  fail "the passwords are gone from the volume of $primary" "Begin anew: docker compose down --volumes"
fi

for node in "$@"; do
  mkdir -p "/nodes/$node/node/conf"
done

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# In a file that only the server's user may read: never in an argument, and never in the environment.
# https://www.postgresql.org/docs/current/libpq-pgpass.html
if [ ! -e "$passwords" ]; then
  printf '*:*:*:%s:%s\n' postgres "$(random)" replicator "$(random)" >"$passwords.new"
  mv "$passwords.new" "$passwords"
fi

for node in "$@"; do
  conf=/nodes/$node/node/conf
  [ "$node" = "$primary" ] || cp "$passwords" "$conf/pgpass"
  chown "$owner" "/nodes/$node/node" "$conf" "$conf/pgpass"
done
