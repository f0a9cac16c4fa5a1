import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freshFolder, run } from '../shell.js';
import { type NodeImage, places } from './index.js';

/** What a rig lays below a booting node's /run, before its systemd starts: a file or, with `to`, a link. */
export interface RunFile {
  readonly path: string;
  readonly text?: string;
  readonly to?: string;
  /** 0644 when absent. */
  readonly mode?: number;
}

/** How /run is filled: the image's own init does the rest. */
const FILL = '/bin/busybox mount -t tmpfs -o mode=755 run /root/run && /bin/busybox cp -a /run/. /root/run/';

/**
 * Writes an image's initrd anew to `initrd`, with a second archive behind it that fills /run. The image itself stays as it is flashed: no
 * byte of it is changed.
 */
export function addToRun(image: NodeImage, files: readonly RunFile[], initrd: string): void {
  const folder = freshFolder(`${initrd}.added`);
  for (const { path, text, to, mode } of files) {
    const at = join(folder, 'run', path);
    mkdirSync(dirname(at), { recursive: true });
    if (to === undefined) writeFileSync(at, text ?? '', { mode: mode ?? 0o644 });
    else symlinkSync(to, at);
  }
  const init = readFileSync(join(places().project, 'hil/node-image/init'), 'utf8');
  const last = /^exec .*switch_root.*$/m;
  if (!last.test(init)) throw new Error('the image’s init does not end as a rig knows it');
  writeFileSync(
    join(folder, 'init'),
    init.replace(last, (line) => `${FILL}\n${line}`),
    { mode: 0o755 },
  );
  copyFileSync(image.initrd, initrd);
  run('sh', ['-c', 'find . | cpio --quiet -R 0:0 -o -H newc | zstd -q >>"$0"', initrd], { cwd: folder });
}
