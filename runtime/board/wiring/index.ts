export type { WiringFault, WiringFaultKind } from './fault.js';
export { wiringLine } from './fault.js';
export { blink, type LedFiles } from './leds.js';
export { followLine, type LineSight, seeLines } from './lines.js';
export { type RegisterRange, type Registers, readRegisters } from './registers.js';
export {
  busesToScan,
  type ScannedAddress,
  type ScannedBus,
  type ScannedOthers,
  type ScannedPort,
  scanI2c,
  scanOthers,
} from './scan.js';
export { type HeardPort, type SniffRequest, sniff } from './sniff.js';
export { type Survey, type SurveyedPart, surveyParts } from './survey.js';
export type { SurveyDeps, Surveyed } from './surveyed.js';
