import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { native } from '../../../native/index.js';
import { systemWallClock } from '../../clock/index.js';
import type { NodeConfig } from '../../config/index.js';
import { toJson } from '../../control.js';
import { version } from '../../package.js';
import { BUNDLE_DEFAULT_BYTES, collected, knownSecrets, packed } from '../bundle/index.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { viewConfig } from '../config-access.js';
import { checkRunning, configPath } from '../files.js';
import { MediaFile } from '../media-file.js';
import { countText, wrapped } from '../text.js';

/** RFC 2045 §6.8: what a pasted text of base64 has in a line. */
const LINE_CHARACTERS = 76;
/** Start, eight bits, stop; CR LF behind each line. */
const BITS_PER_CHARACTER = 10;
const [MIN_KB, MAX_KB] = [200, 20_000];

export const supportBundle: Command = {
  name: 'support-bundle',
  topic: 'machine',
  summary:
    'what somebody far away needs to help, as one file without secrets: into a folder, or down the line',
  usage: '[--to FOLDER | --to -] [--max KB] [--config FILE]   (- : as base64 lines, which is the default)',
  examples: ['cairn support-bundle --to /media/usb', 'cairn support-bundle --to - --max 500'],
  options: { ...CONFIG_OPTION, to: { type: 'string', default: '-' }, max: { type: 'string' } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const maxBytes = maxOf(call);
    const { name, bytes } = await bundleOf(call, maxBytes);
    if (call.signal.aborted) throw new CommandError(EXIT.failed, 'interrupted: no bundle was made');
    const { to } = call.options;
    if (to === '-') await downTheLine(call, name, bytes);
    else await toFolder(call, String(to), name, bytes);
    return EXIT.ok;
  },
};

function maxOf({ options: { max } }: Invocation): number {
  if (max === undefined) return BUNDLE_DEFAULT_BYTES;
  const kb = Number(max);
  if (kb >= MIN_KB && kb <= MAX_KB) return Math.floor(kb * 1000);
  throw new CommandError(EXIT.usage, `--max: ${MIN_KB} to ${MAX_KB} kB, before they are compressed`);
}

async function bundleOf(call: Invocation, maxBytes: number) {
  const { terminal } = call;
  const path = configPath(call);
  const checked = checkRunning(path, () => undefined);
  const config = checked.ok ? checked.config : undefined;
  const view = await viewConfig(call);
  const { secrets, unread } = knownSecrets(view.report.bundle.files, config);
  for (const file of unread)
    say(
      call,
      `${file} can't be read by you: that what it holds is nowhere in the bundle could not be checked.`,
    );
  const onPiece = (name: string) => {
    if (terminal.interactive) terminal.err(`${name} …`);
  };
  const { files, leftOut } = await collected({ call, configPath: path, config, view, onPiece });
  const wallNs = systemWallClock().pair().wallNs;
  const about = {
    ...{ format: 'cairn support bundle 1', software: version(), node: config?.name ?? null },
    made: {
      bootNs: native.bootTimeNs().toString(),
      kernelTime: iso(wallNs),
      by: `${call.caller.role} ${call.caller.name}`,
    },
    never:
      'private keys, passwords, URL users, other values whose name says secret, contents of rejected readings, addresses of network cards',
    secretsNotLookedFor: unread,
  };
  const bytes = packed({ files, leftOut, secrets, about }, maxBytes, Number(wallNs / 1_000_000_000n));
  return { name: nameOf(config, wallNs), bytes };
}

function nameOf(config: NodeConfig | undefined, wallNs: bigint): string {
  const node = (config?.name ?? 'node').replaceAll(/[^A-Za-z0-9-]+/g, '-').slice(0, 40);
  return `cairn-${node}-${iso(wallNs).slice(0, 19).replaceAll(/[-:]/g, '')}.tar.gz`;
}

function iso(ns: bigint): string {
  return new Date(Number(ns / 1_000_000n)).toISOString();
}

async function toFolder(call: Invocation, folder: string, name: string, bytes: Buffer): Promise<void> {
  const file = await MediaFile.create(join(folder, name));
  await file.write(bytes);
  await file.finish();
  if (call.json) call.terminal.out(toJson({ file: file.path, bytes: bytes.length, sha256: sha256(bytes) }));
  else say(call, `${file.path}: ${countText(bytes.length)} bytes, SHA-256 ${sha256(bytes)}`);
}

/** As a person pastes it into `base64 -d`: between two marks, with what it must come out as. */
async function downTheLine(call: Invocation, name: string, bytes: Buffer): Promise<void> {
  const { terminal, signal } = call;
  const lines = bytes.toString('base64').match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];
  await agree(call, bytes.length, lines.length);
  terminal.out(`-----BEGIN ${name} ${bytes.length} bytes-----`);
  for (const line of lines) {
    if (signal.aborted) throw new CommandError(EXIT.failed, 'interrupted: what came is no whole bundle');
    terminal.out(line);
    await terminal.drained();
  }
  terminal.out(`-----END ${name} SHA-256 ${sha256(bytes)}-----`);
  say(
    call,
    'Save the lines between the marks as b64, then: base64 -d b64 >bundle.tar.gz; sha256sum bundle.tar.gz',
  );
}

async function agree(call: Invocation, bytes: number, lines: number): Promise<void> {
  if (!call.terminal.interactive) return;
  const bits = lines * (LINE_CHARACTERS + 2) * BITS_PER_CHARACTER;
  say(
    call,
    `${countText(bytes)} bytes: ${durationText(bits / 9600)} at 9600 baud, ${durationText(bits / 115_200)} at 115200. Switch on your terminal's capture now.`,
  );
  const answer = await call.terminal.ask('Send it? Type yes: ');
  if (answer?.trim() !== 'yes' || call.signal.aborted)
    throw new CommandError(EXIT.usage, 'not agreed to\nNothing was sent.');
}

function durationText(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}

function say({ terminal }: Invocation, text: string): void {
  for (const line of wrapped(text, terminal.columns, 2)) terminal.err(line);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
