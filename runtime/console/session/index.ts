export { Repl, type ReplOptions } from './repl.js';
export { Session, type SessionOptions } from './session.js';
export { systemTime } from './time.js';
export { type OpenLine, openLine } from './tty.js';
export type * from './types.js';
