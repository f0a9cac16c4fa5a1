#!/bin/sh
# stage.sh PROJECT DIST TO: what runs on a node, and nothing else. DIST is where the TypeScript was compiled to.
# node_modules is not in it: npm installs it there by the lock file, for the add-ons, the repair of a store, and the bill of materials.
set -eu
project=$1 dist=$2 to=$3
rm -rf "$to"
mkdir -p "$to/dist" "$to/native"
for name in package.json package-lock.json LICENSE bin board-configs; do cp -R "$project/$name" "$to/"; done
node "$project/install/bundle.mjs" "$dist" "$to/dist"
cp "$project/native/binding.gyp" "$to/native/"
for built in build/Release/cairn.node prebuilds; do
  if [ -e "$project/native/$built" ]; then
    mkdir -p "$to/native/$(dirname "$built")"
    cp -R "$project/native/$built" "$to/native/$built"
  fi
done
