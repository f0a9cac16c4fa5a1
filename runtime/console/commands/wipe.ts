import { randomUUID } from 'node:crypto';
import { native } from '../../../native/index.js';
import { META_STREAM } from '../../../wire/index.js';
import type { NodeConfig } from '../../config/index.js';
import { ask, ControlError, controlPath, toJson } from '../../control.js';
import type { PipelineStatus } from '../../pipeline.js';
import { textFiles } from '../../text-files.js';
import {
  beginWipe,
  consoleFolder,
  finishWipe,
  type Places,
  placesOf,
  readBundle,
  State,
  WipeError,
  wipeDisk,
} from '../../update/index.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { request } from '../config-access.js';
import { configPath, readRunning } from '../files.js';
import { heldHere } from '../follow-export.js';
import { countText, wrapped } from '../text.js';

type What = 'store' | 'all';

/** A node that ends in order takes 4 s at the most, and one that hangs is ended after 20 s. */
const DONE_WITHIN_MS = 40_000;
const LOOK_MS = 100;

export const wipe: Command = {
  name: 'wipe',
  topic: 'machine',
  summary:
    'take all readings off the node, or with --all whatever makes it this node; nothing brings them back',
  usage: '[--store | --all] [--config FILE]',
  examples: ['cairn wipe', 'cairn wipe --all'],
  options: { ...CONFIG_OPTION, store: { type: 'boolean' }, all: { type: 'boolean' } },
  role: 'owner',
  onConsole: true,
  async run(call) {
    if (call.options.store === true && call.options.all === true)
      throw new CommandError(EXIT.usage, 'one of --store and --all');
    const what: What = call.options.all === true ? 'all' : 'store';
    const config = readRunning(call);
    const { bundle } = readBundle(configPath(call));
    const places = placesOf(bundle);
    say(call, await lossText(call, config, what));
    await agree(call, config.name);
    const isRunning = await answers(places, config);
    if (isRunning) await byNode(call, places, config, what);
    else here(call, places, config, what);
    const left = what === 'all' ? leftOf(places) : undefined;
    if (call.json) call.terminal.out(toJson({ wiped: what, left: left ?? null }));
    else say(call, doneText(what, isRunning, left));
    return left === undefined ? EXIT.ok : EXIT.failed;
  },
};

function say({ terminal }: Invocation, text: string): void {
  for (const line of text.split('\n'))
    for (const part of wrapped(line, terminal.columns, 2)) terminal.err(part);
}

/** By class, what nobody has a receipt for; counted from the running node, or from the files. */
async function lossText(call: Invocation, { name, store }: NodeConfig, what: What): Promise<string> {
  const goes =
    what === 'store'
      ? `All readings of node '${name}' go (${store.path}). It keeps its identity and begins a new epoch.`
      : `Node '${name}' goes: its readings (${store.path}), its key, who may log in, the console's journal, what was applied. What follows on this card is another node, and needs provisioning.`;
  return `${goes}\n${await countedText(call, store.path)}`;
}

async function countedText(call: Invocation, path: string): Promise<string> {
  const rows = new Map<string, number>();
  try {
    for await (const { class: name, bytes } of heldHere(call, path)) {
      const { stream, count } = native.decodeHeader(bytes);
      if (stream !== META_STREAM) rows.set(name, (rows.get(name) ?? 0) + count);
    }
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === EXIT.busy) throw error;
    return `What is lost can't be counted: ${(error as Error).message}`;
  }
  if (rows.size === 0) return 'Nothing is lost: every row has its receipt.';
  const counts = [...rows].map(([name, count]) => `${countText(count)} ${name}`);
  return `LOST, because nobody has a receipt for them: ${counts.join(', ')} rows. First: cairn store export --to FILE`;
}

async function agree({ terminal, signal }: Invocation, name: string): Promise<void> {
  const answer = await terminal.ask(`Type the node's name (${name}) to wipe it: `);
  if (answer?.trim() !== name || signal.aborted)
    throw new CommandError(EXIT.usage, 'That is not its name.\nNothing was changed.');
}

/** A process that runs the node, or a node that holds the store. */
async function answers({ socket }: Places, { store }: NodeConfig): Promise<boolean> {
  try {
    if ((await ask(socket, 'config')) !== undefined) return true;
  } catch (error) {
    if (error instanceof ControlError) return true;
    throw error;
  }
  if ((await ask(controlPath(store.path), 'status')) === undefined) return false;
  throw new CommandError(
    EXIT.busy,
    `${store.path}: a node of another node file holds it; stop that one first`,
  );
}

/** The process that runs the node ends it in order, wipes, and goes on. */
async function byNode(call: Invocation, places: Places, config: NodeConfig, what: What): Promise<void> {
  const before = await epochOf(config);
  await request(call, places, { kind: 'wipe', what });
  say(call, 'The node ends in order …');
  for (let waitedMs = 0; waitedMs < DONE_WITHIN_MS && !call.signal.aborted; waitedMs += LOOK_MS) {
    if (isDone(places) && (what === 'all' || (await epochOf(config)) !== before)) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new CommandError(
    EXIT.failed,
    'it was begun, and goes on by itself, over restarts too: see cairn log, cairn status',
  );
}

async function epochOf({ store }: NodeConfig): Promise<string | undefined> {
  const status = await ask(controlPath(store.path), 'status').catch((error: unknown) => {
    if (error instanceof ControlError) return undefined;
    throw error;
  });
  return (status as PipelineStatus | undefined)?.store.epoch;
}

function isDone({ state }: Places): boolean {
  return new State(textFiles(state), () => undefined).get('wipe')?.isDone === true;
}

/** No node runs: by the caller's own rights, begun and finished as the node would. */
function here(call: Invocation, places: Places, config: NodeConfig, what: What): void {
  const warn = (text: string) => call.terminal.err(`warning: ${text}`);
  const state = new State(textFiles(places.state), warn);
  const by = `${call.caller.role} ${call.caller.name}`;
  try {
    beginWipe(state, { kind: 'wipe', id: randomUUID(), by, what }, config, places);
    finishWipe(state, places, warn);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined && !(error instanceof WipeError)) throw error;
    throw new CommandError(
      EXIT.failed,
      `${(error as Error).message}; as the node's user, or with the node running, try again`,
    );
  }
}

/** What is the console's own goes by the rights of whoever is there; the folder of what stays. */
function leftOf(places: Places): string | undefined {
  const folder = consoleFolder(places);
  try {
    wipeDisk.empty(folder, []);
    return undefined;
  } catch {
    return folder;
  }
}

function doneText(what: What, isRunning: boolean, left: string | undefined): string {
  if (left !== undefined) return `Wiped, but for ${left}: empty it as root.`;
  if (what === 'store') return isRunning ? 'Wiped; the node runs on, in a new epoch.' : 'Wiped.';
  return 'Wiped. Nothing was overwritten: whoever reads the flash chip itself may still find it.';
}
