import { HalError } from '../../drivers/contract/index.js';
import { openBoard, registry } from '../board/index.js';
import type { NodeConfig, PartConfig } from '../config/index.js';
import { ask, controlPath, follow, toJson } from '../control.js';
import { wiringRequests } from '../requests/index.js';
import type { Heard } from '../tap.js';
import { CommandError, EXIT, type Invocation } from './command.js';
import { boardDeps } from './hardware.js';

export const NODE_ENDED = 'the node ended while it was asked; ask again';

/** What of the wiring is asked. */
export interface WiringAsk {
  readonly name: 'scan' | 'registers' | 'sniff' | 'lines' | 'edges' | 'survey';
  readonly params?: unknown;
  /** Opened where no node runs, and so has them. */
  readonly needs?: readonly PartConfig[];
}

/** Asks the running node, whose hardware it is; where none runs, opens it here. What is answered is the same: values as they are in JSON. */
export async function* askWiring<T>(
  call: Pick<Invocation, 'terminal' | 'signal'>,
  config: NodeConfig,
  asked: WiringAsk,
): AsyncGenerator<T> {
  const path = controlPath(config.store.path);
  const isRunning = (await ask(path, 'status')) !== undefined;
  const answers = isRunning
    ? (follow(path, asked.name, asked.params, call.signal) as AsyncIterable<Heard<unknown>>)
    : askAlone(call, config, asked);
  for await (const heard of answers) {
    if ('item' in heard) yield heard.item as T;
    else call.terminal.err(`(${heard.left} left out: the line is too slow for them)`);
  }
}

async function* askAlone(
  { terminal, signal }: Pick<Invocation, 'terminal' | 'signal'>,
  config: NodeConfig,
  { name, params, needs = [] }: WiringAsk,
): AsyncGenerator<Heard<unknown>> {
  const deps = boardDeps(terminal);
  const board = await openBoard(config, deps, needs);
  try {
    const requests = wiringRequests({
      ...{ config, registry, wires: board.wires, deps },
      lend: (_part, _forMs, work) => work(new AbortController().signal), // nobody has it
      isAlone: true,
    });
    const answers = requests[name]!(params ?? {}) as AsyncIterableIterator<Heard<unknown>>;
    const stop = () => void answers.return?.();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    for await (const heard of answers) yield JSON.parse(toJson(heard));
  } catch (error) {
    if (error instanceof HalError) throw new CommandError(EXIT.failed, error.message);
    throw error;
  } finally {
    await board.close();
  }
}

/** The part of that name. */
export function partNamed(config: NodeConfig, id: string): PartConfig | undefined {
  return config.parts.find((part) => part.id === id);
}
