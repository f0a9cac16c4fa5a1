import { randomBytes } from 'node:crypto';
import type { Refusal } from '../../runtime/console/login/judge.js';
import type { LoginPorts } from '../../runtime/console/login/ports.js';
import { NOTHING_SEEN, type Seen } from '../../runtime/console/login/seen.js';

/** A console where each line is typed by a function of what was said so far. */
export function consoleOf(typed: readonly ((said: string) => string)[]) {
  const lines = [...typed];
  const seen = {
    said: '',
    delays: [] as number[],
    failures: 0,
    installed: undefined as string | undefined,
    refusals: [] as Refusal[],
    grants: NOTHING_SEEN as Seen | undefined,
  };
  const ports: LoginPorts = {
    readLine: async () => lines.shift()?.(seen.said),
    out: (text) => {
      seen.said += `${text}\n`;
    },
    delay: async (ms) => {
      seen.delays.push(ms);
    },
    random: (bytes) => randomBytes(bytes),
    refused: async (why) => {
      seen.refusals.push(why);
    },
    readFailures: () => seen.failures,
    writeFailures: (count) => {
      seen.failures = count;
    },
    readSeen: () => seen.grants,
    writeSeen: (value) => {
      seen.grants = value;
    },
    installOwner: (pem) => {
      seen.installed = pem;
    },
  };
  return { seen, ports };
}

/** The newest. */
export function challengeIn(said: string): string {
  return said.match(/c1\.\S+/g)?.at(-1) ?? '';
}
