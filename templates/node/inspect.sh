# Says what a node's folder holds while no server runs there. Arguments: the node's folder.
# First line: debris or clean; then standby or primary, and the control data, if there is a data directory.
cd "$1" || exit 0
found=clean
for leftover in data.new.*; do
  [ -e "$leftover" ] && found=debris
done
echo "$found"
if [ -e data/PG_VERSION ]; then
  if [ -e data/standby.signal ]; then echo standby; else echo primary; fi
  LC_ALL=C pg_controldata data 2>&1
fi
exit 0
