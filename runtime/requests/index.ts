export { type NodeLink, nodeRequests, type RequestParts } from './answers.js';
export type { Calibrated } from './calibration.js';
export { type EventNews, followEvent } from './event-receipt.js';
export { answerExport, type Sent, type SentBlock } from './export.js';
export { type TestedPart, type TestedParts, testParts } from './test-parts.js';
export { type TestFailureKind, type TestResult, testUplink, whoHasIt } from './uplink-test.js';
export {
  type EdgeAnswer,
  type ScanAnswer,
  type SniffAnswer,
  type SurveyAnswer,
  type WiringParts,
  wiringRequests,
} from './wiring.js';
