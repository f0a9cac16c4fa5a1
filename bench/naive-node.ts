import { join } from 'node:path';
import { Level } from 'level';
import { connectAsync } from 'mqtt';
import { type Rows, rowCount } from '../drivers/contract/index.js';
import { native } from '../native/index.js';
import { openBoard } from '../runtime/board/index.js';
import { systemClock } from '../runtime/clock/index.js';
import { readConfig } from '../runtime/console/files.js';

/**
 * A node as it is often written first: every reading an object, a put and a publish. A process of its own, because it is measured as one.
 * Arguments: the folder with node.yaml, the broker, `whole` or `sampling`. Any message is answered with the readings so far.
 */
const [folder = '.', url = '', mode = 'whole'] = process.argv.slice(2);
const silent = () => undefined;
const config = readConfig(join(folder, 'node.yaml'), { err: silent });
const board = await openBoard(config, { clock: systemClock(), native, random: Math.random, log: silent });
const take = mode === 'whole' ? await keepAndSend() : () => undefined;

let readings = 0;
for (const { config: part, driver } of board.parts) {
  const names = driver.streams[0]!.channels.map((channel) => channel.name);
  await driver.configure();
  const poll = async () => {
    for (const rows of (await driver.sample?.()) ?? []) {
      for (const reading of objects(part.id, names, rows)) {
        readings++;
        take(reading);
      }
    }
  };
  setInterval(() => void poll(), part.intervalMs);
}
process.on('message', () => process.send?.(readings));
process.send?.('ready');

interface Reading {
  readonly part: string;
  readonly time: number;
  readonly values: Readonly<Record<string, number>>;
}

function objects(part: string, names: readonly string[], rows: Rows): readonly Reading[] {
  return Array.from({ length: rowCount(rows) }, (_, row) => ({
    part,
    time: Number(rows.timesNs[row]),
    values: Object.fromEntries(names.map((name, i) => [name, rows.values[row * names.length + i]!])),
  }));
}

async function keepAndSend(): Promise<(reading: Reading) => void> {
  const db = new Level<string, string>(join(folder, 'level'));
  const client = await connectAsync(url, { protocolVersion: 5 });
  let key = 0;
  return (reading) => {
    const text = JSON.stringify(reading);
    void db.put(String(key++).padStart(12, '0'), text);
    client.publish(`bench/${reading.part}`, text, { qos: 1 });
  };
}
