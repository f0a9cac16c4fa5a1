import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert } from '../../../fleet/alerts/index.js';
import { messageOf } from '../../../fleet/alerts/message.js';
import { parseRule } from '../../../fleet/alerts/rule.js';
import { HOT, NODE, T0_MS } from './fixtures.js';

const ALERT: Alert = {
  ...{ id: 12n, ruleId: 1n, node: NODE, group: 'prod', stream: 'climate', streamId: 1n, severity: 'warning' },
  ...{
    state: 'open',
    timed: false,
    openedSequence: 1n,
    firstSequence: 1n,
    lastSequence: 2n,
    closedSequence: undefined,
  },
  ...{ rows: 2n, value: 8.4, peak: 9.13, sinceMs: undefined, detail: 'temperature 8.4 °C', openedMs: T0_MS },
  ...{
    closedMs: undefined,
    closedWhy: undefined,
    acknowledged: undefined,
    step: 0,
    nextStepMs: undefined,
    held: undefined,
  },
};

function message(
  reason: 'opened' | 'cleared',
  more: Partial<Alert> = {},
  agoMs = 1_000,
  name = 'Cold store',
) {
  const spec = parseRule({ ...HOT, severity: 'critical', whatToDo: 'Close the door.' });
  const from = { wallNs: BigInt(T0_MS - agoMs) * 1_000_000n, uncertaintyMs: 90_000 };
  const facts = {
    alert: { ...ALERT, ...more },
    rule: { id: 1n, spec },
    node: { name, group: 'prod' as const },
  };
  return messageOf(
    { id: 'x', reason },
    { ...facts, from, until: undefined, failed: [], baseUrl: 'https://f.example' },
  );
}

test('what arrived late is told as old, however late it is sent; an end asks for nothing', () => {
  assert.doesNotMatch(message('opened').text, /This is old/);
  assert.match(message('opened', {}, 14 * 3_600_000).text, /This is old: it arrived 14 h after it happened/);
  assert.match(message('opened').text, /± 90 s/);
  const ended = message('cleared', { state: 'closed', closedWhy: 'rows' });
  assert.match(ended.subject, /^\[critical\] Ended: Too warm: Cold store$/);
  assert.doesNotMatch(ended.text, /What to do|Acknowledge/);
  assert.equal(ended.isUrgent, false);
});

test('of a boot without a time it is told since when it is over', () => {
  const facts = {
    alert: ALERT,
    rule: { id: 1n, spec: parseRule(HOT) },
    ...{ node: undefined, from: undefined, until: undefined, failed: [], baseUrl: 'https://f.example' },
  };
  const textOf = (notAfterMs: number) =>
    messageOf({ id: 'x', reason: 'opened' }, { ...facts, notAfterNs: BigInt(notAfterMs) * 1_000_000n }).text;
  // T0 is 2026-11-23 02:00.
  const old = textOf(T0_MS - 3 * 3_600_000);
  assert.match(old, /^This is old: it arrived at least 3 h after it happened\.$/m);
  assert.match(
    old,
    /^When: {3}not known yet \(the node had no clock\), but before 2026-11-22 23:00:00 UTC, /m,
  );
  assert.doesNotMatch(textOf(T0_MS - 60_000), /This is old/);
});

test('a name that somebody gave begins no line and no header of its own', () => {
  const { subject, text, short } = message(
    'opened',
    { detail: 'note a\r\n\r\nState: fine' },
    0,
    'x\r\nBcc: eve@example.org\u2028y',
  );
  assert.doesNotMatch(subject + short, /[\r\n\u2028]/);
  assert.doesNotMatch(text, /^(Bcc|State: fine)/m);
});

test('a unit does not halve an SMS: its text stays ASCII', () => {
  const { text, short } = message('opened');
  assert.match(text, /temperature 8\.4 °C/);
  assert.match(short, /^[\x20-\x7e]+temperature 8\.4 C$/);
});
