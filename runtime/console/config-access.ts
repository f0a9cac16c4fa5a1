import { randomUUID } from 'node:crypto';
import { ask, ControlError } from '../control.js';
import { textFiles } from '../text-files.js';
import {
  type AnyRequest,
  type Bundle,
  type ConfigReport,
  leaveRequest,
  type Places,
  placesOf,
  readBundle,
  reportFromFiles,
  State,
} from '../update/index.js';
import { CommandError, EXIT, type Invocation } from './command.js';
import { configPath } from './files.js';

/** How configurations stand, and where that is known from. */
export interface ConfigView {
  readonly places: Places;
  readonly report: ConfigReport;
  /** The process that runs the node said it; otherwise it is read from the node's files. */
  readonly isLive: boolean;
}

/** Asks the process that runs the node, which answers in safe mode too; where none does, looks at its files. */
export async function viewConfig(call: Invocation): Promise<ConfigView> {
  const { bundle } = readBundle(configPath(call));
  const places = placesOf(bundle);
  const report = await reportOf(places, call);
  if (report) return { places, report, isLive: true };
  const warn = (text: string) => call.terminal.err(`warning: ${text}`);
  return { places, report: reportFromFiles(new State(textFiles(places.state), warn), bundle), isLive: false };
}

async function reportOf({ socket }: Places, { terminal }: Invocation): Promise<ConfigReport | undefined> {
  try {
    return (await ask(socket, 'config')) as ConfigReport | undefined;
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    terminal.err(`warning: ${error.message}`);
    return undefined;
  }
}

type Wish<R extends AnyRequest = AnyRequest> = R extends AnyRequest ? Omit<R, 'id' | 'by'> : never;

/**
 * Leaves a request in the inbox and has the running node look. Returns what the node says of it; undefined where none runs that could: then
 * the next start takes it.
 */
export async function request(
  call: Invocation,
  places: Places,
  wish: Wish,
): Promise<ConfigReport | undefined> {
  const id = randomUUID();
  const { role, name } = call.caller;
  try {
    leaveRequest(places.inbox, { ...wish, id, by: `${role} ${name}` } as AnyRequest);
  } catch (error) {
    throw new CommandError(
      EXIT.failed,
      `${places.inbox}: the request can't be left there, and nothing was changed: ${(error as Error).message}`,
    );
  }
  const report = await reportOf(places, call);
  if (!report) {
    call.terminal.err(
      `The node doesn't run, or doesn't answer: its next start takes the request, whatever it runs.`,
    );
    return undefined;
  }
  const { taken } = report;
  if (taken?.id !== id)
    throw new CommandError(
      EXIT.failed,
      `the node runs but can't take the request from ${places.inbox}; its log says why (may its user read and write that folder?)`,
    );
  if (!taken.ok)
    throw new CommandError(EXIT.failed, `the node refused, and nothing was changed: ${taken.text}`);
  return report;
}

/** Both as people see them: their files' names from the node file's folder on. */
export function pairsOf(
  before: Bundle,
  after: Bundle,
): readonly { readonly name: string; readonly before: string; readonly after: string }[] {
  const [a, b] = [namedFiles(before), namedFiles(after)];
  const names = [...new Set([...a.keys(), ...b.keys()])];
  return names.map((name) => ({ name, before: a.get(name) ?? '', after: b.get(name) ?? '' }));
}

/** The node file first. */
export function namedFiles({ main, files }: Bundle): ReadonlyMap<string, string> {
  const folder = main.slice(0, main.lastIndexOf('/') + 1);
  const others = Object.keys(files).filter((path) => path !== main);
  const nameOf = (path: string) => (path.startsWith(folder) ? path.slice(folder.length) : path);
  return new Map([
    ['the node file', files[main] ?? ''],
    ...others.sort().map((path) => [nameOf(path), files[path]!] as const),
  ]);
}
