import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeApi } from './api.js';
import { headerAt } from './header.js';
import { DECODE_ERROR_KINDS, type DecodedBlock, type DecodeErrorKind } from './types.js';

export type { NativeApi } from './api.js';
export * from './types.js';

/** Bytes that are no block, or no whole one. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';

  constructor(
    readonly kind: DecodeErrorKind,
    /** Where in the bytes the block was looked for. */
    readonly offset: number,
    what: string,
    options: { cause?: unknown } = {},
  ) {
    super(`block at byte ${offset}: ${what}`, options);
  }
}

/** The folder that holds binding.gyp, looked for upwards from wherever this file was compiled to. */
function nativeRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'native', 'binding.gyp'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('native/binding.gyp not found: the package is not whole');
    folder = parent;
  }
  return join(folder, 'native');
}

function isDecodeErrorKind(code: unknown): code is DecodeErrorKind {
  return DECODE_ERROR_KINDS.some((kind) => kind === code);
}

/** C throws plain errors with the kind as their code; here they get their class. */
function withDecodeError<T>(
  decode: (bytes: Uint8Array, offset: number) => T,
): (bytes: Uint8Array, offset: number) => T {
  return (bytes, offset) => {
    try {
      return decode(bytes, offset);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && isDecodeErrorKind(error.code))) throw error;
      throw new DecodeError(error.code, offset, error.message, { cause: error });
    }
  };
}

/** What C exports. */
interface Addon extends Omit<NativeApi, 'decodeHeader' | 'decodeBlock'> {
  /** The length of the block, which is whole and whose header is good. */
  checkBlock(bytes: Uint8Array, offset: number): number;
  decodeBlock(
    bytes: Uint8Array,
    offset: number,
  ): Omit<DecodedBlock, 'header'> & { readonly byteLength: number };
}

/** The only place that loads the add-on: a local build, or the prebuilt file for this platform. */
const addon: Addon = createRequire(import.meta.url)('node-gyp-build')(nativeRoot());

const { checkBlock, decodeBlock, ...others } = addon;
const check = withDecodeError(checkBlock);
const decode = withDecodeError(decodeBlock);

export const native: NativeApi = {
  ...others,
  decodeHeader: (bytes, offset = 0) => headerAt(bytes, offset, check(bytes, offset)),
  decodeBlock: (bytes, offset = 0) => {
    const { byteLength, ...block } = decode(bytes, offset);
    return { header: headerAt(bytes, offset, byteLength), ...block };
  },
};
