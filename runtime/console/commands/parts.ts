import { native } from '../../../native/index.js';
import { registry, type SurveyedPart, surveyWiring, wiringLine } from '../../board/index.js';
import type { Kept } from '../../calibrations.js';
import { systemClock } from '../../clock/index.js';
import type { NodeConfig } from '../../config/index.js';
import { ControlError, toJson } from '../../control.js';
import { keptHere } from '../calibrations-here.js';
import { CONFIG_OPTION, type Command, EXIT, type Terminal } from '../command.js';
import { readRunning } from '../files.js';

export const parts: Command = {
  name: 'parts',
  topic: 'look',
  summary: 'probe each part and say what is wrong with its wiring; --known lists the kinds of parts',
  usage: '[--config FILE] [--known]',
  examples: ['cairn parts', 'cairn parts --known', 'cairn parts --config node.yaml --json'],
  options: { ...CONFIG_OPTION, known: { type: 'boolean' } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const { terminal, json } = call;
    if (call.options.known) return listKnown(json, terminal.out);
    const config = readRunning(call);
    const survey = await surveyWiring(config, {
      clock: systemClock(),
      native,
      random: Math.random,
      log: () => undefined, // what it would say is in the answer
      onLook: (ids) => sayLooking(ids, terminal),
    });
    const used = await inUseHere(config, terminal);
    const lines = survey.faults.map((fault) => ({ ...fault, line: wiringLine(fault) }));
    for (const part of survey.parts) {
      const fault = lines.find((candidate) => candidate.parts.includes(part.id));
      const calibrations = used.filter((one) => one.part === part.id);
      terminal.out(json ? toJson({ ...rowOf(part), fault, calibrations }) : textOf(part));
      if (!json && calibrations.length > 0) terminal.out(`    ${calibratedText(calibrations)}`);
    }
    if (!json) for (const { line } of lines) terminal.out(line);
    return survey.parts.every(({ identity }) => identity) ? EXIT.ok : EXIT.failed;
  },
};

/** A node that can't be asked keeps nobody from looking at the parts. */
async function inUseHere(config: NodeConfig, terminal: Terminal): Promise<readonly Kept[]> {
  try {
    return (await keptHere(config, terminal)).filter(({ isInUse }) => isInUse);
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    terminal.err(`warning: calibrations: ${error.message}`);
    return [];
  }
}

function sayLooking(ids: readonly string[], terminal: Terminal): void {
  if (terminal.interactive) terminal.err(`looking further for ${ids.join(', ')}: up to half a minute …`);
}

function rowOf({ id, where, identity, error }: SurveyedPart) {
  if (identity) return { id, where, state: 'ok', found: identity.model, details: identity.details };
  return { id, where, state: error?.kind ?? 'io', found: error?.message ?? '', details: {} };
}

/** Parts that don't answer have their line below the table. */
function textOf(part: SurveyedPart): string {
  const { id, where, state, found } = rowOf(part);
  return `${id.padEnd(16)} ${where.padEnd(28)} ${state.padEnd(14)} ${part.identity ? found : ''}`.trimEnd();
}

function calibratedText(calibrations: readonly Kept[]): string {
  return `calibrated: ${calibrations.map(({ mark, channels }) => `${channels.join(' ')} (${mark})`).join(', ')}`;
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
