import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { inFolder, processCost } from './measure.js';
import type { Bench, Figure, Report } from './report.js';
import { openBenchStore, READING_BYTES, rowMaker, STREAM } from './store-rows.js';

const BATCH = 256;
const BATCHES = 200;

interface Result {
  readonly rowsPerS: number;
  readonly writtenPerPayload: number;
  readonly bytesPerRow: number;
}

/** A contender opens, and gives how to commit one batch for good and how to close. */
interface Contender {
  commit(batch: number): Promise<void>;
  close(): Promise<void>;
}

/** Commits of 256 readings, each on the disk before the next: the store against the usual LevelDB batch and against a plain file. */
export const store: Bench = {
  name: 'store',
  title: `store: ${BATCHES} synced commits of ${BATCH} readings, ${READING_BYTES} bytes of payload each`,
  run: async (): Promise<Report> => {
    const ours = await measure(ourStore);
    const peers = {
      'level, a put a reading': await measure(levelPuts),
      'file + fdatasync': await measure(plainFile),
    };
    return {
      figures: Object.entries(peers).flatMap(([name, result]) => figures(ours, name, result)),
      notes: [
        'bytes are write_bytes of /proc/self/io: what the process made dirty on the disk, by whole pages of 4 KiB, LevelDB’s tables and logs',
        'and the reserve file included; the journal of the file system is not',
        'the file has no index, no receipts, no quota and no CRC: it is the floor that a sync sets',
      ],
    };
  },
};

function figures(ours: Result, name: string, peer: Result): readonly Figure[] {
  const figure = (what: string, unit: string, better: 'less' | 'more', key: keyof Result): Figure => ({
    ...{ what, unit, better, ours: ours[key] },
    peer: { name, value: peer[key] },
  });
  return [
    figure('rate', 'readings/s', 'more', 'rowsPerS'),
    figure('written', 'bytes/reading', 'less', 'bytesPerRow'),
    figure('written ÷ payload', '', 'less', 'writtenPerPayload'),
  ];
}

function measure(openOne: (folder: string) => Promise<Contender>): Promise<Result> {
  return inFolder(async (folder) => {
    const contender = await openOne(folder);
    await contender.commit(0);
    const [before, began] = [processCost('self').writtenBytes, performance.now()];
    for (let batch = 1; batch <= BATCHES; batch++) await contender.commit(batch);
    const tookS = (performance.now() - began) / 1000;
    await contender.close();
    const bytesPerRow = (processCost('self').writtenBytes - before) / (BATCH * BATCHES);
    return {
      rowsPerS: (BATCH * BATCHES) / tookS,
      bytesPerRow,
      writtenPerPayload: bytesPerRow / READING_BYTES,
    };
  });
}

async function ourStore(folder: string): Promise<Contender> {
  const opened = await openBenchStore(join(folder, 'store'), [STREAM]);
  const rows = rowMaker(STREAM, BATCH);
  return {
    commit: async () => {
      opened.append(rows());
      await opened.flush();
    },
    close: () => opened.close(),
  };
}

async function levelPuts(folder: string): Promise<Contender> {
  const db = new Level<Uint8Array, Uint8Array>(join(folder, 'level'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  });
  await db.open();
  const rows = rowMaker(STREAM, BATCH);
  return {
    commit: (batch) => {
      const { timesNs, values } = rows();
      const puts = Array.from(timesNs, (timeNs, row) => {
        const key = new Uint8Array(8);
        new DataView(key.buffer).setBigUint64(0, BigInt(batch * BATCH + row));
        return { type: 'put' as const, key, value: reading(timeNs, values, row) };
      });
      return db.batch(puts, { sync: true });
    },
    close: () => db.close(),
  };
}

async function plainFile(folder: string): Promise<Contender> {
  const file = await open(join(folder, 'readings'), 'a');
  const rows = rowMaker(STREAM, BATCH);
  return {
    commit: async () => {
      const { timesNs, values } = rows();
      const readings = Array.from(timesNs, (timeNs, row) => reading(timeNs, values, row));
      await file.write(Buffer.concat(readings));
      await file.datasync();
    },
    close: () => file.close(),
  };
}

function reading(timeNs: bigint, values: Float64Array, row: number): Uint8Array {
  const bytes = new Uint8Array(READING_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, timeNs);
  const axes = READING_BYTES / 8 - 1;
  for (let i = 0; i < axes; i++) view.setFloat64(8 + 8 * i, values[row * axes + i]!);
  return bytes;
}
