import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SerialTwin, SystemFiles } from '../../drivers/contract/index.js';
import type { HeardPort } from '../../runtime/board/index.js';
import { openBoard, registry, sniff } from '../../runtime/board/index.js';
import type { SniffAnswer, SurveyAnswer } from '../../runtime/requests/index.js';
import { wiringRequests } from '../../runtime/requests/index.js';
import { createSampler, type Lend } from '../../runtime/sampler/index.js';
import { nodeConfig, partConfig, seeded, testDeps } from '../board/fixture.js';
import { all, requestsAlone } from './asked.js';
import { serialParts } from './serial-part.js';
import { driver, noFiles, twinDefinition } from './support.js';

const receiver = () => twinDefinition('gnss').create(seeded(1)) as SerialTwin;
const gps = partConfig('gps', driver('gnss'), { kind: 'serial', port: 'uart0', baud: 9600 });

/** A receiver at 38400 baud on a port of its own. */
function wired(t: TestContext, twin: SerialTwin | undefined) {
  const parts = serialParts(t, { uart0: twin && { twin, baud: 38_400 } });
  const serial = { uart0: { device: parts.device('uart0'), pins: [] } };
  return { ...parts, config: nodeConfig([gps], { kind: 'linux', serial }) };
}

async function heardOn(t: TestContext, twin: SerialTwin | undefined, bauds: readonly number[]) {
  const { config, clock, loaders, written } = wired(t, twin);
  const { requests } = await requestsAlone(t, config, { clock, loaders });
  const answers = await all<SniffAnswer>(requests.sniff!({ port: 'uart0', bauds, seconds: 1.5 }));
  assert.deepEqual(written, [], 'nothing is said to the part');
  const bytes = answers.reduce((sum, answer) => sum + ('hex' in answer ? answer.hex.length / 2 : 0), 0);
  return { heard: answers.flatMap((answer) => ('heard' in answer ? [answer.heard] : [])), bytes };
}

test('of the usual rates a receiver is heard right at its own, and at no other', async (t) => {
  const { heard, bytes } = await heardOn(t, receiver(), [9600, 4800, 19_200, 38_400, 57_600, 115_200]);
  const looks = heard.map(({ baud, looksLike }: HeardPort) => [baud, looksLike === 'nmea']);
  assert.deepEqual(
    looks.filter(([, isRight]) => isRight),
    [[38_400, true]],
  );
  assert.equal(looks.length, 6);
  assert.equal(
    bytes,
    heard.reduce((sum, one) => sum + one.bytes, 0),
    'each byte is passed on',
  );
});

test('a port on which nobody speaks', async (t) => {
  const { heard } = await heardOn(t, undefined, [9600]);
  assert.deepEqual(
    heard.map(({ bytes, looksLike, seconds }) => [bytes, looksLike, Math.round(seconds * 10)]),
    [[0, 'nothing', 15]],
  );
});

test('framing errors are told where the kernel counts them', async (t) => {
  const { clock, loaders, config } = wired(t, receiver());
  let reads = 0;
  const files: SystemFiles = {
    ...noFiles,
    // As serial_core writes it: uart_report_errors, `fe:` left out where it is none.
    read: async () =>
      `serinfo:1.0 driver revision:\n3: uart:16550A port:000003F8 irq:4 tx:0 rx:90${reads++ === 0 ? '' : ' fe:7'}\n`,
  };
  const board = await openBoard(config, { ...testDeps(), clock, loaders }, []);
  t.after(() => board.close());
  const request = { port: 'uart0', device: '/dev/ttyS3', baud: 9600, seconds: 1 };
  const deps = { ...testDeps(), clock, loaders, files };
  const heard = await sniff(request, () => {}, { wires: board.wires, deps }, new AbortController().signal);
  assert.equal(heard.framingErrors, 7);
});

/** A node that runs: its sampler has the port. */
async function running(t: TestContext, twin: SerialTwin | undefined) {
  const { config, clock, loaders } = wired(t, twin);
  const deps = { ...testDeps(), clock, loaders, files: noFiles };
  const board = await openBoard(config, deps);
  const sampler = createSampler({
    ...{ board, clock, random: seeded(1), declare: () => {}, emit: () => {} },
    log: () => {},
  });
  sampler.start();
  t.after(async () => {
    await sampler.stop();
    await board.close();
  });
  const lent: string[] = [];
  const lend: Lend = (part, forMs, work) =>
    sampler.lend(part, forMs, async (signal) => {
      lent.push(`${part} ${sampler.status()[0]!.state}`);
      return work(signal);
    });
  const requests = wiringRequests({ config, registry, wires: board.wires, deps, lend, isAlone: false });
  return { requests, sampler, lent, clock };
}

test('a wrong rate is found while the node runs: the port is lent for the look, and the part starts anew', async (t) => {
  const { requests, sampler, lent, clock } = await running(t, receiver());
  await clock.delay(20_000);
  assert.equal(sampler.status()[0]!.state, 'failing');
  const answers = await all<SurveyAnswer>(requests.survey!({ parts: ['gps'] }));
  assert.deepEqual(lent, ['gps lent']);
  const faults = answers.flatMap((answer) => ('faults' in answer ? answer.faults : []));
  assert.deepEqual(
    faults.map(({ kind, todo }) => [kind, todo]),
    [['otherBaud', 'write baud: 38400']],
  );
  await clock.delay(20_000);
  assert.equal(sampler.status()[0]!.state, 'failing', 'it has its wrong rate back');
});

test('a silent port is found while the node runs', async (t) => {
  const { requests, clock } = await running(t, undefined);
  await clock.delay(20_000);
  const answers = await all<SurveyAnswer>(requests.survey!({ parts: ['gps'] }));
  const faults = answers.flatMap((answer) => ('faults' in answer ? answer.faults : []));
  assert.deepEqual(
    faults.map(({ kind }) => kind),
    ['silentPort'],
  );
});
