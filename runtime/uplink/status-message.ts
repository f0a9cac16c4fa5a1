import { statusTopic } from '../../wire/index.js';
import type { Store } from '../store/types.js';
import type { MqttMessage } from './mqtt-port.js';
import type { StatusHealth } from './types.js';

export type NodeState = 'online' | 'offline' | 'stopped';

/** The retained status (docs/wire-format.md): the last will says `offline`, birth `online`, a clean stop `stopped`. Without `health` it says nothing of that. */
export function statusMessage(
  state: NodeState,
  store: Store,
  software: string,
  custody: 'broker' | 'fleet',
  payloads: readonly string[],
  health?: StatusHealth,
): MqttMessage {
  const { node, epoch, boot } = store;
  const text = JSON.stringify({ state, node, epoch, boot, software, custody, payloads, health });
  return { topic: statusTopic(node), payload: new TextEncoder().encode(text), retain: true };
}
