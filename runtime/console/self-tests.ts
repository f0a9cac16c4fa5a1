import { ask, ControlError, controlPath } from '../control.js';
import type { RecordedEvent } from '../events.js';
import type { DiskFacts, MachineFacts } from '../health/index.js';
import type { PipelineStatus } from '../pipeline.js';
import { type StoreDeps, StoreError, verifyStore } from '../store/index.js';
import { linkText } from './status-lines.js';

/** One thing that was tested. */
export interface Tested {
  /** `part climate`, `store`, `uplink`, … */
  readonly what: string;
  readonly isOk: boolean;
  readonly found: string;
}

const MEMORY_BYTES = 32 * 1024 * 1024;
/** A table of a compaction, and a log. */
const DISK_BYTES = 4 * 1024 * 1024;

/** What nobody but the running node knows. */
export function nodeTests({ time, uplink }: PipelineStatus): readonly Tested[] {
  const { wallNs, uncertaintyNs } = time;
  const known = wallNs === undefined ? undefined : Number(BigInt(uncertaintyNs ?? 0n)) / 1e6;
  return [
    {
      what: 'time',
      isOk: known !== undefined,
      found: known === undefined ? 'nobody has said what time it is' : `known within ${known.toFixed(0)} ms`,
    },
    ...(uplink ? [uplinkTest(uplink)] : []),
  ];
}

function uplinkTest({ link, receipts, waiting }: NonNullable<PipelineStatus['uplink']>): Tested {
  const isOk = link.state === 'online' && receipts > 0;
  return {
    what: 'uplink',
    isOk,
    found: `${linkText(link)}, ${receipts} receipts in this run, ${waiting} blocks wait for one`,
  };
}

export function machineTests(machine: MachineFacts, disk: DiskFacts | undefined): readonly Tested[] {
  const { memoryAvailableBytes: memory, isUnderVoltage, isThrottled, temperatureC } = machine;
  const heat = temperatureC === undefined ? 'heat unknown' : `${temperatureC.toFixed(0)} °C`;
  return [
    {
      what: 'memory',
      isOk: memory !== undefined && memory >= MEMORY_BYTES,
      found: memory === undefined ? 'the kernel does not tell' : `${Math.floor(memory / 1e6)} MB available`,
    },
    {
      what: 'disk',
      isOk: disk !== undefined && !disk.isReadOnly && disk.freeBytes >= DISK_BYTES,
      found: diskText(disk),
    },
    {
      what: 'supply',
      isOk: isUnderVoltage !== true && isThrottled !== true,
      found: `${isUnderVoltage ? 'under-voltage' : isUnderVoltage === false ? 'holds' : 'not measured here'}, ${isThrottled ? 'throttled, ' : ''}${heat}`,
    },
  ];
}

function diskText(disk: DiskFacts | undefined): string {
  if (!disk) return 'there is no such path';
  return `${Math.floor(disk.freeBytes / 1e6)} MB free${disk.isReadOnly ? ', READ-ONLY' : ''} on ${disk.device ?? 'an unknown device'}`;
}

/** A commit of the running node, synced: what was found so far, as an event, so that the fleet has it too. */
export async function commitTest(
  storePath: string,
  { store }: PipelineStatus,
  by: string,
  tested: readonly Tested[],
): Promise<Tested> {
  const failed = tested.filter(({ isOk }) => !isOk);
  const text = JSON.stringify({ passed: tested.length - failed.length, failed });
  try {
    const params = { kind: 'selftest', by, text };
    const event = (await ask(controlPath(storePath), 'event', { params })) as RecordedEvent | undefined;
    if (!event) return { what: 'store', isOk: false, found: 'the node ended meanwhile' };
    const { health } = store;
    const found = `${event.stream} ${event.last} committed and synced, ${store.committedRows} rows in this run`;
    return { what: 'store', isOk: health.state === 'ok', found };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return { what: 'store', isOk: false, found: error.message };
  }
}

/** The files of a store that no node has open, walked. */
export async function filesTest(storePath: string, deps: StoreDeps): Promise<Tested> {
  try {
    const { ok, problems, streams } = await verifyStore(storePath, deps);
    const found = ok ? `whole: ${streams.length} streams` : (problems[0] ?? 'not whole');
    return { what: 'store', isOk: ok, found };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { what: 'store', isOk: false, found: error.message };
  }
}
