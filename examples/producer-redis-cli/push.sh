#!/bin/sh
# Pushes one job and prints its answer, with nothing but redis-cli.
#
#   push.sh QUEUE ACTION [ARGS] [LEVEL]     ARGS: a JSON array, by default []; LEVEL: by default `default`
#
# REDIS_URL says where Redis is: redis://host:port/db or unix:///path. TIMEOUT: seconds to wait for the answer, by default 30.
# Exits with 0 and the answer on standard output; 1: no answer in time; 2: wrong use, or Redis refused.
set -eu

usage() {
    echo "push.sh: $1" >&2
    echo "usage: push.sh QUEUE ACTION [JSON ARRAY OF ARGS] [LEVEL]" >&2
    exit 2
}

case $# in 2 | 3 | 4) ;; *) usage "two to four arguments, please" ;; esac
queue=$1 action=$2 args=${3:-'[]'} level=${4:-default}
case $queue in '' | *[!A-Za-z0-9_.-]*) usage "a queue is made of A-Z a-z 0-9 _ . -" ;; esac
case $level in [!A-Za-z]* | *[!A-Za-z0-9_.-]*) usage "a level is a letter, then A-Z a-z 0-9 _ . -" ;; esac
# Quotation marks and backslashes would need escapes in JSON; control characters are not allowed at all.
case $action in '' | *[\"\\[:cntrl:]]*) usage "an action has no quotation marks, backslashes or control characters here" ;; esac
case $args in '['*']') ;; *) usage "the args are a JSON array, such as '[1, \"two\"]'" ;; esac

url=${REDIS_URL:-redis://127.0.0.1:6379}
redis() {
    case $url in
        unix://*) redis-cli -e -s "${url#unix://}" "$@" ;;
        *) redis-cli -e -u "$url" --no-auth-warning "$@" ;;
    esac
}

# 128 random bits each: one names the job, the other the list that its answer comes to.
random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
job=$(random)
inbox=$(random)
# The level `default` is the bare key.
case $level in default) list=$queue ;; *) list="{$queue}:$level" ;; esac

printf '["%s",%s,"%s","%s"]' "$action" "$args" "$inbox" "$job" | redis -x RPUSH "$list" >/dev/null || exit 2
# BLPOP prints the list's name on a line of its own, then the answer.
answer=$(redis BLPOP "{$queue}:in:$inbox" "${TIMEOUT:-30}") || exit 2
if [ -z "$answer" ]; then
    echo "push.sh: no answer to job $job in time" >&2
    exit 1
fi
printf '%s\n' "$answer" | sed 1d
