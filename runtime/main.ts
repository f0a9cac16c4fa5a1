import type { Terminal } from './console/command.js';
import { runCommand } from './console/table.js';

const terminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  interactive: process.stderr.isTTY === true,
};

process.exitCode = await runCommand(process.argv.slice(2), terminal);
