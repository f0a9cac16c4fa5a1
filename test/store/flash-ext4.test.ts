import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore, type StoreDeps, storeDefaults } from '../../runtime/store/index.js';
import { SimClock } from '../support/sim-clock.js';
import { simulatedTime } from './memory-disk.js';
import { CHANNELS, rowsOf, temporary, testOptions } from './support.js';

const IMAGE_BYTES = 256 * 1024 * 1024;
const ROWS_PER_S = 5;
const SECONDS = 3600;
const FLASH = { sizeBytes: 4e9, cycles: 300, lifeMs: 5 * 365 * 86_400_000 };
/** 4 GB × 300 ÷ 4 over five years, a second. */
const BUDGET_PER_S = 1902.6;

const absent = whyNot();

test('FAULTS 13: bytes that reach a device with ext4 stay inside the declared budget, and the model is near them', {
  skip: absent,
}, async (t) => {
  const folder = mountLoop(t);
  const clock = new SimClock();
  const disk = busyCounting(clock);
  const path = join(folder, 'store');
  const store = await openStore(
    testOptions(path, {
      commitIntervalMs: 'auto',
      reserveAheadMs: 10_000,
      flash: FLASH,
      sizeBytes: 64e6,
      deps: disk.deps,
    }),
  );
  store.declare({ name: 't', class: 'telemetry', title: 't', channels: CHANNELS });
  await store.flush();
  const before = (await disk.deps.files.device!(path))!.writtenBytes!;
  for (let i = 0; i < SECONDS * ROWS_PER_S; i++) {
    store.append(rowsOf('t', [i]));
    await clock.advance(1000 / ROWS_PER_S);
    await disk.idle();
  }
  await store.flush();
  execFileSync('sync', ['-f', folder]);
  const written = (await disk.deps.files.device!(path))!.writtenBytes! - before;
  const { flash, commits } = store.status();
  await store.close();
  const share = written / (BUDGET_PER_S * SECONDS);
  const modelled = flash!.bytesPerRow! * ROWS_PER_S * SECONDS;
  const perPayload = (flash!.bytesPerPayloadByte! * written) / modelled;
  t.diagnostic(
    `${(written / SECONDS).toFixed(0)} of ${BUDGET_PER_S} B/s (${(100 * share).toFixed(0)} %), ${commits} commits, ${(written / commits / 1000).toFixed(1)} kB each, ${perPayload.toFixed(0)} times the payload; modelled ×${(modelled / written).toFixed(2)}`,
  );
  assert.equal(flash!.isMeasured, true);
  assert.ok(share < 1.05, `${share} of the budget`);
  assert.ok(share > 0.5, `${share}: the budget is there to be used`);
  assert.ok(modelled / written > 0.6 && modelled / written < 1.7, `modelled ${modelled}, counted ${written}`);
});

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'only root mounts a loop device';
  if (!existsSync('/dev/loop-control')) return 'there are no loop devices';
  return ['losetup', 'mkfs.ext4', 'mount'].every(isThere) ? false : 'losetup, mkfs.ext4 or mount is missing';
}

function isThere(program: string): boolean {
  return ['/usr/sbin', '/sbin', '/usr/bin', '/bin'].some((folder) => existsSync(join(folder, program)));
}

/** A fresh ext4 on a loop device, unmounted after the test. */
function mountLoop(t: Parameters<typeof temporary>[0]): string {
  let device = '';
  let mounted = '';
  const folder = temporary(t, () => {
    if (mounted) execFileSync('umount', [mounted]);
    if (device) execFileSync('losetup', ['-d', device]);
  });
  const image = join(folder, 'image');
  writeFileSync(image, '');
  truncateSync(image, IMAGE_BYTES);
  // Tables that the kernel would fill later, in the background, would count as the store's.
  execFileSync('mkfs.ext4', ['-q', '-b', '4096', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
  device = execFileSync('losetup', ['-f', '--show', image], { encoding: 'utf8' }).trim();
  const target = join(folder, 'mount');
  mkdirSync(target);
  execFileSync('mount', [device, target]);
  mounted = target;
  return target;
}

/** The real disk by a simulated clock: `idle` when it has answered, so that a sync takes no simulated time. */
function busyCounting(clock: SimClock): { deps: StoreDeps; idle(): Promise<void> } {
  const real = storeDefaults(() => undefined);
  let busy = 0;
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    busy += 1;
    try {
      return await work;
    } finally {
      busy -= 1;
    }
  };
  const deps: StoreDeps = {
    ...real,
    ...simulatedTime(clock),
    openLevel: async (path, options) => {
      const db = await real.openLevel(path, options);
      return { ...db, batch: (operations) => counted(db.batch(operations)) };
    },
    files: {
      ...real.files,
      device: (path) => counted(real.files.device!(path)),
      open: async (path) => {
        const file = await real.files.open(path);
        return { ...file, datasync: () => counted(file.datasync()) };
      },
    },
  };
  const idle = async () => {
    do await new Promise((resolve) => setImmediate(resolve));
    while (busy > 0);
  };
  return { deps, idle };
}
