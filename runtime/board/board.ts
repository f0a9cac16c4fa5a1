import { type Handles, type I2cBus, i2cDevice } from '../../drivers/contract/index.js';
import type { NodeConfig, PartConfig } from '../config/types.js';
import { busKeyOf } from './attachment.js';
import { type BoardDeps, type BoardSetup, completeDeps } from './deps.js';
import { errorText, toHalError } from './errno.js';
import type { RecoverableI2cBus } from './i2c-queue.js';
import { openLinuxBackend } from './linux-backend.js';
import { openTwinBackend } from './twin-backend.js';
import type { Board, BoardPart, ChoosingBackend, Registry } from './types.js';

interface Opened {
  readonly handles: Handles[keyof Handles];
  readonly where: string;
  /** Absent for what parts share. */
  readonly close?: () => Promise<void>;
}

/** Opens all that a node's config names. A part that cannot be opened is in `missing`, with its reason; it stops no other. */
export async function openBoardWith(config: NodeConfig, registry: Registry, deps: BoardDeps): Promise<Board> {
  const setup = completeDeps(deps);
  const board = new OpenBoard(openBackend(config, registry, setup), setup);
  for (const part of config.parts) await board.add(part);
  return board;
}

/** The machine's own buses and lines, or twins, as the board file says. */
export function openBackend(config: NodeConfig, registry: Registry, setup: BoardSetup): ChoosingBackend {
  return config.board.kind === 'twin'
    ? openTwinBackend(config, registry, setup)
    : openLinuxBackend(config, setup);
}

class OpenBoard implements Board {
  readonly parts: BoardPart[] = [];
  readonly missing: { config: PartConfig; error: Error }[] = [];
  readonly #buses = new Map<string, Promise<I2cBus>>();
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(
    private readonly backend: ChoosingBackend,
    private readonly setup: BoardSetup,
  ) {}

  get choices(): readonly string[] {
    return this.backend.choices;
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

  async recover(busKey: string): Promise<boolean> {
    const bus = await this.#buses.get(busKey);
    if (!bus || !('recover' in bus)) return true; // a part alone on its line holds up nobody
    try {
      return await (bus as RecoverableI2cBus).recover();
    } catch (error) {
      this.setup.log('warn', `${busKey}: recovery failed: ${errorText(error)}`);
      return false;
    }
  }

  /** Closes everything, whatever fails on the way; the first failure is thrown at the end. */
  async close(): Promise<void> {
    const results = await Promise.allSettled(this.#closers.splice(0).map((close) => close()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #open(config: PartConfig): Promise<BoardPart> {
    const { handles, where, close } = await this.#attach(config);
    try {
      const driver = config.driver.create(handles, config.options);
      if (close) this.#closers.push(close);
      return { config, driver, where, busKey: busKeyOf(config) };
    } catch (error) {
      await close?.();
      throw error;
    }
  }

  async #attach(config: PartConfig): Promise<Opened> {
    const { clock } = this.setup;
    const { attachment } = config;
    switch (attachment.kind) {
      case 'i2c': {
        const device = i2cDevice(await this.#bus(attachment.bus, busKeyOf(config)), attachment.address);
        return { handles: { device, clock }, where: device.where };
      }
      case 'serial': {
        const port = await this.backend.serial(config);
        return { handles: { port, clock }, where: port.where, close: () => port.close() };
      }
      case 'gpio': {
        const line = await this.backend.gpio(config);
        return { handles: { line, clock }, where: line.where, close: () => line.close() };
      }
      case 'system':
        return { handles: { files: this.backend.system(), clock }, where: 'system' };
    }
  }

  /** One bus for all its parts; one that cannot be opened is tried anew by the next who asks. */
  #bus(name: string, key: string): Promise<I2cBus> {
    const known = this.#buses.get(key);
    if (known) return known;
    const opening = this.backend.i2c(name);
    this.#buses.set(key, opening);
    opening.then(
      (bus) => this.#closers.push(() => bus.close()),
      () => this.#buses.delete(key),
    );
    return opening;
  }
}
