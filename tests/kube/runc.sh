#!/bin/sh
# runc where nobody has CAP_SYS_RESOURCE: a container that asks for it (every privileged one) gets all the others. REAL_RUNC is set by ./node.
without='def few: if . then map(select(. != "CAP_SYS_RESOURCE")) else . end;
  def all: if . then with_entries(.value |= few) else . end;'
edit() {
  jq -c "$without $2" "$1" >"$1.edited" && cat "$1.edited" >"$1"
  rm -f "$1.edited"
}
before=
for word; do
  case $before in
    --bundle) [ -f "$word/config.json" ] && edit "$word/config.json" 'if .process then .process.capabilities |= all else . end' ;;
    --process | -p) [ -f "$word" ] && edit "$word" '.capabilities |= all' ;;
  esac
  before=$word
done
exec "$REAL_RUNC" "$@"
