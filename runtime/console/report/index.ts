export { canonicalJson } from './canonical.js';
export { contentOf, type Sources } from './content.js';
export { openSigned, type ReportProblem, type Sealed, seal, signedText } from './signed.js';
export { reportLines } from './text.js';
export type { Report } from './types.js';
