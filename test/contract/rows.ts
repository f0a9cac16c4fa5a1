import assert from 'node:assert/strict';
import { type Channel, QUALITY, type Rows, type StreamDeclaration } from '../../drivers/contract/index.js';

/** Rows as the contract has them: of a declared stream, of its shape, in order, none from the future, each value possible. */
export function checkRows(rows: Rows, streams: readonly StreamDeclaration[], nowNs: bigint): void {
  const stream = streams.find((declared) => declared.name === rows.stream);
  assert.ok(stream, `a row of the stream "${rows.stream}", which is not declared`);
  const cells = rows.timesNs.length * stream.channels.length;
  assert.equal(rows.values.length, cells);
  assert.equal(rows.quality.length, cells);
  if (rows.texts) assert.equal(rows.texts.length, cells);
  for (const [i, timeNs] of rows.timesNs.entries()) {
    assert.ok(i === 0 || timeNs >= rows.timesNs[i - 1]!, 'times go back');
    assert.ok(timeNs <= nowNs, 'a time from the future');
  }
  for (let cell = 0; cell < cells; cell++) {
    const channel = stream.channels[cell % stream.channels.length]!;
    checkCell(channel, rows.values[cell]!, rows.quality[cell]!, rows.texts?.[cell]);
  }
}

function checkCell(channel: Channel, value: number, quality: number, text: unknown): void {
  const where = `${channel.name} = ${value} / ${text}, quality ${quality}`;
  assert.ok(Object.values(QUALITY).includes(quality as 0), where);
  const { kind } = channel.type;
  const fault = quality === QUALITY.fault;
  if (kind === 'utf8' || kind === 'bytes') {
    assert.ok(Number.isNaN(value), where);
    const right = kind === 'utf8' ? typeof text === 'string' : text instanceof Uint8Array;
    assert.ok(fault ? text === undefined : right, where);
    return;
  }
  assert.equal(text, undefined, where);
  assert.equal(Number.isNaN(value), fault, where);
  if (fault) return;
  if (kind === 'int') assert.ok(Number.isSafeInteger(value), where);
  if (channel.type.kind === 'enum') assert.ok(channel.type.labels[value] !== undefined, where);
  if (channel.range && quality === QUALITY.good) {
    assert.ok(value >= channel.range[0] && value <= channel.range[1], where);
  }
}
