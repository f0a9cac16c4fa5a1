import type { Channel, StreamClass, StreamDeclaration } from '../contract/index.js';

/** What hangs on the line. A contact has no registers: this is what its level means. */
export const ROLES = ['contact', 'reed', 'button', 'pir', 'sos', 'counter'] as const;
export type Role = (typeof ROLES)[number];

interface RoleFacts {
  readonly class: StreamClass;
  /** What an inactive and an active line are called. */
  readonly labels: readonly [inactive: string, active: string];
  /** A lasting state is told when the node starts; a momentary one only where it is active then. */
  readonly lasting: boolean;
}

export const FACTS: Readonly<Record<Exclude<Role, 'counter'>, RoleFacts>> = {
  contact: { class: 'event', labels: ['open', 'closed'], lasting: true },
  reed: { class: 'event', labels: ['open', 'closed'], lasting: true },
  button: { class: 'event', labels: ['released', 'pressed'], lasting: false },
  pir: { class: 'event', labels: ['still', 'motion'], lasting: false },
  sos: { class: 'alarm', labels: ['released', 'pressed'], lasting: false },
};

/** Rows a second that one contact may make; what exceeds them is counted in `edges` of the next row. */
export const MAX_ROWS_PER_S = 20;

export function streamOf(role: Role): StreamDeclaration {
  if (role === 'counter') return { name: '', class: 'telemetry', channels: COUNTER_CHANNELS };
  const state: Channel = {
    name: 'state',
    quantity: 'state',
    type: { kind: 'enum', labels: FACTS[role].labels },
  };
  return { name: '', class: FACTS[role].class, channels: [state, count('edges'), count('edgesLost')] };
}

const COUNTER_CHANNELS: readonly Channel[] = [
  count('pulses'),
  { name: 'interval', quantity: 'duration', type: { kind: 'decimal', scale: 6 } },
  { name: 'frequency', quantity: 'frequency', type: { kind: 'decimal', scale: 3 } },
  count('total'),
  count('edgesLost'),
];

function count(name: string): Channel {
  return { name, quantity: 'count', type: { kind: 'int' } };
}
