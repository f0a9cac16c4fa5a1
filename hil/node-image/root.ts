import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import { run } from '../shell.js';
import type { Debian } from './debian.js';
import { installModules } from './initrd.js';
import type { ImageFile } from './node-file.js';

/** Never wanted on a node, though a package brings them: they cost boot time, or would ask for a password. */
const MASKED = [
  'getty@.service',
  'serial-getty@.service',
  'autovt@.service',
  'console-getty.service',
  'emergency.service',
  'rescue.service',
  'debug-shell.service',
  'systemd-random-seed.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
  'systemd-pcrphase.service',
  'systemd-pcrphase-sysinit.service',
  'systemd-user-sessions.service',
  'systemd-logind.service',
  'systemd-firstboot.service',
  'systemd-machine-id-commit.service',
  'systemd-remount-fs.service',
  'systemd-network-generator.service',
  'systemd-networkd-wait-online.service',
  'systemd-journal-flush.service',
  'systemd-journald-audit.socket',
  'systemd-initctl.socket',
  'systemd-fsckd.socket',
  'systemd-rfkill.socket',
  'systemd-repart.service',
  'systemd-binfmt.service',
  'systemd-tmpfiles-clean.timer',
  'systemd-ask-password-wall.path',
  'systemd-ask-password-console.path',
  'proc-sys-fs-binfmt_misc.automount',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'sys-fs-fuse-connections.mount',
  'ldconfig.service',
  'dbus.service',
  'dbus.socket',
  'getty.target',
  'getty-static.service',
];
/** They look for what an image doesn't have; each is a process before the first unit. */
const MASKED_GENERATORS = [
  'cryptsetup',
  'debug',
  'getty',
  'gpt-auto',
  'hibernate-resume',
  'integritysetup',
  'rc-local',
  'run',
  'system-update',
  'sysv',
  'veritysetup',
].map((name) => `systemd-${name}-generator`);
/** install/ → where it lies on a node. */
const INSTALLED = {
  'cairn.service': 'usr/lib/systemd/system/cairn.service',
  'cairn-clock.service': 'usr/lib/systemd/system/cairn-clock.service',
  'cairn-clock.path': 'usr/lib/systemd/system/cairn-clock.path',
  'cairn-reboot.service': 'usr/lib/systemd/system/cairn-reboot.service',
  'cairn-reboot.path': 'usr/lib/systemd/system/cairn-reboot.path',
  '60-cairn.rules': 'usr/lib/udev/rules.d/60-cairn.rules',
  'cairn.sysusers': 'usr/lib/sysusers.d/cairn.conf',
  'cairn.tmpfiles': 'usr/lib/tmpfiles.d/cairn.conf',
  'cairn.modules': 'usr/lib/modules-load.d/cairn.conf',
};
/** Where the runtime lies in a root. */
export const RUNTIME = 'usr/local/lib/cairn';

export interface RootParts {
  readonly arch: Arch;
  readonly debian: Debian;
  readonly project: string;
  /** The program node. */
  readonly node: string;
  /** What installRuntime made. */
  readonly runtime: string;
  readonly version: string;
  readonly files: readonly ImageFile[];
}

/** Unpacks and lays together a node's root in the fresh folder `root`. */
export function makeRoot(parts: RootParts, root: string): void {
  mkdirSync(root, { recursive: true });
  run('tar', ['-xpf', parts.debian.root, '-C', root, '--numeric-owner']);
  installModules(parts.debian.kernel, parts.debian.release, root);
  run('cp', ['-R', '--no-preserve=ownership', `${join(parts.project, 'hil/node-image/root')}/.`, root]);
  for (const [from, to] of Object.entries(INSTALLED)) {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(join(parts.project, 'install', from), join(root, to));
    chmodSync(join(root, to), 0o644);
  }
  installCairn(parts, root);
  run('systemd-sysusers', [`--root=${root}`]);
  for (const file of parts.files) writeFile(root, file);
  systemFiles(parts, root);
  for (const name of MASKED) mask(root, `system/${name}`);
  for (const name of MASKED_GENERATORS) mask(root, `system-generators/${name}`);
  run('systemctl', [`--root=${root}`, 'preset-all', '--preset-mode=full', '--quiet']);
  // After the presets, which take it for an alias and remove it.
  symlinkSync('/usr/lib/systemd/system/multi-user.target', join(root, 'etc/systemd/system/default.target'));
  assertLocked(root);
}

function installCairn(parts: RootParts, root: string): void {
  const to = join(root, RUNTIME);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(parts.runtime, to, { recursive: true });
  run('chown', ['-R', '0:0', to]);
  cpSync(parts.node, join(root, 'usr/local/bin/node'));
  chmodSync(join(root, 'usr/local/bin/node'), 0o755);
  symlinkSync('../lib/cairn/bin/cairn', join(root, 'usr/local/bin/cairn'));
}

function systemFiles(parts: RootParts, root: string): void {
  const put = (path: string, text: string) => writeFile(root, { path, text });
  put('/etc/cairn/version', `${parts.version}\n`);
  // An arm64 kernel has a ttyS0 too, with nothing behind it.
  const { console: tty } = archs[parts.arch];
  put('/usr/lib/systemd/system-preset/00-cairn-console.preset', `enable cairn-console@.service ${tty}\n`);
  put('/etc/hostname', 'cairn\n');
  put('/etc/hosts', '127.0.0.1 localhost cairn\n::1 localhost cairn\n');
  // Empty: the machine gets one at each boot, and none travels with the card.
  put('/etc/machine-id', '');
  rmSync(join(root, 'var/lib/dbus/machine-id'), { force: true });
  rmSync(join(root, 'etc/resolv.conf'), { force: true });
  symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(root, 'etc/resolv.conf'));
}

function mask(root: string, name: string): void {
  const path = join(root, 'etc/systemd', name);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  symlinkSync('/dev/null', path);
}

function writeFile(root: string, file: ImageFile): void {
  const path = join(root, file.path);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  writeFileSync(path, file.text, { mode: file.mode ?? 0o644 });
  chmodSync(path, file.mode ?? 0o644);
  if (file.owner !== undefined) {
    const ids = idsOf(root, file.owner);
    run('chown', [ids, path]);
  }
}

/** `user:group` by the image's own names, as numbers. */
function idsOf(root: string, owner: string): string {
  const [user, group] = owner.split(':');
  const number = (file: string, name: string | undefined) =>
    readFileSync(join(root, 'etc', file), 'utf8')
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':')[2];
  return `${number('passwd', user)}:${number('group', group)}`;
}

/** Throws where a user of the image has a password that could be typed. */
export function assertLocked(root: string): void {
  const lines = readFileSync(join(root, 'etc/shadow'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const open = lines.filter((line) => !/^[^:]+:[!*]/.test(line)).map((line) => line.split(':')[0]);
  if (open.length > 0) throw new Error(`users with a password, or without a locked one: ${open.join(', ')}`);
  for (const name of ['usr/sbin/sshd', 'usr/sbin/dropbear'])
    if (existsSync(join(root, name))) throw new Error(`${name} is in the image`);
}
