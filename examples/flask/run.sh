#!/bin/bash
# run.sh [--prepare | option…]: serves the Flask application in this folder from the queue `web`, or another (--queue NAME), of the
# Redis at REDIS_URL.
# --prepare only makes .venv, in which Flask is, and which the packages redis and msgpack of the system are seen from.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
if ! .venv/bin/python -c 'import flask' 2>/dev/null; then
  "${PYTHON:-/usr/bin/python3}" -m venv --clear --system-site-packages .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
fi
if [ "${1:-}" = --prepare ]; then exit 0; fi
export PYTHONPATH=$here/../../clients/python/src${PYTHONPATH:+:$PYTHONPATH}
exec .venv/bin/python -m tempest.wsgi shop:app "$@"
