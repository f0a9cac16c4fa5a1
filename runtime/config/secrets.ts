import { whyUnreadable } from './files.js';
import { Problems } from './problem.js';
import type { ConfigProblem, NodeConfig, SecretFile } from './types.js';

/** The permission bits of a file; undefined where there is none; throws what node:fs throws. */
export type StatFile = (path: string) => { readonly mode: number } | undefined;

/**
 * The files that the uplink's secrets are in: they must be there, and be nobody's but their owner's. Part of `run` and `check`,
 * not of `loadConfig`: it is about the machine, not about the file.
 */
export function checkSecrets(config: NodeConfig, stat: StatFile): readonly ConfigProblem[] {
  const problems = new Problems();
  for (const name of ['key', 'password'] as const) {
    const secret = config.uplink?.[name];
    if (secret) checkSecret(`uplink.${name}`, secret, stat, problems);
  }
  return problems.sorted();
}

function checkSecret(name: string, secret: SecretFile, stat: StatFile, problems: Problems): void {
  const place = secret.place ?? { file: secret.file, line: 1, column: 1 };
  const wanted = `a file with the secret that only its user may read: chmod 600 ${secret.file}`;
  try {
    const found = stat(secret.file);
    if (!found) problems.add(place, `${name}: there is no file ${secret.file}`, wanted);
    else if ((found.mode & 0o077) !== 0) {
      const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
      problems.add(place, `${name}: others may read ${secret.file} (mode ${mode})`, wanted);
    }
  } catch (error) {
    problems.add(place, `${name}: ${secret.file}: ${whyUnreadable(error)}`, wanted);
  }
}
