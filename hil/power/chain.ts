import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeImage } from '../node-image/index.js';
import { type Delivery, type DeliveryFinding, judgeDelivery } from './delivery.js';
import { freshData, LoggedMachine } from './logged-machine.js';
import { type Promised, promisedBy, type Witness } from './witness.js';

/** Within what of a boot the power goes. */
export type Moment = 'boot' | 'creation' | 'sampling';

export interface ChainOptions {
  readonly image: NodeImage;
  readonly project: string;
  /** A fresh folder for this chain. */
  readonly folder: string;
  /** One boot and one cut each, on one data disk; then a boot that drains. */
  readonly moments: readonly Moment[];
  readonly brokerPort: number;
  readonly delivery: Delivery;
  /** Seeded. */
  readonly random: () => number;
  readonly say: (text: string) => void;
}

export interface ChainBoot {
  readonly folder: string;
  readonly moment: Moment | 'drain';
  readonly readyS: number | undefined;
  readonly said: readonly Witness[];
}

export interface ChainFinding extends DeliveryFinding {
  readonly boots: readonly ChainBoot[];
  /** The last boot sampled, and what was promised by then left the node. */
  readonly drained: boolean;
}

/** A boot takes ten times longer on a machine that does much else. */
const BOOT_MS = 280_000;
/** Mounting an empty data disk logs 12,800 bytes; what comes then is the node's: its key, its store. */
const MOUNTED_BYTES = 16_384;
const CREATION_MS = 1_500;
const SAMPLING_MS = { least: 1_000, most: 5_000 };
/** The last boot samples for so long before its drain is judged. */
const LAST_PROMISES = 40;
const DRAIN_MS = 90_000;

/** Boots a node on a new data disk, cuts its power, and again, as often as asked; then lets it drain and judges what arrived. */
export async function runChain(options: ChainOptions): Promise<ChainFinding> {
  rmSync(options.folder, { recursive: true, force: true });
  mkdirSync(options.folder, { recursive: true });
  const data = join(options.folder, 'data.img');
  freshData(options.image, data);
  const boots: ChainBoot[] = [];
  let firstWriteMs = 0;
  for (const [index, moment] of options.moments.entries()) {
    const startMs = performance.now();
    const machine = await boot(options, data, index);
    if (moment === 'boot') await pause(options.random() * 1.2 * firstWriteMs);
    else await machine.until(() => machine.logBytes > MOUNTED_BYTES, BOOT_MS);
    firstWriteMs ||= performance.now() - startMs;
    if (moment === 'creation') await pause(options.random() * CREATION_MS);
    if (moment === 'sampling') await sampling(machine, options.random());
    boots.push(await cut(machine, moment, options.say));
  }
  const machine = await boot(options, data, options.moments.length);
  const drained = await drain(machine, options.delivery, boots);
  boots.push(await cut(machine, 'drain', options.say));
  return { ...judgeDelivery(drained.promised, options.delivery), boots, drained: drained.done };
}

function boot({ folder, image, project, brokerPort }: ChainOptions, data: string, index: number) {
  return LoggedMachine.start({ image, project, folder: join(folder, `boot-${index}`), data, brokerPort });
}

async function sampling(machine: LoggedMachine, random: number): Promise<void> {
  await machine.until(() => machine.stand.said.length > 0, BOOT_MS);
  await pause(SAMPLING_MS.least + random * (SAMPLING_MS.most - SAMPLING_MS.least));
}

async function cut(machine: LoggedMachine, moment: ChainBoot['moment'], say: (text: string) => void) {
  await machine.cutPower();
  const { readyS, stand } = machine;
  const ready = readyS === undefined ? 'before it sampled' : `it sampled ${readyS} s after the kernel began`;
  say(`cut (${moment}) after ${machine.logBytes} bytes of log, ${stand.said.length} promises; ${ready}`);
  return { folder: machine.boot.folder, moment, readyS, said: stand.said };
}

/** What was promised once the last boot had sampled for a while, and whether all of it is accounted for in time. */
async function drain(
  machine: LoggedMachine,
  delivery: Delivery,
  before: readonly ChainBoot[],
): Promise<{ promised: readonly Promised[]; done: boolean }> {
  const { said } = machine.stand;
  await machine.until(() => machine.readyS !== undefined && said.length >= LAST_PROMISES, BOOT_MS);
  const earlier = before.flatMap((one) => promisedBy(one.said));
  const promised = [...earlier, ...promisedBy(said)];
  const isAccounted = (): boolean => {
    const { lost, holes } = judgeDelivery(promised, delivery);
    return lost === 0 && holes === 0;
  };
  const done = said.length >= LAST_PROMISES && (await machine.until(isAccounted, DRAIN_MS));
  return { promised, done };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
