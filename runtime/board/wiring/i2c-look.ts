import {
  type DriverDefinition,
  HalError,
  type HalErrorKind,
  type I2cBus,
  i2cDevice,
  type SystemFiles,
} from '../../../drivers/contract/index.js';
import type { NodeConfig, PartConfig } from '../../config/types.js';
import type { BoardSetup } from '../deps.js';
import { toHalError } from '../errno.js';
import type { Wires } from '../types.js';
import type { WiringFault } from './fault.js';
import { type Adapter, type BusFacts, type BusSight, diagnoseI2c, type I2cEvidence } from './i2c-lines.js';
import { BLOCKED, BLOCKED_ENOUGH, HANG_MS, kernelHolder, scanBus } from './i2c-scan.js';

/**
 * Looks around on the I2C buses of the board file, and harms nothing: a plain read of one byte at the addresses of known parts; registers are read
 * only at addresses that the missing kind of part may have. Nothing is ever written but the number of the register to be read.
 */
export class I2cLook {
  readonly #sights = new Map<string, Promise<BusSight>>();

  constructor(
    private readonly config: NodeConfig,
    private readonly drivers: readonly DriverDefinition[],
    private readonly wires: Pick<Wires, 'i2c'>,
    private readonly files: SystemFiles,
    private readonly setup: BoardSetup,
  ) {}

  /** Why a part's probe, or opening its bus, ended as it did. */
  async explain(part: PartConfig, error: HalError): Promise<WiringFault> {
    if (part.attachment.kind !== 'i2c') throw new HalError('invalid', part.id, 'not a part on I2C');
    const { bus: name, address } = part.attachment;
    const bus = this.#facts(name);
    const evidence = { part: part.id, driver: part.driver.id, bus, address, error, elsewhere: [] };
    if (error.kind === 'absent') return diagnoseI2c({ ...evidence, adapters: await this.#adapters() });
    if (error.kind === 'denied') return diagnoseI2c(evidence);
    const holder = await this.#holder(bus, address);
    if (holder !== undefined) return diagnoseI2c({ ...evidence, holder });
    const sight = await this.#sight(name);
    const looked: I2cEvidence = { ...evidence, ...(sight ? { sight } : {}) };
    if (error.kind !== 'noAcknowledge' && error.kind !== 'wrongPart') return diagnoseI2c(looked);
    return diagnoseI2c({ ...looked, elsewhere: await this.#elsewhere(part, name) });
  }

  #facts(name: string): BusFacts {
    return { pins: [], timeoutMs: 0, ...this.config.board.i2c[name], name };
  }

  /** One look at a bus serves all its parts. Undefined where it can't be opened. */
  async #sight(name: string): Promise<BusSight | undefined> {
    const bus = await this.wires.i2c(name).catch(() => undefined);
    if (!bus) return undefined;
    const sight =
      this.#sights.get(name) ??
      scanBus(
        bus,
        this.#addresses(name),
        (address) => this.#holder(this.#facts(name), address),
        this.setup.clock,
      );
    this.#sights.set(name, sight);
    return sight;
  }

  /** Those of the node file first: a bus that is stuck is known by them. */
  #addresses(bus: string): readonly number[] {
    const known = this.drivers.flatMap(({ addresses = [] }) => addresses).sort((a, b) => a - b);
    return [...new Set([...this.#claimed(bus), ...known])];
  }

  #claimed(bus: string): readonly number[] {
    return this.config.parts.flatMap(({ attachment }) =>
      attachment.kind === 'i2c' && attachment.bus === bus ? [attachment.address] : [],
    );
  }

  /** Where a part of this kind answers as itself: first on its own bus, then on the others of the board file. */
  async #elsewhere(part: PartConfig, own: string): Promise<I2cEvidence['elsewhere']> {
    const found: { bus: BusFacts; address: number }[] = [];
    const others = Object.keys(this.config.board.i2c).filter((name) => name !== own && !this.#isDark(name));
    for (const name of [own, ...others]) {
      const bus = await this.wires.i2c(name).catch(() => undefined);
      if (!bus) continue;
      const claimed = this.#claimed(name);
      let blocked = 0;
      for (const address of part.driver.addresses ?? []) {
        if (claimed.includes(address)) continue;
        const kind = await this.#isPart(part, bus, address);
        if (kind === undefined) found.push({ bus: this.#facts(name), address });
        else if (BLOCKED.includes(kind) && ++blocked >= BLOCKED_ENOUGH) break;
      }
    }
    return found;
  }

  /** A bus that nobody uses, whose supply would have to be switched on first. */
  #isDark(name: string): boolean {
    return this.config.board.i2c[name]?.supply !== undefined && this.#claimed(name).length === 0;
  }

  /** Undefined where it is, else how its probe ended. */
  async #isPart(part: PartConfig, bus: I2cBus, address: number): Promise<HalErrorKind | undefined> {
    const handles = { device: i2cDevice(bus, address), clock: this.setup.clock };
    try {
      await part.driver.create(handles, part.options).probe();
      return undefined;
    } catch (error) {
      const { kind } = toHalError(error, part.id);
      if (kind === 'timeout') await this.setup.clock.delay(HANG_MS);
      return kind;
    }
  }

  #holder(bus: BusFacts, address: number): Promise<string | undefined> {
    return kernelHolder(bus, address, this.files);
  }

  async #adapters(): Promise<readonly Adapter[]> {
    const names = (await this.#list('/sys/bus/i2c/devices')).filter((name) => /^i2c-\d+$/.test(name));
    const open = await this.#list('/sys/class/i2c-dev');
    const titled = names.map(async (name) => {
      const title = (await this.#text(`/sys/bus/i2c/devices/${name}/name`))?.trim() ?? '';
      return { name, title, open: open.includes(name) };
    });
    return Promise.all(titled);
  }

  #text(path: string): Promise<string | undefined> {
    return this.files.read(path).catch(() => undefined); // what this kernel doesn't show is not evidence
  }

  #list(path: string): Promise<readonly string[]> {
    return this.files.list(path).catch(() => []);
  }
}
