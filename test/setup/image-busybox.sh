#!/bin/sh
# Runs inside a container of the base test image and leaves what the official Alpine image would have: sh and all
# tools are busybox, the server's programs are in /usr/local/bin, `postgres` is uid 70, and there is no bash, no perl,
# no coreutils. It stands in for Alpine's tools, not for its C library. $1: the data directory that the image declares.
set -eu

# The server looks for its libraries beside its own folder, in ../lib.
busybox mv /usr/lib/postgresql/*/bin/* /usr/local/bin/
busybox mv /usr/lib/postgresql/*/lib/* /usr/local/lib/
busybox rm -r /usr/lib/postgresql

for folder in /usr/bin /usr/sbin; do
  for tool in "$folder"/*; do
    case $tool in
      /usr/bin/busybox) ;;
      *) busybox rm -rf "$tool" ;;
    esac
  done
done
for applet in $(busybox --list); do
  [ "$applet" = busybox ] || busybox ln -s busybox "/usr/bin/$applet"
done
busybox rm -rf /usr/share/perl /usr/share/perl5 /usr/lib/*/perl /usr/lib/*/perl-base /usr/share/postgresql-common

busybox sed -i -E 's/^(postgres:[^:]*):[0-9]+:[0-9]+:/\1:70:70:/' /etc/passwd
busybox sed -i -E 's/^(postgres:[^:]*):[0-9]+:/\1:70:/' /etc/group
busybox mkdir -p "$1" /docker-entrypoint-initdb.d
busybox chown -R postgres:postgres /var/lib/postgresql /var/log/postgresql /run/postgresql
busybox chmod 1777 "$1"
busybox chmod 3777 /run/postgresql

busybox cat >/usr/local/bin/docker-entrypoint.sh <<'EOF'
#!/bin/sh
echo "docker-entrypoint.sh was run: pgrep-kit must not depend on an image's entrypoint" >&2
exit 97
EOF
busybox chmod 0755 /usr/local/bin/docker-entrypoint.sh
