#!/bin/sh
# Builds the gem into the current folder. Inside the repository lib/tempest/tempest.lua is a link to protocol/, and a gem
# must carry the file itself: so the gem is built from a copy in which links are followed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -rL "$here/." "$copy"
cd "$copy"
gem build --silent tempest-queue.gemspec
mv tempest-queue-*.gem "$out"
