export { DeadLetters } from './dead-letters.js';
export { decodeMessage, MAX_PAYLOAD_BYTES, MAX_TOPIC_BYTES } from './decode.js';
export { NotHeldError, type Outcome } from './entry.js';
export { Ingest, type IngestOptions, type IngestState } from './ingest.js';
export { senmlPacks } from './senml-pack.js';
export { Spool, type SpoolOptions } from './spool.js';
export { lineChecksum } from './tracker.js';
export { type Message, type Notice, REFUSALS, type Refusal, type RefusalCause } from './types.js';
