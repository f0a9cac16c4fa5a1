export type { RowTime } from '../../wire/index.js';
export type { Fact, SummaryLine } from './ledger.js';
export { type ReceiveOptions, type RunningReceiver, startReceiver } from './mqtt.js';
export { createReceiver, type ReceivedRows, type Receiver, type TakeResult } from './receiver.js';
export type { StreamSummary } from './stream-ledger.js';
