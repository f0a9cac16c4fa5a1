import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FIRST = '/sys/fs/cgroup/memory';
const SECOND = '/sys/fs/cgroup';

/** Where control groups of memory can be made; `undefined`: nowhere. */
function root(): { folder: string; limit: string } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (existsSync(join(FIRST, 'memory.limit_in_bytes')))
    return { folder: FIRST, limit: 'memory.limit_in_bytes' };
  const controllers = join(SECOND, 'cgroup.subtree_control');
  if (!existsSync(controllers) || !readFileSync(controllers, 'utf8').includes('memory')) return undefined;
  return { folder: SECOND, limit: 'memory.max' };
}

/** Why none can be made here; false where one can. */
export const cannotGroup: string | false = root() ? false : 'no control group of memory can be made here';

/** A control group whose processes are killed past so many bytes. */
export class MemoryGroup {
  readonly #folder: string;

  constructor(limitBytes: number) {
    const { folder, limit } = root()!;
    this.#folder = join(folder, `cairn-test-${process.pid}-${limitBytes}`);
    mkdirSync(this.#folder);
    writeFileSync(join(this.#folder, limit), String(limitBytes));
  }

  /** For a shell: joins the group, then becomes the command. */
  get join(): string {
    return `echo $$ > ${join(this.#folder, 'cgroup.procs')} && exec "$@"`;
  }

  remove(): void {
    rmdirSync(this.#folder);
  }
}
