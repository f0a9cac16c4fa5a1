import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { registry } from '../board/index.js';
import { checkSecrets, formatProblem, loadConfig, type NodeConfig } from '../config/index.js';
import { controlPath } from '../control.js';
import { readFleetKeys } from '../fleet-keys.js';
import { forecast, wearProblems } from '../forecast.js';
import { packageRoot } from '../package.js';
import { CommandError, EXIT, type Invocation, type Terminal } from './command.js';

const DEFAULT_CONFIG = '/etc/cairn/node.yaml';

/** `--config FILE`, else CAIRN_CONFIG, else /etc/cairn/node.yaml. */
export function configPath(call: Invocation): string {
  const given = call.options.config;
  return resolve(typeof given === 'string' ? given : (process.env.CAIRN_CONFIG ?? DEFAULT_CONFIG));
}

/** The checked configuration; every problem is said with its place, and then the command ends. */
export function readConfig(path: string, terminal: Terminal): NodeConfig {
  if (!existsSync(path))
    throw new CommandError(EXIT.usage, `${path}: no such node file; name one with --config FILE`);
  const result = loadConfig(path, {
    readFile: (file) => readFileSync(file, 'utf8'),
    listFiles: (folder) => readdirSync(folder),
    registry,
    boardsPath: join(packageRoot(), 'board-configs', 'boards'),
  });
  if (!result.ok) throw new CommandError(EXIT.usage, result.problems.map(formatProblem).join('\n'));
  const secrets = checkSecrets(result.config, (file) => statSync(file, { throwIfNoEntry: false }));
  const problems = [...secrets, ...readFleetKeys(result.config.uplink).problems];
  if (problems.length > 0) throw new CommandError(EXIT.usage, problems.map(formatProblem).join('\n'));
  checkSocket(path, result.config.store.path);
  checkFlash(result.config);
  for (const warning of result.warnings) terminal.err(`warning: ${formatProblem(warning)}`);
  return result.config;
}

/** A declared flash that would be worn out before its time. One that is only looked up is another machine's as likely as not. */
function checkFlash(config: NodeConfig): void {
  if (config.store.flash?.sizeBytes === undefined) return;
  const problems = wearProblems(config, forecast(config));
  if (problems.length > 0) throw new CommandError(EXIT.usage, problems.map(formatProblem).join('\n'));
}

/** A store whose socket the kernel can't name would be opened, and then nobody could ask the node. */
function checkSocket(file: string, storePath: string): void {
  try {
    controlPath(storePath);
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: store.path: ${(error as Error).message}`);
  }
}
