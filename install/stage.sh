#!/bin/sh
# stage.sh PROJECT DIST TO: a copy of what runs on a node, and nothing else. DIST is where the TypeScript was compiled to.
# The packages are not in it: npm installs them there by the lock file.
set -eu
project=$1 dist=$2 to=$3
rm -rf "$to"
mkdir -p "$to/dist" "$to/native"
for name in package.json package-lock.json LICENSE bin board-configs; do cp -R "$project/$name" "$to/"; done
for name in runtime drivers native wire; do cp -R "$dist/$name" "$to/dist/"; done
cp "$project/native/binding.gyp" "$to/native/"
for built in build/Release/cairn.node prebuilds; do
  if [ -e "$project/native/$built" ]; then
    mkdir -p "$to/native/$(dirname "$built")"
    cp -R "$project/native/$built" "$to/native/$built"
  fi
done
find "$to/dist" -name '*.map' -delete
