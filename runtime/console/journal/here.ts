import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { kernelBootId, systemClock, systemWallClock, type WallClock } from '../../clock/index.js';
import { askToSign } from '../../head-signature.js';
import type { Moment } from './entry.js';
import { type Journal, open } from './index.js';

/** Each line that people come by has a journal of its own: its console is the one process that writes it. */
export function journalsFolder(state: string): string {
  return join(state, 'journal');
}

/** Of one line. */
export function journalFolder(state: string, device: string): string {
  return join(journalsFolder(state), lineName(device));
}

/** `device` is the line's path (`/dev/ttyS0`); `socket` where the node answers, undefined as long as nobody knows. */
export function openHere(
  state: string,
  device: string,
  socket: () => string | undefined,
  log: (text: string) => void,
): Journal {
  return open(journalFolder(state, device), {
    now: momentHere(),
    sign: async (head) => {
      const path = socket();
      return path === undefined ? undefined : askToSign(path, head);
    },
    log,
  });
}

/** What standard input is: `/dev/ttyS0`, or `pipe:[7]` (proc_pid_fd(5)). */
export function deviceHere(): string {
  return readlinkSync('/proc/self/fd/0');
}

/** `/dev/ttyS0` is `ttyS0`, `/dev/pts/3` is `pts-3`; what is no device is `line`. */
export function lineName(device: string): string {
  const path = /^\/dev\/(.+)$/.exec(device)?.[1] ?? '';
  const name = path.replaceAll(/[^A-Za-z0-9]+/g, '-');
  return name.replaceAll(/^-|-$/g, '').slice(0, 32) || 'line';
}

function momentHere(): () => Moment {
  const [clock, wall] = [systemClock(), systemWallClock()];
  const boot = kernelBootId();
  return () => {
    const moment = { boot, bootMs: Number(clock.nowNs() / 1_000_000n) };
    const time = wallTime(wall);
    return time === undefined ? moment : { ...moment, wall: time };
  };
}

/** Only where the kernel says that it is right. A sandbox may refuse to tell: then nothing is known of it. */
function wallTime(wall: WallClock): string | undefined {
  try {
    return wall.sync().synchronised
      ? new Date(Number(wall.pair().wallNs / 1_000_000n)).toISOString()
      : undefined;
  } catch {
    return undefined;
  }
}
