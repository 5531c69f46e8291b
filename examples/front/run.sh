#!/bin/bash
# run.sh [port]: a front on 127.0.0.1:8080 (or $PORT, or the argument), workers in Swift, Python and Ruby, a Flask and a Sinatra
# application, on a private Redis (or the one at REDIS_URL). Ctrl-C ends it all. TEMPEST is the program, .build/release/tempest if
# nothing else is said; SWIFT_WORKER the Swift worker, built here if it is not given.
set -euo pipefail
cd "$(dirname "$0")/../.."
port=${1:-${PORT:-8080}}
TEMPEST=${TEMPEST:-.build/release/tempest}
export PYTHON=${PYTHON:-/usr/bin/python3} RUBY=${RUBY:-ruby}
if ! [ -x "$TEMPEST" ]; then
  echo "run.sh: there is no program $TEMPEST: run \`make build\` first, or say where it is with TEMPEST=…" >&2
  exit 1
fi
if (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then
  echo "run.sh: something listens on 127.0.0.1:$port already: give another port, as in examples/front/run.sh 8081" >&2
  exit 1
fi
if [ -z "${SWIFT_WORKER:-}" ]; then
  build=("${SWIFT:-swift}" build --package-path examples/front)
  # The tests build all examples into one folder.
  if [ -n "${SCRATCH:-}" ]; then build+=(--scratch-path "$SCRATCH" --disable-build-manifest-caching); fi
  "${build[@]}" >&2
  SWIFT_WORKER=$("${build[@]}" --show-bin-path)/front-worker
fi
export SWIFT_WORKER
examples/flask/run.sh --prepare

folder=$(mktemp -d)
pids=()
# shellcheck disable=SC2317  # the trap calls it
end() {
  trap '' INT TERM HUP
  # The last one first: the front lets go of its browsers, the workers of their jobs, and Redis goes when nobody needs it any more.
  for ((place = ${#pids[@]} - 1; place >= 0; place--)); do
    kill -TERM "${pids[place]}" 2>/dev/null || true
    wait "${pids[place]}" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 0' INT TERM HUP
# Each in a session of its own, so that Ctrl-C reaches this script alone; they end with it, even when it is killed.
start() {
  setpriv --pdeathsig TERM setsid "$@" &
  pids+=($!)
}

if [ -z "${REDIS_URL:-}" ]; then
  start redis-server --port 0 --unixsocket "$folder/redis.sock" --save '' --dir "$folder" --logfile redis.log
  export REDIS_URL="unix://$folder/redis.sock"
  until [ -S "$folder/redis.sock" ]; do
    kill -0 "${pids[0]}" 2>/dev/null || { echo "run.sh: redis-server did not start" >&2; exit 1; }
    sleep 0.05
  done
fi
export TEMPEST_UPLOADS="$folder/uploads"
mkdir "$TEMPEST_UPLOADS"
start "$TEMPEST" supervise examples/front/workers.yaml --ready-file "$folder/ready"
start "$TEMPEST" front --config examples/front/front.yaml --listen "127.0.0.1:$port" --uploads "$TEMPEST_UPLOADS"
until [ -e "$folder/ready" ] && (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; do
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || { echo "run.sh: it did not start, for the reason above" >&2; exit 1; }
  done
  sleep 0.1
done
cat <<TEXT

  http://127.0.0.1:$port/               requests, events, a room, an upload, a session, a stream and a route through three languages
  http://127.0.0.1:$port/events.html?channel=news    the events of a channel
  http://127.0.0.1:$port/socket.html    the frames of a WebSocket
  http://127.0.0.1:$port/flask/         the Flask application
  http://127.0.0.1:$port/sinatra/       the Sinatra application

  Ctrl-C ends it. Redis is $REDIS_URL
TEXT
wait -n "${pids[@]}" || true
echo "run.sh: one of the programs has ended; the reason is above" >&2
exit 1
