import type { Facts } from '../../../runtime/health/index.js';
import type { PipelineStatus } from '../../../runtime/pipeline.js';
import type { PartStatus } from '../../../runtime/sampler/index.js';
import type { StoreStatus } from '../../../runtime/store/index.js';
import type { LinkTrouble, UplinkStatus } from '../../../runtime/uplink/index.js';

/** A boot an hour ago. */
export const NOW_NS = 3_600_000_000_000n;

export function part(change: Partial<PartStatus> = {}): PartStatus {
  return {
    ...{
      id: 'climate',
      where: 'i2c-1 0x76',
      state: 'ok',
      intervalMs: 1000,
      samples: 3600,
      failures: 0,
      missed: 0,
    },
    ...{ lastError: undefined, lastErrorKind: undefined, lastGoodNs: NOW_NS },
    ...change,
  };
}

export function store(change: Partial<StoreStatus> = {}): StoreStatus {
  return {
    ...{
      node: '9fb306acefe48c5a',
      epoch: '00112233',
      boot: 7,
      health: { state: 'ok' },
      classes: [],
      streams: [],
    },
    ...{
      committedRows: 3600,
      committedBlocks: 60,
      commits: 60,
      pendingRows: 1,
      bytesWritten: 1e6,
      diskBytes: 1e6,
    },
    audit: { running: false, done: 1 },
    ...change,
  };
}

export function uplink(change: Partial<UplinkStatus> = {}): UplinkStatus {
  return {
    ...{
      link: { state: 'online', since: 0n, protocol: 5 },
      trouble: undefined,
      custody: 'broker',
      inFlight: 0,
      window: 64,
    },
    ...{
      receipts: 60,
      waiting: 0,
      resends: 0,
      badReceipts: {},
      refusals: {},
      rejected: 0,
      connects: 1,
      bytesSent: 1e5,
    },
    ...{ budgets: [], lastReceiptNs: NOW_NS },
    ...change,
  };
}

/** A link that has failed so for a minute. */
export function trouble(kind: LinkTrouble['kind'], text = 'it failed'): UplinkStatus {
  return uplink({
    link: { state: 'waiting', since: NOW_NS, retryInMs: 1000, reason: text },
    trouble: { kind, text, sinceNs: NOW_NS - 60_000_000_000n, failures: 9 },
  });
}

export function node(change: Partial<PipelineStatus> = {}): PipelineStatus {
  return {
    ...{ name: 'depot', parts: [part()], store: store(), uplink: uplink() },
    time: { bootNs: NOW_NS, wallNs: 1_767_225_600_000_000_000n, uncertaintyNs: 1_000_000n },
    residentBytes: 80_000_000,
    ...change,
  };
}

/** A node that is well. */
export function facts(change: Partial<Facts> = {}): Facts {
  return {
    ...{ nowNs: NOW_NS, node: node(), latest: [], wiring: [] },
    machine: {
      ...{ isUnderVoltage: false, isThrottled: false, temperatureC: 48, memoryAvailableBytes: 4e8 },
      ...{ wasReset: false, hasNetwork: true },
    },
    disk: { path: '/var/lib/cairn/store', device: '/dev/mmcblk0p3', freeBytes: 2e9, isReadOnly: false },
    life: { problems: [], failedStarts: 0, lastEnd: undefined },
    ...change,
  };
}
