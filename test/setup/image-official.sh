#!/bin/sh
# Runs inside a container of a base test image and makes it look as the official Debian image of PostgreSQL does:
# uid 999, a PGDATA below a declared volume, and an entrypoint. The entrypoint here only complains, because nothing
# of ours may depend on it. $1: the data directory that the image declares.
set -eu

sed -i -E 's/^(postgres:[^:]*):[0-9]+:[0-9]+:/\1:999:999:/' /etc/passwd
sed -i -E 's/^(postgres:[^:]*):[0-9]+:/\1:999:/' /etc/group
mkdir -p "$1" /docker-entrypoint-initdb.d
chown -R postgres:postgres /var/lib/postgresql /var/log/postgresql /run/postgresql
chmod 1777 "$1"
chmod 3777 /run/postgresql

cat >/usr/local/bin/docker-entrypoint.sh <<'EOF'
#!/bin/sh
echo "docker-entrypoint.sh was run: pgrep-kit must not depend on an image's entrypoint" >&2
exit 97
EOF
chmod 0755 /usr/local/bin/docker-entrypoint.sh
