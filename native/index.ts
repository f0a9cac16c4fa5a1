import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeApi } from './api.js';

export type { NativeApi } from './api.js';
export * from './types.js';

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

/** The only place that loads the add-on: a local build, or the prebuilt file for this platform. */
export const native: NativeApi = createRequire(import.meta.url)('node-gyp-build')(nativeRoot());
