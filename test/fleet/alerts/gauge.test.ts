import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel } from '../../../drivers/contract/index.js';
import { gaugeOf, type RowCondition } from '../../../fleet/alerts/gauge.js';
import { distanceM, outsideM } from '../../../fleet/alerts/geo.js';
import { DEFAULT_RULES, inScope, parseRule } from '../../../fleet/alerts/rule.js';

const near = (actual: number, expected: number, within: number) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected} ± ${within}`);

test('distances: a degree of latitude is 111.195 km on the mean sphere; Zurich to Geneva is 224 km', () => {
  near(distanceM([0, 0], [1, 0]), (Math.PI / 180) * 6_371_008.8, 0.01);
  near(distanceM([47.3769, 8.5417], [46.2044, 6.1432]), 224_500, 1_000);
  near(distanceM([0, 179.5], [0, -179.5]), 111_195, 1);
});

test('how far outside a fence: circles, polygons, concave ones, across the antimeridian', () => {
  const circle = { latitude: 47, longitude: 8, radiusM: 1_000 };
  near(outsideM(circle, [47, 8]), -1_000, 0.01);
  near(outsideM(circle, [48, 8]), 110_195, 1);
  // A square of 0.02° around 0/0, whose side is 2,223.9 m away from its middle by half.
  const square = {
    polygon: [
      [-0.01, -0.01],
      [-0.01, 0.01],
      [0.01, 0.01],
      [0.01, -0.01],
    ] as const,
  };
  near(outsideM(square, [0, 0]), -1_111.95, 0.1);
  near(outsideM(square, [0, 0.02]), 1_111.95, 0.1);
  const u = {
    polygon: [
      [0, 0],
      [0, 3],
      [3, 3],
      [3, 2],
      [1, 2],
      [1, 1],
      [3, 1],
      [3, 0],
    ] as const,
  };
  assert.ok(outsideM(u, [2, 1.5]) > 0);
  assert.ok(outsideM(u, [2, 0.5]) < 0);
  const dateLine = {
    polygon: [
      [-1, 179],
      [-1, -179],
      [1, -179],
      [1, 179],
    ] as const,
  };
  assert.ok(outsideM(dateLine, [0, 180]) < 0);
  assert.ok(outsideM(dateLine, [0, 178]) > 0);
});

const decimal = { kind: 'decimal', scale: 2 } as const;
const CHANNELS: readonly Channel[] = [
  { name: 'x', quantity: 'acceleration', type: decimal },
  { name: 'y', quantity: 'acceleration', type: decimal },
  { name: 'lat', quantity: 'latitude', type: decimal },
  { name: 'lon', quantity: 'longitude', type: decimal },
  { name: 'event', quantity: 'state', type: { kind: 'enum', labels: ['idle', 'sos'] } },
];

function measured(
  condition: object,
  values: readonly (number | null)[],
  quality?: string,
): number | null | undefined {
  const spec = parseRule({ name: 'a', severity: 'info', condition });
  const row = { sequence: 1n, wallNs: undefined, values, ...(quality ? { quality } : {}) };
  return gaugeOf(spec.condition as RowCondition, CHANNELS)?.measure(row);
}

test('what each kind makes of a row', () => {
  const row = [3, 4, 47, 8, 1];
  assert.equal(measured({ kind: 'shock', channels: ['x', 'y'], above: 1 }, row), 5);
  assert.equal(measured({ kind: 'shock', channels: ['x', 'z'], above: 1 }, row), undefined);
  assert.equal(measured({ kind: 'sos', channel: 'event', labels: ['sos'] }, row), 1);
  assert.equal(measured({ kind: 'sos', channel: 'event', labels: ['sos'] }, [...row.slice(0, 4), 0]), 0);
  assert.equal(measured({ kind: 'threshold', channel: 'y', below: 1 }, row), 4);
  assert.equal(measured({ kind: 'threshold', channel: 'y', below: 1 }, row, 'gtggg'), null);
  assert.equal(measured({ kind: 'threshold', channel: 'y', below: 1 }, row, 'gsggg'), 4);
  const fence = { latitude: 47, longitude: 8, radiusM: 100 };
  assert.equal(measured({ kind: 'geofence', when: 'outside', fence }, row), -100);
  assert.equal(measured({ kind: 'geofence', when: 'outside', fence }, [3, 4, null, 8, 1]), null);
});

test('a rule that is wrong says where', () => {
  const rule = {
    name: 'Warm',
    severity: 'warning',
    condition: { kind: 'threshold', channel: 'temperature', above: 8 },
  };
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ ...rule, severity: 'loud' }, /^RuleError: severity: /],
    [{ ...rule, condition: { ...rule.condition, below: 2 } }, /either `above` or `below`/],
    [{ ...rule, condition: { ...rule.condition, above: undefined } }, /either `above` or `below`/],
    [{ ...rule, condition: { kind: 'magic' } }, /^RuleError: condition.kind: /],
    [{ ...rule, tell: ['ops@example.org'] }, /^RuleError: tell.0: mail:name@example.org or sms:/],
    [{ ...rule, tell: ['mail:a@b\r\nBcc: c@d'] }, /^RuleError: tell.0: /],
    [{ ...rule, colour: 'red' }, /^RuleError: colour: /],
    [
      {
        ...rule,
        escalate: [
          { afterMin: 5, tell: [] },
          { afterMin: 5, tell: [] },
        ],
      },
      /afterMin must grow/,
    ],
  ];
  assert.equal(parseRule(rule).tellAtMostPerHour, 60);
  for (const [json, message] of wrong) assert.throws(() => parseRule(json), message);
  for (const json of DEFAULT_RULES) parseRule(json);
});

test('scopes: group, nodes, streams by name or beginning, class', () => {
  const of = { node: 'n1', group: 'prod', stream: 'motion.alarm', logClass: 'alarm' };
  const scoped = (scope: object) =>
    inScope(parseRule({ name: 'a', severity: 'info', scope, condition: { kind: 'sos' } }), of);
  assert.ok(scoped({}));
  assert.ok(scoped({ group: 'prod', nodes: ['n1'], stream: 'motion*', class: 'alarm' }));
  for (const other of [{ group: 'dev' }, { nodes: ['n2'] }, { stream: 'motion' }, { class: 'event' }])
    assert.ok(!scoped(other), JSON.stringify(other));
});
