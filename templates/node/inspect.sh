# Says what a node's folder holds while no server runs there. It only reads. Arguments: the node's folder.
# First line: debris or clean. Second: none, damaged, standby or primary. Where there is a database: the control data, a
# line "settings", and the lines by which synchronous commit was set, those of ALTER SYSTEM last. Last line: end.
# Whatever it cannot see makes it fail: a node is absent only where that was seen.
set -eu
if [ ! -e "$1" ] && [ ! -L "$1" ]; then
  # Storage that was made just now, and nothing in it yet. It must be there itself, and readable.
  cd "$(dirname "$1")"
  ls -A >/dev/null
  printf '%s\n' clean none end
  exit 0
fi
cd "$1"
ls -A >/dev/null
found=clean
for leftover in data.new.*; do
  [ ! -e "$leftover" ] || found=debris
done
echo "$found"
if [ -e data ] || [ -L data ]; then
  ls -A data/ >/dev/null
  if [ -e data/PG_VERSION ]; then
    if [ -e data/standby.signal ]; then echo standby; else echo primary; fi
    # A damaged control file shows in what is missing of the output; a program that is missing or was killed shows nothing.
    code=0
    LC_ALL=C pg_controldata data || code=$?
    [ "$code" -lt 126 ] || exit "$code"
    echo settings
    for file in conf/postgresql.conf data/postgresql.auto.conf; do
      [ ! -e "$file" ] || settings=$(cat "$file")
      printf '%s\n' "${settings-}" | grep '^ *synchronous_' || true
      settings=
    done
  else
    echo damaged
  fi
else
  echo none
fi
echo end
