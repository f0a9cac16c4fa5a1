export type { RowTime } from '../../wire/index.js';
export { type ArrivedBlock, arrivedBlock, MismatchError } from './arrived.js';
export type { Fact, SummaryLine } from './ledger.js';
export { type ReceiveOptions, type RunningReceiver, startReceiver } from './mqtt.js';
export { noticeLine, noticeOf, type ReceivedNotice } from './notice.js';
export { readReceiptKey } from './receipt-key.js';
export { BATCH_MS, type ReceiptKey, Receipts, type ReceiptsOptions } from './receipts.js';
export { createReceiver, heldBy, type ReceivedRows, type Receiver, type TakeResult } from './receiver.js';
export type { StreamSummary } from './stream-ledger.js';
