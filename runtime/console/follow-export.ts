import { native } from '../../native/index.js';
import { type Epoch, Times } from '../../wire/index.js';
import { ControlError, controlPath, follow, withBigints } from '../control.js';
import type { Sent, SentBlock } from '../requests/index.js';
import { type EpochAnchor, type ExportedBlock, exportBlocks } from '../store/index.js';
import type { Invocation } from './command.js';
import { onStore, quietDeps } from './commands/store.js';

/** What a store holds and nobody has a receipt for: of the running node, or of the files when none runs. Ends early when the call is interrupted. */
export async function* heldHere(
  { signal, terminal }: Pick<Invocation, 'signal' | 'terminal'>,
  path: string,
  stream?: string,
): AsyncGenerator<ExportedBlock> {
  if ((yield* followExport(controlPath(path), stream, signal)) || signal.aborted) return;
  const blocks = exportBlocks(path, quietDeps(terminal));
  for (;;) {
    const { done, value } = await onStore(() => blocks.next());
    if (done || signal.aborted) break;
    const isWanted = stream === undefined || native.decodeHeader(value.bytes).stream === stream;
    if (isWanted && !value.isSettled) yield value;
  }
}

/**
 * What the running node at that socket holds; returns false when none answers there. Throws ControlError when it refuses, and when it ends before all was
 * told.
 */
export async function* followExport(
  path: string,
  stream: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ExportedBlock, boolean> {
  const times = new Map<Epoch, Times>();
  let isBegun = false;
  for await (const answer of follow(path, 'export', stream === undefined ? {} : { stream }, signal)) {
    isBegun = true;
    const sent = answer as Sent;
    if ('end' in sent) return true;
    if ('anchors' in sent) addAnchors(times, withBigints(sent.anchors) as readonly EpochAnchor[]);
    else yield received(sent.block, times);
  }
  if (isBegun && !signal.aborted) throw new ControlError(`${path}: the node ended before all was told`);
  return isBegun;
}

function addAnchors(times: Map<Epoch, Times>, anchors: readonly EpochAnchor[]): void {
  for (const anchor of anchors) {
    const its = times.get(anchor.epoch) ?? new Times();
    times.set(anchor.epoch, its);
    its.anchor(anchor);
  }
}

function received({ bytes: base64, ...block }: SentBlock, times: ReadonlyMap<Epoch, Times>): ExportedBlock {
  const bytes = Buffer.from(base64, 'base64');
  const { epoch, boot } = native.decodeHeader(bytes);
  const timeOf = (ns: bigint) => times.get(epoch)?.at(boot, ns) ?? { kind: 'unknown' as const };
  return { ...block, bytes, isSettled: false, timeOf };
}
