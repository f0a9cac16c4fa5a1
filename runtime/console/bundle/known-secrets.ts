import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeConfig } from '../../config/index.js';
import { Secrets } from './secrets.js';

/** Of the environment: what a name like this has is nobody's business. */
const SECRET_NAMES = /pass|secret|token|credential|api_?key|private/i;

export interface KnownSecrets {
  readonly secrets: Secrets;
  /** Files that the caller may not read: what is in them could not be looked for. */
  readonly unread: readonly string[];
}

/** Every secret that the node's own configuration, the files that it names, and this environment hold. */
export function knownSecrets(
  texts: Readonly<Record<string, string>>,
  config: NodeConfig | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): KnownSecrets {
  const secrets = new Secrets();
  const unread: string[] = [];
  for (const [path, text] of Object.entries(texts)) secrets.learn(path, text);
  for (const [name, value] of Object.entries(environment))
    if (value && SECRET_NAMES.test(name)) secrets.add(`environment ${name}`, value);
  for (const path of secretFiles(config)) {
    try {
      secrets.add(path, readFileSync(path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') unread.push(path);
    }
  }
  return { secrets, unread };
}

function secretFiles(config: NodeConfig | undefined): readonly string[] {
  const { uplink, identityPath } = config ?? {};
  return [
    ...[uplink?.password, uplink?.key].flatMap((secret) => (secret ? [secret.file] : [])),
    ...(identityPath === undefined ? [] : [join(identityPath, 'node.key')]),
    '/etc/cairn/console.secret',
  ];
}
