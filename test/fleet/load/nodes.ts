import { type ColumnType, native } from '../../../native/index.js';
import { blockTopic, encodeMeta, type MetaRecord } from '../../../wire/index.js';
import { RawMqtt } from '../sources/raw-mqtt.js';

/** Many nodes in one process, each with a connection of its own: a row a second, as a block of its own. Says what was sent and acknowledged, as JSON. */

const [port = 0, nodes = 0, seconds = 0] = process.argv.slice(2).map(Number);
const EPOCH = 'fedcba9876543210';
const CHANNELS = ['temperature', 'humidity', 'voltage', 'current'];
const COLUMNS: ColumnType[] = CHANNELS.map(() => ({ kind: 'decimal', scale: 2 }));
const ACKNOWLEDGED_WITHIN_MS = 60_000;

function metaBlock(node: string, wallNs: bigint): Uint8Array {
  const type = { kind: 'decimal', scale: 2 } as const;
  const channels = CHANNELS.map((name) => ({ name, quantity: 'dimensionless', type }) as const);
  const records: readonly MetaRecord[] = [
    { kind: 'boot', value: { boot: 1, bootId: 'load', software: 'load' } },
    {
      kind: 'descriptor',
      value: { stream: 'climate', version: 1, title: 'Load', class: 'telemetry', channels },
    },
    {
      kind: 'anchor',
      value: { boot: 1, monotonicNs: 0n, wallNs, uncertaintyNs: 1_000_000n, source: 'system' },
    },
  ];
  return native.encodeBlock(
    { node, epoch: EPOCH, stream: 'meta', first: 0, boot: 1, descriptorVersion: 1 },
    [{ kind: 'bytes' }],
    {
      timesNs: BigInt64Array.from(records, () => 0n),
      values: Float64Array.from(records, () => Number.NaN),
      quality: new Uint8Array(records.length),
      texts: records.map((record) => encodeMeta(record)),
    },
  );
}

function rowBlock(node: string, sequence: number, timeNs: bigint): Uint8Array {
  const values = Float64Array.from(CHANNELS, (_, i) => Math.round(100 * Math.sin(sequence / 60 + i)) / 100);
  return native.encodeBlock(
    { node, epoch: EPOCH, stream: 'climate', first: sequence, boot: 1, descriptorVersion: 1 },
    COLUMNS,
    { timesNs: BigInt64Array.of(timeNs), values, quality: new Uint8Array(CHANNELS.length) },
  );
}

const startMs = Date.now();
const startNs = BigInt(startMs) * 1_000_000n;
const ids = Array.from({ length: nodes }, (_, i) => i.toString(16).padStart(16, '0'));
const clients = new Map<string, RawMqtt>();
for (const id of ids) {
  const client = await RawMqtt.open(port);
  client.connect(id);
  client.publish(blockTopic(id, 'meta', 'meta'), metaBlock(id, startNs), 1);
  clients.set(id, client);
}
process.stdout.write(`${JSON.stringify({ connected: clients.size, tookMs: Date.now() - startMs })}\n`);

let [sent, late] = [0, 0];
for (let second = 0; second < seconds; second++) {
  const dueMs = performance.now() + 1_000;
  for (const [i, id] of ids.entries()) {
    const timeNs = BigInt(Date.now() - startMs) * 1_000_000n;
    clients
      .get(id)!
      .publish(blockTopic(id, 'telemetry', 'climate'), rowBlock(id, second, timeNs), 2 + (second % 60_000));
    sent++;
    // Spread over the second.
    if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 1_000 / (nodes / 100) / 2));
  }
  if (performance.now() > dueMs) late++;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
}
const acknowledged = () =>
  [...clients.values()].reduce(
    (sum, { heard }) => sum + heard.filter((text) => text.startsWith('4002')).length,
    0,
  );
const endMs = performance.now() + ACKNOWLEDGED_WITHIN_MS;
while (acknowledged() < sent + nodes && performance.now() < endMs)
  await new Promise((resolve) => setTimeout(resolve, 200));
const closed = [...clients.values()].filter(({ isClosed }) => isClosed).length;
process.stdout.write(
  `${JSON.stringify({ sent, acknowledged: acknowledged() - nodes, late, closed, tookMs: Date.now() - startMs })}\n`,
);
process.exit(0);
