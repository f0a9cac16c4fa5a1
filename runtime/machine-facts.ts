import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type Cell, rowCells } from '../wire/index.js';
import { sampleMachine } from './board/index.js';
import { systemClock } from './clock/index.js';
import type { MachineFacts } from './health/index.js';

const BOOT_STATUS = '/sys/class/watchdog/watchdog0/bootstatus';
/** WDIOF_CARDRESET (linux/watchdog.h). */
const CARD_RESET = 0x20;

/** How the machine is now, by the driver of the part `node` and the kernel's own files. */
export async function machineFacts(): Promise<MachineFacts> {
  const found = await sampleMachine('/', systemClock());
  const cells: readonly Cell[] = found ? rowCells(found.rows, 0, found.channels.length, found.channels) : [];
  const value = (name: string) => cells.find(({ channel }) => channel === name)?.value;
  return {
    isUnderVoltage: flag(value('underVoltage')),
    isThrottled: flag(value('throttled')),
    temperatureC: numberOf(value('temperature')),
    memoryAvailableBytes: numberOf(value('memoryAvailable')),
    wasReset: wasReset(),
    hasNetwork: hasNetwork(),
  };
}

function flag(value: unknown): boolean | undefined {
  return value === 'yes' ? true : value === 'no' ? false : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function wasReset(): boolean | undefined {
  try {
    const status = Number(readFileSync(BOOT_STATUS, 'utf8').trim());
    return Number.isInteger(status) ? (status & CARD_RESET) !== 0 : undefined;
  } catch {
    // No watchdog, or none that tells.
    return undefined;
  }
}

/** Addresses of the link alone (fe80::) are there as soon as a cable is. */
function hasNetwork(): boolean {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ internal, address }) => !internal && !address.startsWith('fe80:'));
}
