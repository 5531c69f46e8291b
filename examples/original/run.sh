#!/bin/bash
# run.sh [LANGUAGE…]: a front of node-tempest (front.js) on a private Redis, with workers in Swift, Python and Ruby, or those named; asks it by
# HTTP until each has answered, and prints who did.
set -euo pipefail
cd "$(dirname "$0")"
PYTHON=${PYTHON:-/usr/bin/python3}
languages=("$@")
if [ $# = 0 ]; then languages=(Swift Python Ruby); fi
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
worker() { # language
  case $1 in
    Swift)
      swift=("${SWIFT:-swift}" build --package-path .)
      # The tests build all examples into one folder.
      if [ -n "${SCRATCH:-}" ]; then swift+=(--scratch-path "$SCRATCH" --disable-build-manifest-caching); fi
      "${swift[@]}" >&2
      "$("${swift[@]}" --show-bin-path)/original" 2>"$folder/swift.log" &
      ;;
    Python) "$PYTHON" worker.py 2>"$folder/python.log" & ;;
    Ruby) ruby worker.rb 2>"$folder/ruby.log" & ;;
    *)
      echo "usage: run.sh [Swift|Python|Ruby]…" >&2
      exit 2
      ;;
  esac
  pids+=($!)
}
redis-server --port 0 --unixsocket "$folder/redis.sock" --save '' --dir "$folder" >/dev/null &
pids+=($!)
export REDIS_URL="unix://$folder/redis.sock"
for _ in $(seq 100); do
  redis-cli -s "$folder/redis.sock" ping >/dev/null 2>&1 && break
  sleep 0.05
done
for language in "${languages[@]}"; do worker "$language"; done
node front.js "$folder/redis.sock" tempest >"$folder/url" &
pids+=($!)
for _ in $(seq 100); do
  [ -s "$folder/url" ] && break
  sleep 0.05
done
url=$(cat "$folder/url")
# A worker that waits the longest gets the next request, so that each has its turn once it is there.
declare -A said
for _ in $(seq 600); do
  answer=$(curl --silent --show-error --max-time 30 "$url/hello?from=2012")
  said[${answer##* }]=$answer
  missing=
  for language in "${languages[@]}"; do [ -n "${said[$language]:-}" ] || missing+=" $language"; done
  [ -z "$missing" ] && break
  sleep 0.1
done
if [ -n "$missing" ]; then
  echo "no answer from$missing" >&2
  cat "$folder"/*.log >&2
  exit 1
fi
for language in "${languages[@]}"; do echo "${said[$language]}"; done
