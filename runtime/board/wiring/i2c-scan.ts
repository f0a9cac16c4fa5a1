import {
  type Clock,
  type HalErrorKind,
  halErrorKind,
  type I2cBus,
  type SystemFiles,
} from '../../../drivers/contract/index.js';
import type { BusFacts, BusSight } from './i2c-lines.js';

/** How a transfer ends when the bus, not the address, is to blame. */
export const BLOCKED: readonly HalErrorKind[] = ['timeout', 'busStuck', 'busy', 'arbitrationLost'];
/** So many addresses that are blocked, and none that says anything, are a bus that is. */
export const BLOCKED_ENOUGH = 3;
/** A transfer that was given up may hang in the kernel for its own second; the next one waits for that. */
export const HANG_MS = 1100;

/** Who of these acknowledges, in turn: a plain read of one byte each, and nothing written. Ends early on a bus that is blocked, or at `signal`. */
export async function scanBus(
  bus: I2cBus,
  addresses: readonly number[],
  holderOf: (address: number) => Promise<string | undefined>,
  clock: Pick<Clock, 'delay'>,
  signal?: AbortSignal,
): Promise<BusSight> {
  const answers: number[] = [];
  const blocked: HalErrorKind[] = [];
  let silent = 0;
  let tried = 0;
  for (const address of addresses) {
    if (signal?.aborted) break;
    const kind = await ask(bus, address, holderOf, clock);
    tried++;
    if (kind === undefined) answers.push(address);
    else if (kind === 'noAcknowledge') silent++;
    else if (BLOCKED.includes(kind)) blocked.push(kind);
    if (blocked.length >= BLOCKED_ENOUGH && answers.length + silent === 0) break;
  }
  return { tried, answers: answers.sort((a, b) => a - b), silent, blocked };
}

/** One byte: undefined where somebody acknowledged, else how it ended. An address that the kernel holds has somebody. */
async function ask(
  bus: I2cBus,
  address: number,
  holderOf: (address: number) => Promise<string | undefined>,
  clock: Pick<Clock, 'delay'>,
): Promise<HalErrorKind | undefined> {
  try {
    await bus.read(address, 1);
    return undefined;
  } catch (error) {
    const kind = halErrorKind(error);
    if (kind === 'timeout') await clock.delay(HANG_MS);
    if (kind === 'busy' && (await holderOf(address)) !== undefined) return undefined;
    return kind;
  }
}

/** The driver of the kernel that is bound to an address, by its name in sysfs. */
export async function kernelHolder(
  { name, device }: Pick<BusFacts, 'name' | 'device'>,
  address: number,
  files: SystemFiles,
): Promise<string | undefined> {
  const number = /^\/dev\/i2c-(\d+)$/.exec(device ?? `/dev/${name}`)?.[1];
  if (number === undefined) return undefined;
  const client = `${number}-${address.toString(16).padStart(4, '0')}`;
  // What this kernel doesn't show is not evidence.
  const uevent = await files.read(`/sys/bus/i2c/devices/${client}/uevent`).catch(() => '');
  return /^DRIVER=(.+)$/m.exec(uevent)?.[1];
}
