/** The product broke the model's contract, or the model itself is wrong: never the simulated world's fault. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
}

export function fsError(code: 'ENOENT' | 'ENOSPC' | 'EIO' | 'EROFS', path: string): Error {
  return ofWorld(`${code}: ${path}`, code);
}

/** As abstract-level gives it: its own code outside, LevelDB's within. */
export function levelError(code: 'LEVEL_IO_ERROR' | 'LEVEL_CORRUPTION', text: string): Error {
  return ofWorld(text, code);
}

export function notOpen(cause?: Error): Error {
  return ofWorld('Database is not open', 'LEVEL_DATABASE_NOT_OPEN', cause);
}

/** Where in the model it was made tells nobody anything, and would be a third of what a refused write takes. */
function ofWorld(text: string, code: string, cause?: Error): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = Object.assign(new Error(text, { cause }), { code });
  Error.stackTraceLimit = limit;
  return error;
}
