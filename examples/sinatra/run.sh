#!/bin/bash
# run.sh [option…]: serves the Sinatra application in this folder from the queue `web`, or another (--queue NAME), of the
# Redis at REDIS_URL.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
ruby=$here/../../clients/ruby
exec "${RUBY:-ruby}" -I "$ruby/lib" "$ruby/exe/tempest-rack" "$here/config.ru" "$@"
