import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from './host.js';

/**
 * Lets the guest see the recordings that the host reads in place: they go to the guest's memory, and CAIRN_REAL_DATA names them. Before
 * test/drivers/gnss is imported. Gives the recordings' names; none where the host has no real data.
 */
export async function fetchRecordings(host: Host): Promise<readonly string[]> {
  const { recordings } = await host.ask({ do: 'hello' });
  const folder = mkdtempSync(join(tmpdir(), 'cairn-real-'));
  mkdirSync(join(folder, 'nmea'));
  for (const name of recordings.flatMap((recording) => [`${recording}.log`, `${recording}.log.chk`])) {
    writeFileSync(join(folder, 'nmea', name), await host.file(name));
  }
  process.env.CAIRN_REAL_DATA = folder;
  return recordings;
}
