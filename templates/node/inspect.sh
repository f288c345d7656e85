# Says what a node's folder holds while no server runs there. Arguments: the node's folder.
# First line: debris or clean. If there is a data directory: standby or primary, the control data, a line "settings",
# and the lines by which synchronous commit was set, those of ALTER SYSTEM last.
cd "$1" || exit 0
found=clean
for leftover in data.new.*; do
  [ -e "$leftover" ] && found=debris
done
echo "$found"
if [ -e data/PG_VERSION ]; then
  if [ -e data/standby.signal ]; then echo standby; else echo primary; fi
  LC_ALL=C pg_controldata data 2>&1
  echo settings
  cat conf/postgresql.conf data/postgresql.auto.conf 2>/dev/null | grep '^ *synchronous_'
fi
exit 0
