import type { Channel, Rows } from '../../drivers/contract/index.js';
import { drivers } from '../../drivers/index.js';
import type { RuntimeClock } from '../clock/types.js';
import { linuxSystemFiles } from './linux-system.js';

/** The machine's own driver (drivers/node), whether a node file names it as a part or not. `path`: whose file system's room is told. */
export async function sampleMachine(
  path: string,
  clock: RuntimeClock,
): Promise<{ readonly rows: Rows; readonly channels: readonly Channel[] } | undefined> {
  const definition = drivers.find(({ id }) => id === 'node');
  if (definition?.attachment !== 'system') return undefined;
  const driver = definition.create({ files: linuxSystemFiles(), clock }, { path });
  await driver.probe();
  await driver.configure();
  const [rows] = (await driver.sample?.()) ?? [];
  return rows && { rows, channels: driver.streams[0]!.channels };
}
