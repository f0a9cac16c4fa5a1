import { resolve } from 'node:path';
import { toJson } from '../../control.js';
import { CONFIG_OPTION, type Command, EXIT } from '../command.js';
import { configPath, readConfig } from '../files.js';

export const check: Command = {
  name: 'check',
  summary: 'check a node file without starting anything; every error names file, line and column',
  usage: '[FILE]',
  examples: ['cairn check node.yaml', 'cairn check --json'],
  options: CONFIG_OPTION,
  async run(call) {
    const [file] = call.positionals;
    const path = file ? resolve(file) : configPath(call);
    const config = readConfig(path, call.terminal);
    const summary = {
      file: path,
      node: config.name,
      board: config.board.name,
      parts: config.parts.map((part) => ({
        id: part.id,
        driver: part.driver.id,
        attachment: part.attachment,
      })),
      uplink: config.uplink?.url,
    };
    if (call.json) call.terminal.out(toJson(summary));
    else {
      call.terminal.out(
        `${path}: right. Node ${config.name} on ${config.board.title}, ${config.parts.length} parts.`,
      );
    }
    return EXIT.ok;
  },
};
