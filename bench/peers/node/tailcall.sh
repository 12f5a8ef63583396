#!/bin/sh
# Tailcall as a gateway under test: the same options as the others; this very process becomes Tailcall, so that its own time and memory are measured.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
node "$here/tailcall.mjs" configure "$folder" "$@"
node "$here/tailcall.mjs" await "$folder" "$@" &
export TAILCALL_TRACKER=false TAILCALL_LOG_LEVEL=error
cd "$folder"
exec "$here/node_modules/.bin/tailcall" start tailcall.graphql >/dev/null
