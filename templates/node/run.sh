# Runs a PostgreSQL program of the image in a pgrep-kit container: the server, or an offline tool.
# usage: run.sh MAJOR PROGRAM [ARGUMENT...]
# Plain POSIX sh, because the image's shell may be dash, bash or busybox. It never depends on the image's entrypoint.

major=$1
shift

# The folders of the wanted major version come first: an image may hold several versions.
for folder in \
  "/usr/lib/postgresql/$major/bin" "/usr/pgsql-$major/bin" "/usr/libexec/postgresql$major" \
  "/usr/local/pgsql/bin" "/opt/postgresql/bin" "/opt/bitnami/postgresql/bin" "/usr/local/bin" "/usr/bin" \
  /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql*
do
  if [ -x "$folder/postgres" ]; then
    PATH="$folder:$PATH"
    export PATH
    break
  fi
done

if ! command -v "$1" >/dev/null 2>&1; then
  echo "pgrep-kit: the image has no program $1 in PATH or where PostgreSQL usually is" >&2
  exit 127
fi

exec "$@"
