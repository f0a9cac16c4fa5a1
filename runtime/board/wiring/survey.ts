import type { HalError, Identity, SystemFiles } from '../../../drivers/contract/index.js';
import type { NodeConfig, PartConfig } from '../../config/types.js';
import { busKeyOf } from '../attachment.js';
import { openBackend, openBoardWith } from '../board.js';
import { type BoardDeps, type BoardSetup, completeDeps } from '../deps.js';
import { toHalError } from '../errno.js';
import { linuxSystemFiles } from '../linux-system.js';
import type { BoardPart, Registry } from '../types.js';
import { mergeFaults, type WiringFault } from './fault.js';
import { explainLine } from './gpio-look.js';
import { HANG_MS, I2cLook } from './i2c-look.js';
import { explainPort } from './serial-look.js';

/** How long a serial port may take to open. */
const OPENING_TRIES = 5;
const OPENING_MS = 100;

export interface SurveyDeps extends BoardDeps {
  /** sysfs and proc; the running kernel's own unless a test gives others. */
  readonly files?: SystemFiles;
  /** Told which parts are looked into further, before it takes its time. */
  readonly onLook?: (parts: readonly string[]) => void;
}

/** One part as it was found. */
export interface SurveyedPart {
  readonly id: string;
  /** `i2c-1 0x76`; `-` where it could not be opened. */
  readonly where: string;
  /** What it says it is; absent where it doesn't answer as itself. */
  readonly identity?: Identity;
  readonly error?: HalError;
}

export interface Survey {
  readonly parts: readonly SurveyedPart[];
  /** Why parts don't answer, each fault once. */
  readonly faults: readonly WiringFault[];
}

/**
 * Probes each part of a node, and looks further where one doesn't answer as itself. Harms nothing: see I2cLook and explainPort. A bus takes
 * up to a second for each address that hangs, a serial port up to 20 s.
 */
export async function surveyWith(config: NodeConfig, registry: Registry, deps: SurveyDeps): Promise<Survey> {
  const parts = await probeAll(config, registry, deps);
  const failed = parts.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return { parts, faults: [] };
  deps.onLook?.(failed.map(({ id }) => id));
  return { parts, faults: await explainAll(config, registry, deps, failed) };
}

/** The parts of one bus in turn, so that one that hangs is not taken for its neighbours; in the order of the node file. */
async function probeAll(
  config: NodeConfig,
  registry: Registry,
  deps: BoardDeps,
): Promise<readonly SurveyedPart[]> {
  const board = await openBoardWith(config, registry, { ...deps, log: () => undefined });
  const found = new Map<string, SurveyedPart>();
  for (const { config: part, error } of board.missing) {
    found.set(part.id, { id: part.id, where: '-', error: toHalError(error, part.id) });
  }
  try {
    await Promise.all(
      groups(board.parts, ({ busKey }) => busKey).map(async (parts) => {
        for (const part of parts) found.set(part.config.id, await probe(part, deps));
      }),
    );
  } finally {
    await board.close();
  }
  return config.parts.flatMap(({ id }) => found.get(id) ?? []);
}

async function probe({ config, driver, where }: BoardPart, deps: BoardDeps): Promise<SurveyedPart> {
  for (let tries = 1; ; tries++) {
    try {
      return { id: config.id, where, identity: await driver.probe() };
    } catch (cause) {
      const error = toHalError(cause, where);
      if (error.kind === 'timeout') await deps.clock.delay(HANG_MS);
      if (error.kind !== 'disconnected' || tries > OPENING_TRIES) return { id: config.id, where, error };
      await deps.clock.delay(OPENING_MS); // a serial port opens after its part has its handle
    }
  }
}

async function explainAll(
  config: NodeConfig,
  registry: Registry,
  deps: SurveyDeps,
  failed: readonly SurveyedPart[],
): Promise<readonly WiringFault[]> {
  const setup = completeDeps(deps);
  const files = deps.files ?? linuxSystemFiles();
  const look = new I2cLook(config, registry.drivers, openBackend(config, registry, setup), files, setup);
  const explain = (part: PartConfig, error: HalError): Promise<WiringFault> | WiringFault => {
    const { kind } = part.attachment;
    if (kind === 'i2c') return look.explain(part, error);
    if (kind === 'serial' && hasDevice(part, config))
      return explainPort(part, config, registry.drivers, files, setup);
    if (kind === 'gpio' && config.board.kind === 'linux') return lineFault(part, error, config, setup);
    return {
      kind: 'other',
      parts: [part.id],
      where: busKeyOf(part),
      expected: part.driver.id,
      found: error.message,
      todo: 'see docs/wiring.md',
    };
  };
  try {
    const found = await Promise.all(
      groups(failed, ({ id }) => busKeyOf(partOf(config, id))).map(async (parts) => {
        const faults: WiringFault[] = [];
        for (const { id, error } of parts) faults.push(await explain(partOf(config, id), error!));
        return faults;
      }),
    );
    return mergeFaults(found.flat());
  } finally {
    await look.close();
  }
}

function partOf(config: NodeConfig, id: string): PartConfig {
  return config.parts.find((part) => part.id === id)!;
}

function hasDevice({ attachment }: PartConfig, { board }: NodeConfig): boolean {
  return attachment.kind === 'serial' && board.serial[attachment.port]?.device !== undefined;
}

function lineFault(
  part: PartConfig,
  error: HalError,
  { board }: NodeConfig,
  { native }: BoardSetup,
): WiringFault {
  const name = part.attachment.kind === 'gpio' ? part.attachment.line : '';
  const line = board.gpio[name] ?? { chipLabels: [], lineNames: [name] };
  return explainLine(part.id, name, line, error, native);
}

/** The items of one key each, in order. */
function groups<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const byKey = new Map<string, T[]>();
  for (const item of items) byKey.set(keyOf(item), [...(byKey.get(keyOf(item)) ?? []), item]);
  return [...byKey.values()];
}
