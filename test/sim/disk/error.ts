/** The product broke the model's contract, or the model itself is wrong: never the simulated world's fault. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
}

export function fsError(code: 'ENOENT' | 'ENOSPC' | 'EIO' | 'EROFS', path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

/** As abstract-level gives it: its own code outside, LevelDB's within. */
export function levelError(code: 'LEVEL_IO_ERROR' | 'LEVEL_CORRUPTION', text: string): Error {
  return Object.assign(new Error(text), { code });
}

export function notOpen(cause?: Error): Error {
  return Object.assign(new Error('Database is not open', { cause }), { code: 'LEVEL_DATABASE_NOT_OPEN' });
}
