#!/bin/sh
# Tailcall as a gateway under test, with the options of the others. This very process becomes Tailcall, so that whoever
# started it measures Tailcall's own time and memory.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
[ -x "$here/node_modules/.bin/tailcall" ] || { echo 'error: Tailcall is not installed: run `npm ci` in bench/peers/node' >&2; exit 2; }
node "$here/tailcall.mjs" configure "$folder" "$@"
node "$here/tailcall.mjs" await "$folder" "$@" &
export TAILCALL_TRACKER=false TAILCALL_LOG_LEVEL=error
cd "$folder"
exec "$here/node_modules/.bin/tailcall" start tailcall.graphql >/dev/null
