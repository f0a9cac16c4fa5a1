export type { ConfigFiles } from './files.js';
export { boardSchema, nodeSchema } from './json-schema.js';
export { type ConfigDeps, type LoadedConfig, loadConfig, storePathIn } from './load.js';
export { type MoreChecks, readOtherFile } from './other-file.js';
export { formatProblem } from './problem.js';
export { checkSecrets, type StatFile } from './secrets.js';
export type * from './types.js';
