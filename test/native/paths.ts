import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder, from wherever this file was compiled to. */
function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'native', 'binding.gyp'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the project has no native/binding.gyp: it is not whole');
    folder = parent;
  }
  return folder;
}

export function projectFile(path: string): string {
  return join(projectRoot(), path);
}

/** Where real data is read in place, and why a test is skipped where it isn't. */
export function realData(path: string): { readonly path: string; readonly skip: string | false } {
  const full = join(process.env.CAIRN_REAL_DATA ?? projectFile('../shared/data'), path);
  return { path: full, skip: existsSync(full) ? false : `real data absent: ${path}` };
}
