import type { LinkClass } from '../../../runtime/config/types.js';
import type { BudgetFile } from '../../../runtime/uplink/index.js';
import type { Disk } from '../disk/disk.js';
import { fsError } from '../disk/error.js';
import type { Life } from '../machine/life.js';
import type { BudgetPlan } from '../scenario.js';

/** The two ways out: one that a budget counts, and a free one. */
export type Way = 'metered' | 'free';

const ADDRESSES: Readonly<Record<Way, string>> = { metered: '10.64.0.7', free: '192.0.2.7' };
const NAMES: Readonly<Record<Way, string>> = { metered: 'wwan0', free: 'eth0' };
const PATH = 'data/budgets';

export function addressOf(way: Way): string {
  return ADDRESSES[way];
}

export function linkClassesOf({ bytesPerDay, thin }: BudgetPlan): readonly LinkClass[] {
  return [{ name: 'mobile', interface: 'wwan*', budgetBytesPerDay: bytesPerDay, thin }];
}

/** As `os.networkInterfaces` gives them, as far as the product looks. */
export function interfaces(): Record<string, [{ address: string }]> {
  const ways: readonly Way[] = ['metered', 'free'];
  return Object.fromEntries(ways.map((way) => [NAMES[way], [{ address: ADDRESSES[way] }]]));
}

/** What is left of the budgets, on the simulated disk; the medium may refuse it. */
export function budgetFileOf(disk: Disk, life: Life): BudgetFile {
  return {
    read: () => {
      const file = disk.files.get(PATH);
      return file && new TextDecoder().decode(file.bytes);
    },
    write: (text) =>
      life.later(disk.syncNs(), () => {
        disk.admit(PATH, disk.files.has(PATH) ? 0 : 4096);
        if (disk.syncFails()) throw fsError('EIO', PATH);
        const bytes = new TextEncoder().encode(text);
        disk.files.set(PATH, { bytes, durable: bytes });
      }),
  };
}
