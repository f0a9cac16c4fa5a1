import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type * as v from 'valibot';
import { senmlOf } from '../../../fleet/web/api/exports.js';
import type { ReadingsAnswer } from '../../../fleet/web/api/schemas.js';
import { isoOf } from '../../../fleet/web/format.js';
import { FakeStore, HOSTILE, NOW_MS } from './fake-store.js';
import { serve } from './served.js';

const served = serve();
const { app } = served;
after(() => app.close());
const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });
/** The last ten minutes: a reading a minute, from 11:50 to 11:59. */
const TEN = 'from=2026-11-20T11:50:00Z&to=2026-11-20T12:00:00Z';

type Page = v.InferOutput<typeof ReadingsAnswer>;

test('times are told to the nanosecond, before 1970 too, and never as what no calendar has', () => {
  assert.equal(isoOf(1_795_176_000_123_456_789n), '2026-11-20T12:00:00.123456789Z');
  assert.equal(isoOf(-1n), '1969-12-31T23:59:59.999999999Z');
  assert.equal(isoOf(9_000_000_000_000_000_000_000_000n), undefined);
});

test('nodes by filter and page', async () => {
  const all = (await get('/api/v1/nodes?state=live&limit=5&page=2')).json();
  assert.equal(all.total, 12);
  assert.equal(all.nodes.length, 5);
  assert.deepEqual((await get('/api/v1/nodes?search=hut%200')).json().nodes[0], {
    node: 'a1b2c3d400000000',
    name: `Hut 0 ${HOSTILE}`,
    group: 'prod',
    state: 'live',
    heard: '2026-11-20T11:59:40.000Z',
    latest: '2026-11-20T11:59:40.000000000Z',
    position: { latitude: 46.2, longitude: 7.1, time: '2026-11-20T12:00:00.000000000Z' },
    openAlerts: 0,
    lostRows: 0,
    cause: 'part.missing',
  });
});

test('a node and its streams', async () => {
  const node = (await get('/api/v1/nodes/a1b2c3d400000000')).json();
  const [air] = node.streams;
  assert.deepEqual(air.lost, { quota: 120, uncleanStop: 64 });
  assert.deepEqual(air.latest.values, {
    temperature: 21.5,
    pressure: 101325,
    door: 'shut',
    note: 'a "quoted", note',
  });
  assert.equal(node.health.at, '2026-11-20T11:57:00.000Z');
  assert.deepEqual([node.health.causes[0].rule, node.health.parts.motion], ['part.missing', 'missing']);
  assert.equal((await get('/api/v1/nodes/a1b2c3d400000002')).json().health, null);
  assert.equal((await get('/api/v1/nodes/nobody')).statusCode, 404);
});

test('a series has its holes and how sure its times are', async () => {
  const series = (await get('/api/v1/streams/0/series?points=48')).json();
  assert.equal(series.unit, 'Cel');
  assert.ok(series.buckets.length <= 48);
  assert.deepEqual(series.holes[0].cause, 'quota');
  assert.equal(series.timeless, 17);
  assert.equal((await get('/api/v1/streams/0/series?channel=9')).statusCode, 404);
  assert.equal((await get('/api/v1/streams/9999/series')).statusCode, 404);
});

test('readings by pages, each once', async () => {
  const seen: number[] = [];
  let query: string | undefined = `${TEN}&limit=4`;
  while (query) {
    const answer = await get(`/api/v1/streams/0/readings?${query}`);
    const { readings, next }: Page = answer.json();
    seen.push(...readings.map(({ sequence }) => sequence));
    query = next ? `from=${next.from}&to=2026-11-20T12:00:00Z&after=${next.after}&limit=4` : undefined;
  }
  // 25 hours ago was number 0; a number a minute.
  assert.deepEqual(seen, [1490, 1491, 1492, 1493, 1494, 1495, 1496, 1497, 1498, 1499]);
});

test('lines of logs by pages, each once', async () => {
  const seen: number[] = [];
  for (let before = ''; before !== undefined; ) {
    const { lines, next } = (
      await get(`/api/v1/logs?level=error&limit=40${before && `&before=${before}`}`)
    ).json();
    seen.push(...lines.map(({ sequence }: { sequence: number }) => sequence));
    if (seen.length === 40) assert.deepEqual(lines[0].time, '2026-11-20T11:56:52.000000000Z');
    before = next ?? undefined;
  }
  // Each fifth of 450.
  assert.equal(seen.length, 90);
  assert.equal(new Set(seen).size, 90);
});

test('CSV quotes what RFC 4180 says, and has all rows of the window', async () => {
  const { headers, body } = await get(`/api/v1/streams/0/readings?${TEN}`, { accept: 'text/csv' });
  assert.match(String(headers['content-type']), /^text\/csv/);
  assert.equal(headers['content-disposition'], 'attachment; filename="a1b2c3d400000000-air.csv"');
  const lines = body.split('\r\n');
  assert.equal(lines.length, 12);
  assert.equal(lines[0], 'sequence,time,temperature,pressure,door,note,quality');
  assert.match(
    lines[1]!,
    /^1490,2026-11-20T11:50:00\.000000000Z,[\d.]+,101325,(shut|open),"a ""quoted"", note",gsgg$/,
  );
  const day = await get(
    '/api/v1/streams/0/readings?format=csv&from=2026-11-19T12:00:00Z&to=2026-11-20T12:00:00Z',
  );
  assert.equal(day.body.split('\r\n').length, 1 + 24 * 60 + 1);
});

test('a text is never a formula to a spreadsheet, and a number stays one', async () => {
  const text = async (note: string | null, celsius: number) => {
    served.store.note = note;
    served.store.temperature = celsius;
    const { body } = await get(
      '/api/v1/streams/0/readings?format=csv&from=2026-11-20T12:00:00Z&to=2026-11-20T12:00:01Z',
    );
    return body.split('\r\n')[1]!.split(',').slice(2, 6);
  };
  for (const note of ['=1+1', '+1', '-1', '@SUM(A1)', '\tx'])
    assert.deepEqual(await text(note, -5.25), ['-5.25', '101325', 'shut', `'${note}`]);
  assert.deepEqual(await text('10 = 5 + 5', 1e-7), ['1e-7', '101325', 'shut', '10 = 5 + 5']);
  served.store.note = `a "quoted", note`;
  served.store.temperature = 21.5;
});

test('who asks for the head of an export reads no row', async (t) => {
  const { readings } = served.store;
  t.after(() => Object.assign(served.store, { readings }));
  let reads = 0;
  served.store.readings = (...asked) => {
    reads++;
    return readings(...asked);
  };
  const { statusCode, headers, body } = await app.inject({
    ...{ method: 'HEAD', url: `/api/v1/streams/0/readings?${TEN}&format=csv` },
  });
  assert.deepEqual([statusCode, body], [200, '']);
  assert.match(String(headers['content-type']), /^text\/csv/);
  assert.equal(headers['content-length'], undefined);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(reads, 0);
});

test('SenML resolves (RFC 8428, 4.6) to the same rows', async () => {
  const { headers, body } = await get(`/api/v1/streams/0/readings?${TEN}&format=senml`);
  assert.equal(headers['content-type'], 'application/senml+json');
  const records = JSON.parse(body) as {
    bn?: string;
    bt?: number;
    n: string;
    t?: number;
    v?: number;
    vs?: string;
  }[];
  let [bn, bt] = ['', 0];
  const resolved = records.map((record) => {
    bn = record.bn ?? bn;
    bt = record.bt ?? bt;
    return { name: bn + record.n, time: bt + (record.t ?? 0), value: record.v ?? record.vs };
  });
  // Ten rows of four channels.
  assert.equal(resolved.length, 40);
  assert.deepEqual(resolved[1], {
    name: 'a1b2c3d400000000/air/pressure',
    time: NOW_MS / 1000 - 600,
    value: 101325,
  });
  assert.equal(resolved[3]?.value, 'a "quoted", note');
});

test('a row of a time that SenML would read as relative to now stays out, and takes no other row with it', async () => {
  const store = Object.assign(new FakeStore(), {
    readings: async () => [
      { sequence: 1n, wallNs: 5_000_000_000n, values: [1, null, null, null] },
      { sequence: 2n, wallNs: BigInt(NOW_MS) * 1_000_000n, values: [2, null, null, null] },
    ],
  });
  const source = (await store.stream(0n))!;
  let text = '';
  for await (const part of senmlOf(store, source, { fromNs: 0n, toNs: 1n })) text += part;
  assert.deepEqual(
    JSON.parse(text).map(({ v }: { v: number }) => v),
    [2],
  );
});

test('what is asked wrongly is answered by what was wrong', async () => {
  for (const [url, why] of [
    ['/api/v1/nodes?limit=0', /limit/],
    ['/api/v1/nodes?group=all', /group/],
    ['/api/v1/streams/x/series', /stream/],
    ['/api/v1/streams/0/readings?from=yesterday', /a time like/],
    ['/api/v1/streams/0/readings?from=2026-11-20T12:00:00Z&to=2026-11-20T11:00:00Z', /ends before it begins/],
    ['/api/v1/logs?limit=5000', /limit/],
  ] as const) {
    const answer = await get(url);
    assert.equal(answer.statusCode, 400, url);
    assert.match(answer.json().message, why);
  }
  assert.equal((await get('/api/v1/nowhere')).statusCode, 404);
});

test('OpenAPI tells the routes by the schemas that check them', async () => {
  const told = (await get('/api/v1/openapi.json')).json();
  assert.equal(told.openapi, '3.1.0');
  assert.deepEqual(Object.keys(told.paths).sort(), [
    '/api/v1/health',
    '/api/v1/logs',
    '/api/v1/nodes',
    '/api/v1/nodes/{node}',
    '/api/v1/streams/{stream}/readings',
    '/api/v1/streams/{stream}/series',
  ]);
  const { parameters, responses } = told.paths['/api/v1/nodes'].get;
  const group = parameters.find(({ name }: { name: string }) => name === 'group');
  assert.deepEqual(group.schema.enum, ['prod', 'stage', 'dev']);
  assert.equal(group.required, false);
  assert.ok(responses['200'].content['application/json'].schema.properties.nodes);
  assert.equal(parameters.find(({ name }: { name: string }) => name === 'limit').description, '1 to 5000');
});

test('what OpenAPI tells is so: another validator takes its schemas, and every answer by them', async () => {
  const told = (await get('/api/v1/openapi.json')).json();
  // OpenAPI 3.1 has the JSON Schema of 2020-12.
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  const answers: readonly (readonly [path: string, url: string, type?: string])[] = [
    ['/api/v1/nodes', '/api/v1/nodes?limit=24'],
    ['/api/v1/nodes', '/api/v1/nodes?limit=0'],
    ['/api/v1/nodes/{node}', '/api/v1/nodes/a1b2c3d400000000'],
    ['/api/v1/nodes/{node}', '/api/v1/nodes/nobody'],
    ['/api/v1/streams/{stream}/series', '/api/v1/streams/0/series'],
    ['/api/v1/streams/{stream}/readings', `/api/v1/streams/0/readings?${TEN}`],
    ['/api/v1/streams/{stream}/readings', `/api/v1/streams/0/readings?${TEN}&limit=3`],
    [
      '/api/v1/streams/{stream}/readings',
      `/api/v1/streams/0/readings?${TEN}&format=senml`,
      'application/senml+json',
    ],
    ['/api/v1/logs', '/api/v1/logs'],
    ['/api/v1/health', '/api/v1/health'],
  ];
  for (const [path, url, type = 'application/json'] of answers) {
    const answer = await get(url);
    const { responses } = told.paths[path].get;
    const isRight = ajv.compile((responses[answer.statusCode] ?? responses.default).content[type].schema);
    assert.ok(isRight(answer.json()), `${url}: ${ajv.errorsText(isRight.errors)}`);
  }
  for (const [path, { get: route }] of Object.entries<{ get: Route }>(told.paths)) {
    const inPath = route.parameters?.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`) ?? [];
    assert.deepEqual(inPath, path.match(/\{\w+\}/g) ?? [], path);
    for (const { schema } of route.parameters ?? []) ajv.compile(schema);
  }
});

interface Route {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: object }[];
}

test('metrics are lines as Prometheus reads them', async () => {
  served.services = [{ name: 'a"b\\c', state: 'unhealthy', sinceMs: 0 }];
  const { headers, body } = await get('/metrics');
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  // The grammar of a line in Prometheus' text format.
  const line = /^(# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="([^"\\\n]|\\["\\n])*"\})? \d+)$/;
  for (const said of body.trimEnd().split('\n')) assert.match(said, line);
  assert.match(body, /cairn_nodes\{state="late"\} 4\n/);
  assert.match(body, /cairn_refused_messages_total\{cause="malformed"\} 3\n/);
  assert.match(body, /cairn_service_up\{service="a\\"b\\\\c"\} 0\n/);
});
