import type { NodeConfig, PartConfig } from '../config/types.js';
import { attach } from './attach.js';
import { busKeyOf } from './attachment.js';
import { type BoardDeps, type BoardSetup, completeDeps } from './deps.js';
import { errorText, toHalError } from './errno.js';
import type { RecoverableI2cBus } from './i2c-queue.js';
import { openLinuxBackend } from './linux-backend.js';
import { OpenWires } from './open-wires.js';
import { openTwinBackend } from './twin-backend.js';
import type { BoardPart, Closable, Registry, WiredBoard } from './types.js';

/** Opens all that a node's config names. A part that cannot be opened is in `missing`, with its reason; it stops no other. */
export async function openBoardWith(
  config: NodeConfig,
  registry: Registry,
  deps: BoardDeps,
  parts: readonly PartConfig[] = config.parts,
): Promise<WiredBoard> {
  const setup = completeDeps(deps);
  const board = new OpenBoard(openWires(config, registry, setup), setup);
  for (const part of parts) await board.add(part);
  return board;
}

/** The machine's own buses and lines, or twins, as the board file says. */
export function openWires(config: NodeConfig, registry: Registry, setup: BoardSetup): OpenWires {
  return new OpenWires(
    config.board.kind === 'twin' ? openTwinBackend(config, registry, setup) : openLinuxBackend(config, setup),
  );
}

class OpenBoard implements WiredBoard {
  readonly parts: BoardPart[] = [];
  readonly missing: { config: PartConfig; error: Error }[] = [];
  readonly #own = new Map<string, Closable>();

  constructor(
    readonly wires: OpenWires,
    private readonly setup: BoardSetup,
  ) {}

  get choices(): readonly string[] {
    return this.wires.choices;
  }

  async add(config: PartConfig): Promise<void> {
    try {
      this.parts.push(await this.#open(config));
    } catch (cause) {
      const error = toHalError(cause, config.id);
      this.missing.push({ config, error });
      this.setup.log('warn', `part ${config.id} is missing: ${error.message}`);
    }
  }

  async reopen(config: PartConfig): Promise<BoardPart> {
    const part = await this.#open(config);
    const at = this.missing.findIndex((entry) => entry.config.id === config.id);
    if (at >= 0) this.missing.splice(at, 1);
    this.parts.push(part);
    return part;
  }

  async release({ id }: PartConfig): Promise<void> {
    const at = this.parts.findIndex((part) => part.config.id === id);
    if (at >= 0) this.parts.splice(at, 1);
    const own = this.#own.get(id);
    this.#own.delete(id);
    if (own) await this.wires.shut(own);
  }

  async recover(busKey: string): Promise<boolean> {
    const bus = await this.wires.busOf(busKey);
    if (!bus || !('recover' in bus)) return true; // a part alone on its line holds up nobody
    try {
      return await (bus as RecoverableI2cBus).recover();
    } catch (error) {
      this.setup.log('warn', `${busKey}: recovery failed: ${errorText(error)}`);
      return false;
    }
  }

  async close(): Promise<void> {
    await this.wires.close();
  }

  async #open(config: PartConfig): Promise<BoardPart> {
    const { handles, where, own } = await attach(config, this.wires, this.setup.clock);
    try {
      const driver = config.driver.create(handles, config.options);
      if (own) this.#own.set(config.id, own);
      return { config, driver, where, busKey: busKeyOf(config) };
    } catch (error) {
      if (own) await this.wires.shut(own);
      throw error;
    }
  }
}
