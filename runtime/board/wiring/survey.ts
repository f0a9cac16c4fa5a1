import type { Driver, HalError, Identity } from '../../../drivers/contract/index.js';
import type { NodeConfig, PartConfig } from '../../config/types.js';
import { attach } from '../attach.js';
import { busKeyOf } from '../attachment.js';
import { openWires } from '../board.js';
import { type BoardDeps, type BoardSetup, completeDeps } from '../deps.js';
import { toHalError } from '../errno.js';
import { linuxSystemFiles } from '../linux-system.js';
import type { Registry, Wires } from '../types.js';
import { mergeFaults, type WiringFault } from './fault.js';
import { explainLine } from './gpio-look.js';
import { I2cLook } from './i2c-look.js';
import { HANG_MS } from './i2c-scan.js';
import { explainPort } from './serial-look.js';
import type { SurveyDeps, Surveyed } from './surveyed.js';

/** How long a serial port may take to open. */
const OPENING_TRIES = 5;
const OPENING_MS = 100;

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

/** As `surveyParts`, on hardware that is opened for it. */
export async function surveyWith(config: NodeConfig, registry: Registry, deps: SurveyDeps): Promise<Survey> {
  const wires = openWires(config, registry, completeDeps(deps));
  try {
    return await surveyParts(config.parts, { config, registry, wires, deps });
  } finally {
    await wires.close();
  }
}

/**
 * Probes these parts of a node, and looks further where one doesn't answer as itself. Harms nothing: see I2cLook and explainPort. A bus takes
 * up to a second for each address that hangs, a serial port up to 20 s. Whoever has a port or a line among them must have let go of it.
 */
export async function surveyParts(asked: readonly PartConfig[], surveyed: Surveyed): Promise<Survey> {
  const parts = await probeAll(asked, surveyed);
  const failed = parts.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return { parts, faults: [] };
  surveyed.deps.onLook?.(failed.map(({ id }) => id));
  return { parts, faults: await explainAll(failed, surveyed) };
}

/** The parts of one bus in turn, so that one that hangs is not taken for its neighbours; in the order of the node file. */
async function probeAll(
  asked: readonly PartConfig[],
  { wires, deps }: Surveyed,
): Promise<readonly SurveyedPart[]> {
  const found = new Map<string, SurveyedPart>();
  await Promise.all(
    groups(asked, busKeyOf).map(async (parts) => {
      for (const part of parts) found.set(part.id, await probePart(part, wires, deps));
    }),
  );
  return asked.flatMap(({ id }) => found.get(id) ?? []);
}

/** By a driver of its own, which only asks; what it opened is shut again. */
async function probePart(config: PartConfig, wires: Wires, deps: BoardDeps): Promise<SurveyedPart> {
  const { id } = config;
  try {
    const { handles, where, own } = await attach(config, wires, deps.clock);
    try {
      const driver = config.driver.create(handles, config.options);
      return { id, where, ...(await probe(driver, where, deps)) };
    } finally {
      if (own) await wires.shut(own);
    }
  } catch (error) {
    return { id, where: '-', error: toHalError(error, id) };
  }
}

async function probe(
  driver: Driver,
  where: string,
  deps: BoardDeps,
): Promise<Pick<SurveyedPart, 'identity' | 'error'>> {
  for (let tries = 1; ; tries++) {
    try {
      return { identity: await driver.probe() };
    } catch (cause) {
      const error = toHalError(cause, where);
      if (error.kind === 'timeout') await deps.clock.delay(HANG_MS);
      if (error.kind !== 'disconnected' || tries > OPENING_TRIES) return { error };
      await deps.clock.delay(OPENING_MS); // a serial port opens after its part has its handle
    }
  }
}

async function explainAll(
  failed: readonly SurveyedPart[],
  surveyed: Surveyed,
): Promise<readonly WiringFault[]> {
  const { config, registry, wires, deps } = surveyed;
  const setup = completeDeps(deps);
  const files = deps.files ?? linuxSystemFiles();
  const look = new I2cLook(config, registry.drivers, wires, files, setup);
  const explain = (part: PartConfig, error: HalError): Promise<WiringFault> | WiringFault => {
    const { kind } = part.attachment;
    if (kind === 'i2c') return look.explain(part, error);
    if (kind === 'serial') return explainPort(part, surveyed, files, setup);
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
  const found = await Promise.all(
    groups(failed, ({ id }) => busKeyOf(partOf(config, id))).map(async (parts) => {
      const faults: WiringFault[] = [];
      for (const { id, error } of parts) faults.push(await explain(partOf(config, id), error!));
      return faults;
    }),
  );
  return mergeFaults(found.flat());
}

function partOf(config: NodeConfig, id: string): PartConfig {
  return config.parts.find((part) => part.id === id)!;
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
