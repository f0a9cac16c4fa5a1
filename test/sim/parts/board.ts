import { type Driver, HalError, type Rows } from '../../../drivers/contract/index.js';
import type { Board, BoardPart } from '../../../runtime/board/index.js';
import type { PartConfig } from '../../../runtime/config/index.js';
import type { Random } from '../kernel/random.js';
import type { Life } from '../machine/life.js';
import type { BusFault, StreamPlan } from '../scenario.js';
import { rowsOf, type Shape, shapeOf } from './shapes.js';

/** One part in the world: it outlives the process that reads it. */
export class WorldPart {
  /** The number of its next reading. */
  next = 0;
  fault: BusFault | undefined;
  configured = false;
  reshaped = false;
  /** What the next sample brings where the one before it has left something. */
  #left: number | undefined;
  /** Set while a process listens: emits so many readings at once. */
  speak: ((rows: number) => void) | undefined;
  /** Rows that the next sample brings besides. */
  extra = 0;
  /** What is read next has not one value for each channel. */
  isPoisoned = false;

  constructor(readonly plan: StreamPlan) {}

  get shape(): Shape {
    return shapeOf(this.plan, this.reshaped);
  }

  /** Rows that a sample brings: 1 to `burst` by chance, and as many in two as in any other two. */
  take(random: Random): number {
    const count = this.#left ?? random.int(1, this.plan.burst);
    this.#left = this.#left === undefined ? this.plan.burst + 1 - count : undefined;
    const { extra } = this;
    this.extra = 0;
    return count + extra;
  }
}

/** Told of every reading that a driver has given, before the runtime has it. */
export type OnReading = (part: WorldPart, first: number, rows: Rows) => void;

export interface BoardOptions {
  readonly life: Life;
  readonly parts: readonly WorldPart[];
  readonly random: Random;
  readonly onReading: OnReading;
}

/** All parts, opened, each on a bus of its own. */
export function openBoard({ life, parts, random, onReading }: BoardOptions): Board {
  const opened = parts.map((part): BoardPart => {
    const driver = new SimDriver(life, part, random, onReading);
    return { config: configOf(part.plan), driver, where: `sim ${part.plan.id}`, busKey: part.plan.id };
  });
  return {
    parts: opened,
    missing: [],
    choices: [],
    reopen: () => Promise.reject(new Error('no part is missing')),
    release: async () => {},
    recover: () => Promise.resolve(random.chance(0.5)),
    close: () => Promise.resolve(),
  };
}

function configOf(plan: StreamPlan): PartConfig {
  const config = {
    id: plan.id,
    title: `part ${plan.id}`,
    driver: undefined as unknown as PartConfig['driver'],
    attachment: { kind: 'system' },
    options: {},
    class: plan.class,
    keep: true,
    place: { file: 'simulation', line: 1, column: 1 },
    ...(plan.live ? { live: true } : {}),
  } as const;
  return plan.intervalMs === undefined ? config : { ...config, intervalMs: plan.intervalMs };
}

class SimDriver implements Driver {
  readonly streams;
  readonly #shape: Shape;

  constructor(
    readonly life: Life,
    readonly part: WorldPart,
    readonly random: Random,
    readonly onReading: OnReading,
  ) {
    this.#shape = part.shape;
    this.streams = [{ name: '', class: part.plan.class, channels: this.#shape.channels }];
    if (part.plan.intervalMs === undefined) Object.assign(this, { stream: this.#stream });
    else Object.assign(this, { sample: this.#sample });
  }

  async probe(): Promise<{ model: string; details: Record<string, string> }> {
    await this.#bus();
    return { model: 'simulated', details: {} };
  }

  async configure(): Promise<void> {
    await this.#bus();
    this.part.configured = true;
  }

  readonly #sample = async (): Promise<readonly Rows[]> => {
    await this.#bus();
    if (!this.part.configured)
      throw new HalError('lostConfiguration', this.part.plan.id, 'registers were reset');
    return [this.#read(this.part.take(this.random))];
  };

  readonly #stream = async (emit: (rows: Rows) => void): Promise<() => Promise<void>> => {
    this.part.speak = (rows) => {
      if (!this.life.dead) emit(this.#read(rows));
    };
    return async () => {
      this.part.speak = undefined;
    };
  };

  /** A FIFO's rows were sampled one after the other up to now. */
  #read(count: number): Rows {
    const { part, life } = this;
    const nowNs = life.boot.bootNs();
    const times: bigint[] = [];
    for (let i = 0; i < count; i += 1) times.push(nowNs - BigInt(count - 1 - i) * 1_000_001n);
    const whole = rowsOf(this.#shape, part.next, times);
    const rows = part.isPoisoned ? { ...whole, values: whole.values.subarray(1) } : whole;
    part.isPoisoned = false;
    this.onReading(part, part.next, rows);
    part.next += count;
    return rows;
  }

  async #bus(): Promise<void> {
    const { part, life } = this;
    const { id } = part.plan;
    switch (part.fault) {
      case undefined:
        return;
      case 'nack':
        throw new HalError('noAcknowledge', id, 'nobody answered');
      case 'timeout':
        await life.later(100e6, () => undefined);
        throw new HalError('timeout', id, 'no answer within 100 ms');
      case 'stuck':
        throw new HalError('busStuck', id, 'SDA is held low');
      case 'brownOut':
        part.configured = false;
        part.fault = undefined;
        return;
      case 'hang':
        await life.later(20e9, () => undefined);
        throw new HalError('io', id, 'came back late');
    }
  }
}
