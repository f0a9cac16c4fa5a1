import { join } from 'node:path';
import { type Arch, archs } from './machine/arch.js';
import { run } from './shell.js';

/** The Node that images ship, and that guests run. */
export const NODE_MAJOR = 24;

/**
 * Builds the add-on in `folder` for another Node and another machine than this one; `nodedir` holds that Node's headers. By the
 * environment: npm tells its children of a `nodedir` of the user's, and node-gyp believes that more than its own arguments.
 */
export function compileAddon(arch: Arch, project: string, nodedir: string, folder: string): void {
  const { gnu, nodeArch } = archs[arch];
  const gyp = join(project, 'node_modules/node-gyp/bin/node-gyp.js');
  run(process.execPath, [gyp, 'rebuild', '-C', folder, `--arch=${nodeArch}`], {
    env: {
      npm_config_nodedir: nodedir,
      ...{ CC: `${gnu}-gcc`, CXX: `${gnu}-g++`, LINK: `${gnu}-g++`, AR: `${gnu}-ar` },
    },
  });
}
