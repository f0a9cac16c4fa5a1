import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SerialConsole } from '../../../hil/machine/serial-console.js';
import type { RunFile } from '../../../hil/node-image/added.js';
import { run } from '../../../hil/shell.js';
import { nodeImage } from './image-file.js';

/** A person with a cable at an image's serial line, and their own computer, which has no network. */

const MAIN = join(import.meta.dirname, '../../../runtime/main.js');
/** A command on the console starts Node by translation. */
export const SLOW_MS = 240_000;
export const CHALLENGE = /c1\.[0-9a-f]{16}\.\S{22}\r?\nAnswer by: [^\n]*\n/;
export const SECRET = /one-time secret[^\n]*\n/;
/** The node of the image is named by its file. */
export const OWNERS_PROMPT = / owner> $/;
const NODE_FILE = '/run/rig/node.yaml';

/** A folder of the suite's own, with an image's data partition as it leaves its maker. */
export async function freshCard(suite: string) {
  const work = join(process.env.CAIRN_HIL_WORK ?? '.', suite);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const image = await nodeImage();
  const data = join(work, 'card.ext4');
  run('cp', ['--sparse=always', image.emptyData, data]);
  return { work, image, data };
}

/** All that a suite lays over an image: where the broker is. */
export function brokerAt(port: number): readonly RunFile[] {
  const url = `uplink: { url: 'mqtt://10.0.2.2:${port}' }`;
  return [
    { path: 'rig/node.yaml', text: `include: [../../etc/cairn/node.yaml]\n${url}\n` },
    {
      path: 'systemd/system/cairn.service.d/rig.conf',
      text: `[Service]\nTimeoutStartSec=600s\nExecStart=\nExecStart=/usr/local/bin/cairn run --init --config ${NODE_FILE}\n`,
    },
    {
      path: 'systemd/system/cairn-console@.service.d/rig.conf',
      text: `[Service]\nEnvironment=CAIRN_CONFIG=${NODE_FILE}\n`,
    },
    // A host that is busy with other guests is no fault of the image.
    { path: 'systemd/system.conf.d/rig.conf', text: '[Manager]\nDefaultTimeoutStartSec=600s\n' },
  ];
}

/** Presses Enter, waits for a question, and answers it. */
export async function dialogue(
  line: SerialConsole,
  question: RegExp,
  answer: (said: string) => string,
): Promise<void> {
  await line.expect(/Press Enter to log in/, SLOW_MS);
  line.send('\n');
  const found = await line.expect(question, SLOW_MS);
  line.send(`${answer(found[0])}\n`);
}

/** Types a command at a prompt; resolves to what it said, once the next prompt is there. */
export async function types(line: SerialConsole, prompt: RegExp, command: string): Promise<string> {
  line.send(`${command}\n`);
  const [said] = await line.expect(new RegExp(`[\\s\\S]*${prompt.source}`), SLOW_MS);
  return said.replaceAll('\r', '');
}

/** A command of `cairn` on the host. */
export function cairn(...words: readonly string[]): string {
  const done = spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr + done.stdout);
  return done.stdout.trim();
}

/** What the holder's own computer says to a challenge, offline. */
export function answerBy(key: string, grant?: string): (said: string) => string {
  return (said) => {
    const challenge = /c1\.\S+/.exec(said)?.[0] ?? '';
    return cairn('answer', challenge, '--key', key, ...(grant === undefined ? [] : ['--grant', grant]));
  };
}

export interface KeyFiles {
  readonly file: string;
  readonly publicFile: string;
  readonly pem: string;
}

export function makeKey(folder: string, name: string): KeyFiles {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const file = join(folder, `${name}.key`);
  const publicFile = join(folder, `${name}.pub`);
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString().trim();
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(publicFile, `${pem}\n`);
  return { file, publicFile, pem };
}
