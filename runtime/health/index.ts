export {
  Flight,
  type FlightEvent,
  FlightFiles,
  type FlightLine,
  type FlightShape,
  latestDump,
  parseFlight,
} from './flight/index.js';
export { lastEnd } from './last-end.js';
export { openService, type Service, type ServiceOptions } from './service.js';
export { statusLine } from './status-line.js';
export {
  type Cause,
  type DiskFacts,
  type Facts,
  FINDING_KINDS,
  type Finding,
  type FindingKind,
  LISTENER_TODO,
  type LifeFacts,
  linkTodo,
  type MachineFacts,
  NETWORK_TODO,
  SIGNER_TODO,
  type WiringFact,
  why,
} from './why/index.js';
export { HEALTH_MAX_BYTES, healthWords } from './words.js';
