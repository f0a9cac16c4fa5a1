import type { Fault, FaultOf } from '../scenario.js';
import type { World } from './world.js';

/** Does what the fault does, and gives back how it ends where it lasts. An end takes back only what its fault did. */
type Handlers = {
  readonly [K in Fault['kind']]: (world: World, fault: FaultOf<K>) => (() => void) | undefined;
};

const HANDLERS: Handlers = {
  crash: (world, fault) => void world.arm(fault),
  jump: (world, fault) => {
    world.boot?.jump(fault.years);
    return void world.boot?.disciplineAfter(fault.resyncAfterS);
  },
  rot: (world, { rot, isLive }) => void world.rot(rot, isLive),

  diskFull: ({ disk }, { leftBytes }) => {
    const ballast = Math.max(0, disk.capacityBytes - disk.usedBytes - leftBytes);
    disk.ballastBytes += ballast;
    return () => {
      disk.ballastBytes -= ballast;
    };
  },
  diskError: ({ disk }, { on, share }) => {
    if (on !== 'sync') disk.failAppends = share;
    if (on !== 'append') disk.failSyncs = share;
    return () => {
      disk.failAppends = 0;
      disk.failSyncs = 0;
    };
  },
  readOnly: ({ disk }) => {
    disk.readOnly = true;
    return () => {
      disk.readOnly = false;
    };
  },
  slowDisk: ({ disk, scenario }, { syncMs }) => {
    disk.syncMs = syncMs;
    return () => {
      disk.syncMs = scenario.store.syncMs;
    };
  },

  bus: (world, { stream, how }) => {
    const part = world.parts.find(({ plan }) => plan.id === stream);
    if (!part) return undefined;
    part.fault = how;
    world.marks.hit(`bus ${how}`);
    return () => {
      part.fault = undefined;
    };
  },
  burst: ({ parts }, { stream, rows }) => {
    const part = parts.find(({ plan }) => plan.id === stream);
    if (part?.speak) part.speak(rows);
    else if (part?.plan.intervalMs !== undefined) part.extra += rows;
    return undefined;
  },
  poison: ({ parts }, { stream }) => {
    const part = parts.find(({ plan }) => plan.id === stream);
    if (part) part.isPoisoned = true;
    return undefined;
  },

  outage: (world, fault) => {
    const { network, broker } = world;
    let isOver = false;
    const strike = (): void => {
      if (isOver) return;
      world.watch.punctual.disturbed();
      world.marks.hit(`outage ${fault.how}`);
      world.marks.hit(`outage ${fault.moment ?? 'now'}${fault.halfOpen ? ' half-open' : ''}`);
      network.outage = fault;
      if (fault.halfOpen) broker.link?.deafen();
      else broker.link?.down({ kind: 'reset', text: 'the network went away' });
    };
    if (fault.moment && fault.moment !== 'now') world.armCut(fault.moment, strike);
    else strike();
    return () => {
      isOver = true;
      if (network.outage === fault) network.outage = undefined;
    };
  },
  silentBroker: ({ network }, fault) => {
    network.silent = fault;
    return () => {
      if (network.silent === fault) network.silent = undefined;
    };
  },
  lostPuback: ({ network }, { share }) => {
    network.lostPubacks = share;
    return () => {
      network.lostPubacks = 0;
    };
  },
  refusal: ({ network }, fault) => {
    network.refusal = fault;
    return () => {
      if (network.refusal === fault) network.refusal = undefined;
    };
  },
  noSubscriber: ({ network }) => {
    network.hasSubscriber = false;
    return () => {
      network.hasSubscriber = true;
    };
  },
  slowLink: ({ network }, { factor }) => {
    network.slowness = factor;
    return () => {
      network.slowness = 1;
    };
  },
  strayPuback: ({ network }) => {
    network.strayPubacks = true;
    return () => {
      network.strayPubacks = false;
    };
  },
  takeOver: (world, { everyS, forS }) => void takeOver(world, everyS, world.kernel.nowNs + forS * 1e9),
  brokerRestart: ({ broker, scenario }, { losesQueue }) => {
    broker.restart(losesQueue === true && scenario.uplink.custody === 'fleet');
    return () => {
      broker.isUp = true;
    };
  },
  lostReceipt: ({ network }, { share }) => {
    network.lostReceipts = share;
    return () => {
      network.lostReceipts = 0;
    };
  },
  forgedReceipt: (world) => void world.armCut('publish', () => world.forge()),
  receiverCrash: ({ fleet, signer }, { downS }) => {
    signer.forget();
    if (fleet.isUp) fleet.crash(downS * 1e9);
    return undefined;
  },
};

/** Another client of the same name comes again and again. */
function takeOver(world: World, everyS: number, untilNs: number): void {
  world.broker.link?.down({ kind: 'takenOver', text: 'session taken over' });
  if (world.kernel.nowNs < untilNs) world.kernel.after(everyS * 1e9, () => takeOver(world, everyS, untilNs));
}

export const FAULT_KINDS = Object.keys(HANDLERS) as readonly Fault['kind'][];

/** Lays every fault of the scenario into the simulation's time. */
export function scheduleFaults(world: World): void {
  for (const fault of world.scenario.faults) {
    world.kernel.at(fault.atS * 1e9, () => {
      world.trace.note('fault', JSON.stringify(fault));
      world.marks.hit(`fault ${fault.kind}`);
      world.watch.punctual.disturbed(fault);
      const handle = HANDLERS[fault.kind] as (world: World, fault: Fault) => (() => void) | undefined;
      const end = handle(world, fault);
      if (end) endLater(world, fault, end);
    });
  }
}

function endLater(world: World, fault: Fault, end: () => void): void {
  world.kernel.after(durationS(fault) * 1e9, () => {
    world.trace.note('over', fault.kind);
    world.watch.punctual.disturbed(fault);
    end();
  });
}

/** How long it lasts, s. */
export function durationS(fault: Fault): number {
  if ('forS' in fault) return fault.forS;
  return 'downS' in fault ? fault.downS : 0;
}
