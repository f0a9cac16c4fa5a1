#!/bin/sh
# Puts Cairn on a Debian or Raspberry Pi OS that is already there, from a built clone (npm run build): install/install.sh as root.
# Idempotent: what is right is left alone; run it again after an update. It never touches /etc/cairn/node.yaml once that is there, nor
# the node's key and store in /var/lib/cairn. CAIRN_ROOT=DIR installs below DIR and starts nothing (tests, image builders).
set -eu

root=${CAIRN_ROOT:-}
project=$(cd "$(dirname "$0")/.." && pwd)
runtime=$root/usr/local/lib/cairn

say() { echo "[install] $*" >&2; }
fail() { say "$*"; exit 1; }

# Copies a file where it differs; tells systemd and udev later, if anything did.
changed=
put() {
  mode=$1 from=$2 to=$root$3
  cmp -s "$from" "$to" && [ "$(stat -c %a "$to")" = "$mode" ] && return 0
  mkdir -p "$(dirname "$to")"
  cp "$from" "$to"
  chmod "$mode" "$to"
  say "$3"
  changed=yes
}

check() {
  [ "$(id -u)" = 0 ] || fail "run it as root: sudo install/install.sh"
  command -v apt-get >/dev/null || fail "no apt-get: this script knows Debian and Raspberry Pi OS only"
  command -v systemd-sysusers >/dev/null || fail "no systemd here: the node would have nothing that starts it"
  node=$(command -v node) || fail "no Node: 20.19 or later is needed (https://nodejs.org, or npm's node-linux-$(uname -m))"
  "$node" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' ||
    fail "Node $("$node" --version) at $node is too old: 20.19 or later is needed"
  command -v npm >/dev/null || fail "no npm: Node's own, or Debian's package npm"
  [ -e "$project/dist/runtime/main.js" ] || fail "$project is not built; as its owner: npm run build"
  [ -d "$project/node_modules/esbuild" ] || fail "$project lacks what builds it; as its owner: npm run build"
  [ -e "$project/native/build/Release/cairn.node" ] || [ -d "$project/native/prebuilds" ] ||
    fail "the native add-on is not built; as the project's owner: npm run build"
}

# A fresh copy beside the old one, put in its place when it is whole.
install_runtime() {
  stamp=$(cd "$project" && {
    node -p 'process.versions.modules + process.arch'
    find bin board-configs dist/runtime dist/drivers dist/native dist/wire native/build/Release/cairn.node native/prebuilds \
      package.json package-lock.json install/bundle.mjs -type f 2>/dev/null | LC_ALL=C sort | xargs sha256sum
  } | sha256sum | cut -c1-64)
  [ "$(cat "$runtime/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
  rm -rf "$runtime.new"
  mkdir -p "$(dirname "$runtime")"
  sh "$project/install/stage.sh" "$project" "$project/dist" "$runtime.new"
  say "npm ci, for Node $(node --version)"
  (cd "$runtime.new" && npm ci --workspaces=false --omit=dev --no-audit --no-fund --loglevel=error >&2)
  # npm passes over an optional package that it can't build; a node without I2C would be no use.
  (cd "$runtime.new" && node -e 'for (const name of ["i2c-bus", "onoff", "classic-level", "serialport"]) require(name)') ||
    fail "a package could not be built for this Node: apt install build-essential python3"
  # An optional peer of valibot, and development's: npm leaves it out only where all that is optional is left out.
  rm -rf "$runtime.new/node_modules/typescript" "$runtime.new/node_modules/@typescript" "$runtime.new/node_modules/.bin"
  echo "$stamp" >"$runtime.new/.stamp"
  chown -R 0:0 "$runtime.new"
  rm -rf "$runtime.old"
  [ -e "$runtime" ] && mv "$runtime" "$runtime.old"
  mv "$runtime.new" "$runtime"
  rm -rf "$runtime.old"
  say "/usr/local/lib/cairn"
  changed=yes
}

# `node` must be found by a service too, whose PATH begins with /usr/local/bin.
install_links() {
  mkdir -p "$root/usr/local/bin"
  link ../lib/cairn/bin/cairn cairn
  case $(readlink -f "$(command -v node)") in
    /usr/local/bin/* | /usr/bin/*) ;;
    *) link "$(readlink -f "$(command -v node)")" node ;;
  esac
}

link() {
  [ "$(readlink "$root/usr/local/bin/$2" 2>/dev/null)" = "$1" ] || ln -sfn "$1" "$root/usr/local/bin/$2"
}

install_files() {
  put 644 "$project/install/cairn.service" /etc/systemd/system/cairn.service
  put 644 "$project/install/cairn-clock.service" /etc/systemd/system/cairn-clock.service
  put 644 "$project/install/cairn-clock.path" /etc/systemd/system/cairn-clock.path
  put 644 "$project/install/cairn-reboot.service" /etc/systemd/system/cairn-reboot.service
  put 644 "$project/install/cairn-reboot.path" /etc/systemd/system/cairn-reboot.path
  put 644 "$project/install/60-cairn.rules" /etc/udev/rules.d/60-cairn.rules
  put 644 "$project/install/cairn.sysusers" /etc/sysusers.d/cairn.conf
  put 644 "$project/install/cairn.tmpfiles" /etc/tmpfiles.d/cairn.conf
  put 644 "$project/install/cairn.modules" /etc/modules-load.d/cairn.conf
  [ -e "$root/etc/cairn/node.yaml" ] || put 644 "$project/install/node.yaml" /etc/cairn/node.yaml
}

start() {
  systemd-sysusers ${root:+--root="$root"} cairn.conf
  mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
  for unit in cairn.service cairn-clock.service cairn-clock.path cairn-reboot.path; do
    wants=$root/etc/systemd/system/multi-user.target.wants/$unit
    [ -L "$wants" ] || ln -s "/etc/systemd/system/$unit" "$wants"
  done
  [ -z "$root" ] || return 0
  [ -n "$changed" ] || { say "nothing to change"; return 0; }
  systemctl daemon-reload
  udevadm control --reload
  udevadm trigger --subsystem-match=gpio --subsystem-match=i2c-dev
  udevadm trigger --action=add --subsystem-match=leds
  systemd-tmpfiles --create cairn.conf
  systemctl restart systemd-modules-load.service cairn-clock.path cairn-reboot.path cairn.service
  say "the node runs: cairn status; its parts: /etc/cairn/node.yaml, then systemctl restart cairn"
}

check
install_runtime
install_links
install_files
start
