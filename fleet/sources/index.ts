export type { Client } from './access.js';
export {
  type BrokerTls,
  type EmbeddedBroker,
  type EmbeddedBrokerOptions,
  embeddedBroker,
} from './embedded.js';
export { type LineListener, type LineListenerOptions, lineListener } from './line-listener.js';
export { type MqttSource, type MqttSourceOptions, mqttSource } from './mqtt-source.js';
export type { Source, Take } from './types.js';
