import { join } from 'node:path';
import { startHost } from '../host/index.js';
import { connectTo } from '../machine/socket.js';
import { say } from '../shell.js';
import type { GuestFiles } from './build.js';
import { start } from './run.js';

const CONNECT_TIMEOUT_MS = 10_000;
/** Ctrl-], as in telnet. */
const ESCAPE = 0x1d;

/** A console in the guest, with the rig's parts made; ends when the guest is powered off, or with Ctrl-]. */
export async function shellInGuest(files: GuestFiles, work: string, seed: number): Promise<void> {
  const host = await startHost(work, { full: false, seed });
  const socket = join(work, 'console.sock');
  const guest = start(files, work, { socket }, [`cairn.seed=${seed}`, 'cairn.shell=1'], host.args);
  try {
    await host.started(join(work, 'qmp.sock'));
    const line = await connectTo(socket, CONNECT_TIMEOUT_MS);
    say('booting; Ctrl-] ends the guest');
    const { stdin } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', (bytes: Buffer) => {
      if (bytes.includes(ESCAPE)) guest.kill();
      else line.write(bytes);
    });
    line.on('error', () => guest.kill()); // the machine has ended
    line.pipe(process.stdout, { end: false });
    await guest.exited;
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.destroy();
  } finally {
    guest.kill();
    await host.stop();
  }
}
