import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import { freshFolder, run, say } from '../shell.js';

/** Of Debian's compilers, the one that its kernel was built with. */
const COMPILER = 'gcc-12';

/** Builds what Debian's kernel has not, out of tree against its headers, once for each state of the adapter's source. */
export function buildModules(arch: Arch, folder: string, release: string, adapter: string): string {
  const { kernelArch, crossPrefix } = archs[arch];
  const hash = createHash('sha256');
  for (const name of sourcesOf(adapter)) hash.update(readFileSync(join(adapter, name)));
  const built = join(folder, `modules-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(built)) return built;
  say(`building gpio-sim, irq_sim and cairn_i2c against the headers of ${release}`);
  const build = freshFolder(`${built}.new`);
  copySources(join(folder, 'source'), adapter, build);
  const headers = join(folder, 'tree/usr/src', `linux-headers-${release}`);
  const common = headers.replace(new RegExp(`${arch}$`), 'common');
  writeFileSync(join(headers, 'Makefile'), `include ${common}/Makefile\n`); // the packaged one names /usr/src
  const words = [`ARCH=${kernelArch}`, `CROSS_COMPILE=${crossPrefix}`, `CC=${crossPrefix}${COMPILER}`];
  run('make', ['-C', headers, `M=${build}`, ...words, 'modules']);
  rmSync(built, { recursive: true, force: true });
  renameSync(build, built);
  return built;
}

/** The adapter's own C, in order. */
function sourcesOf(adapter: string): readonly string[] {
  return readdirSync(adapter)
    .filter((name) => /\.[ch]$/.test(name))
    .sort();
}

function copySources(source: string, adapter: string, build: string): void {
  for (const name of sourcesOf(adapter)) copyFileSync(join(adapter, name), join(build, name));
  for (const name of ['gpio-sim.c', 'gpiolib.h'])
    copyFileSync(join(source, 'drivers/gpio', name), join(build, name));
  // irq_to_desc is not exported to modules; generic_handle_irq does the same for the simple handler of irq_sim.
  const irqSim = readFileSync(join(source, 'kernel/irq/irq_sim.c'), 'utf8');
  writeFileSync(
    join(build, 'irq_sim.c'),
    `${irqSim.replace(/handle_simple_irq\(irq_to_desc\((.*)\)\);/, 'generic_handle_irq($1);')}\n#include <linux/module.h>\nMODULE_LICENSE("GPL");\n`,
  );
  writeFileSync(
    join(build, 'Kbuild'),
    'obj-m := irq_sim.o gpio-sim.o cairn_i2c.o\ncairn_i2c-y := adapter.o wires.o\nccflags-y := -DCONFIG_IRQ_SIM=1\n',
  );
}
