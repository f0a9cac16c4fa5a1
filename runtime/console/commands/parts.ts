import { HalError } from '../../../drivers/contract/index.js';
import { registry } from '../../board/index.js';
import { toJson } from '../../control.js';
import { CONFIG_OPTION, type Command, EXIT } from '../command.js';
import { configPath, readConfig } from '../files.js';
import { withBoard } from '../hardware.js';

export const parts: Command = {
  name: 'parts',
  summary: 'probe each part of the node file, or list the kinds of parts with --known',
  usage: '[--config FILE] [--known]',
  examples: ['cairn parts', 'cairn parts --known', 'cairn parts --config node.yaml --json'],
  options: { ...CONFIG_OPTION, known: { type: 'boolean' } },
  async run(call) {
    if (call.options.known) return listKnown(call.json, call.terminal.out);
    const config = readConfig(configPath(call), call.terminal);
    const rows = await withBoard(config, call.terminal, async (board) => {
      const opened = await Promise.all(
        board.parts.map(async ({ config: part, driver, where }) => {
          try {
            const identity = await driver.probe();
            return { id: part.id, where, state: 'ok', found: identity.model, details: identity.details };
          } catch (error) {
            return { id: part.id, where, ...failure(error) };
          }
        }),
      );
      return [
        ...opened,
        ...board.missing.map(({ config: part, error }) => ({ id: part.id, where: '-', ...failure(error) })),
      ];
    });
    for (const row of rows) {
      if (call.json) call.terminal.out(toJson(row));
      else
        call.terminal.out(
          `${row.id.padEnd(16)} ${row.where.padEnd(28)} ${row.state.padEnd(14)} ${row.found}`,
        );
    }
    return rows.every((row) => row.state === 'ok') ? EXIT.ok : EXIT.failed;
  },
};

function failure(error: unknown) {
  const kind = error instanceof HalError ? error.kind : 'io';
  return { state: kind as string, found: (error as Error).message, details: {} };
}

function listKnown(json: boolean, out: (text: string) => void) {
  for (const driver of registry.drivers) {
    const addresses = driver.addresses?.map((address) => `0x${address.toString(16)}`);
    if (json) out(toJson({ id: driver.id, title: driver.title, attachment: driver.attachment, addresses }));
    else
      out(
        `${driver.id.padEnd(12)} ${driver.attachment.padEnd(7)} ${driver.title}${addresses ? ` (${addresses.join(', ')})` : ''}`,
      );
  }
  return EXIT.ok;
}
