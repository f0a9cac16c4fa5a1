import { resolve } from 'node:path';
import { toJson } from '../../control.js';
import { forecastHere, forecastLines } from '../../forecast.js';
import { CONFIG_OPTION, type Command, EXIT } from '../command.js';
import { configPath, readConfig } from '../files.js';

export const check: Command = {
  name: 'check',
  topic: 'mend',
  summary: 'check a node file without starting anything; every error names file, line and column',
  usage: '[FILE]',
  examples: ['cairn check node.yaml', 'cairn check --json'],
  options: CONFIG_OPTION,
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const [file] = call.positionals;
    const path = file ? resolve(file) : configPath(call);
    const config = readConfig(path, call.terminal);
    const flash = await forecastHere(config);
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
      flash,
    };
    if (call.json) call.terminal.out(toJson(summary));
    else {
      call.terminal.out(
        `${path}: right. Node ${config.name} on ${config.board.title}, ${config.parts.length} parts.`,
      );
      for (const line of forecastLines(config, flash)) call.terminal.out(line);
    }
    return EXIT.ok;
  },
};
