#!/bin/sh
# Builds one test image from Debian's packages: MAJOR SUITE TAG RECIPE [MIRROR].
# It has the server's binaries, a `postgres` user and little else: no entrypoint, no volume, no cluster.
# Needs root and debootstrap; never touches anything but its own temporary folder and the tag it makes.
set -eu

major=$1 suite=$2 tag=$3 recipe=$4 mirror=${5:-}

work=$(mktemp -d "${TMPDIR:-/var/tmp}/pgrep-kit-image.XXXXXX")
root=$work/root
clean() {
  # debootstrap leaves /proc and /sys mounted when it is interrupted: never delete through a mount.
  for mounted in proc sys dev/pts; do
    umount "$root/$mounted" 2>/dev/null || true
  done
  rm -rf --one-file-system "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

# A suite younger than this machine's debootstrap has no script there; every newer one is built as sid is.
scripts=/usr/share/debootstrap/scripts
script=$scripts/$suite
[ -e "$script" ] || script=$scripts/sid

if ! debootstrap --variant=minbase --include="postgresql-$major,busybox,locales" \
  "$suite" "$root" ${mirror:+"$mirror" "$script"} >"$work/log" 2>&1; then
  tail -n 20 "$work/log" >&2
  exit 1
fi

# The package makes a cluster of its own; a node of ours starts from nothing.
chroot "$root" /bin/sh -eu <<EOF
rm -rf /etc/postgresql/$major /var/lib/postgresql/* /var/log/postgresql/*
localedef -i en_US -c -f UTF-8 en_US.UTF-8
mkdir -p /run/postgresql
chown postgres:postgres /run/postgresql
chmod 3777 /run/postgresql
EOF

# Only what the server needs: documentation, translations, caches and the JIT's compiler are most of the size.
cd "$root"
rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/*.log var/log/apt
rm -rf usr/share/doc usr/share/man usr/share/info usr/share/i18n usr/share/lintian usr/share/bash-completion
rm -rf usr/share/locale/* usr/lib/postgresql/"$major"/lib/bitcode usr/lib/postgresql/"$major"/lib/llvmjit*
rm -rf usr/lib/*/libLLVM* usr/lib/llvm-* usr/lib/*/libz3.so* usr/lib/*/perl/*/CORE

tar --one-file-system -c --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* . |
  docker import \
    -c "ENV PATH=/usr/lib/postgresql/$major/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    -c "LABEL pgrep-kit-test.recipe=$recipe" \
    - "$tag" >/dev/null
