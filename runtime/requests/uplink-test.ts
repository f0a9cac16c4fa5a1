import type { NodeId } from '../../wire/index.js';
import type { UplinkConfig } from '../config/index.js';
import { LISTENER_TODO, linkTodo, NETWORK_TODO, SIGNER_TODO } from '../health/index.js';
import {
  type ProbeCost,
  type ProbeFailureKind,
  type ProbePorts,
  type ProbeResult,
  probeLink,
  type Uplink,
  type UplinkStatus,
} from '../uplink/index.js';
import { type EventPath, followEvent } from './event-receipt.js';

/** `noReceipt`: the event has none in time. `notKept`: the disk did not take it. */
export type TestFailureKind = ProbeFailureKind | 'noReceipt' | 'notKept';

export interface TestResult extends Omit<ProbeResult, 'step' | 'outcome' | 'kind'> {
  readonly step: ProbeResult['step'] | 'receipt';
  /** `leftOut`: no node runs whose event could be followed. */
  readonly outcome: ProbeResult['outcome'] | 'leftOut';
  readonly kind?: TestFailureKind;
  /** Of one that failed: the next thing to do with hands. */
  readonly todo?: string;
}

export interface UplinkTestOptions {
  readonly config: UplinkConfig;
  readonly node: NodeId;
  readonly ports: ProbePorts;
  /** Of the running node; absent where none runs. */
  readonly path?: EventPath & { readonly uplink: Pick<Uplink, 'onReceived' | 'status'> };
  /** Who asks. */
  readonly by: string;
  readonly deadlineMs?: number;
  readonly receiptWithinMs?: number;
  readonly signal?: AbortSignal;
}

/** The way to the broker step by step, then an event of this node's own all the way to its receipt; last what the connections cost. */
export async function* testUplink(options: UplinkTestOptions): AsyncGenerator<TestResult | ProbeCost> {
  let isLost = false;
  for await (const found of probeLink(options)) {
    if ('step' in found) {
      isLost ||= found.outcome === 'failed';
      yield found.kind ? { ...found, todo: todoOf(found.kind) } : found;
    } else {
      yield await receiptStep(options, isLost);
      yield found;
    }
  }
}

async function receiptStep(options: UplinkTestOptions, isLost: boolean): Promise<TestResult> {
  const { path, ports } = options;
  if (isLost) return { step: 'receipt', outcome: 'notReached', ms: 0, text: '' };
  const text = 'no node runs whose reading could be followed to its receipt';
  if (!path) return { step: 'receipt', outcome: 'leftOut', ms: 0, text };
  const beganNs = ports.clock.nowNs();
  const result = await followed(options, path);
  return { step: 'receipt', ms: Math.round(Number(ports.clock.nowNs() - beganNs) / 1e6), ...result };
}

async function followed(
  { by, receiptWithinMs }: UplinkTestOptions,
  path: NonNullable<UplinkTestOptions['path']>,
): Promise<Pick<TestResult, 'outcome' | 'text' | 'kind' | 'todo'>> {
  const event = { kind: 'uplinkTest', by, text: 'an uplink test' };
  const before = path.uplink.status();
  let where = '';
  try {
    for await (const news of followEvent(path, event, receiptWithinMs)) {
      if ('stream' in news) where = `${news.stream} ${news.first}`;
      else if (news.isReceived) return { outcome: 'ok', text: `${where} is kept, and ${whoHasIt(before)}` };
    }
  } catch (error) {
    const todo = 'cairn why store';
    return { outcome: 'failed', kind: 'notKept', text: (error as Error).message, todo };
  }
  return { outcome: 'failed', kind: 'noReceipt', ...whyNone(where, before, path.uplink.status()) };
}

/** As it is said of what has its receipt. */
export function whoHasIt({ custody }: Pick<UplinkStatus, 'custody'>): string {
  return custody === 'fleet' ? 'the fleet has it (its signed receipt)' : 'the broker has it (its PUBACK)';
}

/** The node's own link is another one than the test's: it may wait, or be refused what the test was not. */
function whyNone(where: string, before: UplinkStatus, now: UplinkStatus): { text: string; todo: string } {
  const head = `${where} is kept, and has no receipt yet`;
  if (now.link.state !== 'online') {
    const why = now.trouble ? `${now.trouble.kind}: ${now.trouble.text}` : now.link.state;
    const todo = now.trouble ? linkTodo(now.trouble.kind) : 'wait for the node’s own link: cairn uplink';
    return { text: `${head}: the node's own link is not up (${why})`, todo };
  }
  const isHeard = now.receipts > before.receipts;
  const refused = Object.entries(now.refusals).filter(([cause, n]) => n > (before.refusals[cause] ?? 0));
  if ((now.refusals.noSubscriber ?? 0) > 0 && !isHeard)
    return { text: `${head}: the broker has nobody to give it to (PUBACK 0x10)`, todo: LISTENER_TODO };
  if (refused.length > 0)
    return {
      text: `${head}: the broker refuses it (${refused.map(([cause]) => cause).join(', ')})`,
      todo: 'cairn log --module uplink has what was refused',
    };
  if (now.custody === 'fleet') return { text: `${head}: the fleet signs none`, todo: SIGNER_TODO };
  return { text: `${head}: older blocks may go first`, todo: 'cairn uplink shows what waits' };
}

function todoOf(kind: ProbeFailureKind): string {
  if (kind === 'noNetwork') return NETWORK_TODO;
  return kind === 'notTaken' ? 'ask who runs the broker to let this node publish' : linkTodo(kind);
}
