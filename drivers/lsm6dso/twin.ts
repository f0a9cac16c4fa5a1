import type { TwinDefinition, World } from '../contract/index.js';
import { TwinRegisters } from '../contract/twin-registers.js';
import { accelScale, gyroScale } from './conversion.js';
import {
  accelRangeOf,
  CTRL3_C,
  CTRL10_C,
  dataRateOf,
  FIFO_CTRL4_CONTINUOUS,
  FIFO_STATUS2,
  FIFO_WORD_BYTES,
  FIFO_WORDS,
  gyroRangeOf,
  ID,
  REGISTER,
  TAG,
  TIMESTAMP_EVERY,
  tickNs,
  ticksPerSample,
} from './registers.js';

/** This part's oscillator runs 1.05 % fast, and says so, as real ones do. */
const FREQ_FINE = 7;

/** Noise of the outputs, half its width (from the noise densities of DS12140, at 100 Hz): m/s² and rad/s. */
const NOISE_ACCEL = 0.02;
const NOISE_GYRO = 0.001;

type Vector = readonly [number, number, number];
interface Motion {
  readonly force: Vector;
  readonly rate: Vector;
}

class Lsm6dsoTwin extends TwinRegisters {
  readonly #random: () => number;
  #poweredAtNs: bigint | undefined;
  #fifo: Uint8Array[] = [];
  #overrun = false;
  #nextTick = 0;
  #slots = 0;
  #frozen: Motion | undefined;

  constructor(random: () => number) {
    super();
    this.#random = random;
    this.powerCycle();
  }

  powerCycle(): void {
    this.registers.fill(0);
    this.registers[REGISTER.whoAmI] = ID.id;
    this.registers[REGISTER.ctrl3C] = CTRL3_C.ifInc;
    this.registers[REGISTER.ctrl9Xl] = 0xe0;
    this.registers[REGISTER.internalFreqFine] = FREQ_FINE;
    this.#poweredAtNs = undefined;
    this.#clearFifo();
  }

  protected override get(register: number): number {
    if (register >= REGISTER.fifoDataOutTag && register <= REGISTER.fifoDataOutZH) {
      const value = this.#fifo[0]?.[register - REGISTER.fifoDataOutTag] ?? 0;
      if (register === REGISTER.fifoDataOutZH) this.#fifo.shift();
      return value;
    }
    const value = super.get(register);
    if (register === REGISTER.fifoStatus2) this.#overrun = false;
    return value;
  }

  protected set(register: number, value: number, world: World): void {
    if (register === REGISTER.ctrl3C && value & CTRL3_C.swReset) {
      this.powerCycle();
      return;
    }
    if (register === REGISTER.whoAmI || register >= REGISTER.fifoStatus1) return;
    this.registers[register] = value;
    if (register === REGISTER.ctrl10C) {
      this.#poweredAtNs = world.timeNs; // the timestamp counts from here
      this.#nextTick = 1;
    }
    const starts: readonly number[] = [
      REGISTER.fifoCtrl3,
      REGISTER.fifoCtrl4,
      REGISTER.ctrl1Xl,
      REGISTER.ctrl2G,
    ];
    if (starts.includes(register)) {
      this.#clearFifo();
      this.#nextTick = this.#ticks(world) + 1;
    }
  }

  protected step(): void {
    if (this.pointer === REGISTER.fifoDataOutZH) this.pointer = REGISTER.fifoDataOutTag;
    else if (this.registers[REGISTER.ctrl3C]! & CTRL3_C.ifInc) this.pointer = (this.pointer + 1) & 0x7f;
  }

  #clearFifo(): void {
    this.#fifo = [];
    this.#overrun = false;
    this.#slots = 0;
  }

  #ticks(world: World): number {
    const powered = this.#poweredAtNs ?? world.timeNs;
    return Math.floor(Number(world.timeNs - powered) / tickNs(FREQ_FINE));
  }

  /** The FIFO, its status and the timestamp too. */
  protected settle(world: World): void {
    this.#poweredAtNs ??= world.timeNs;
    const now = this.#ticks(world);
    this.#gather(world, now);
    const full = this.#fifo.length >= FIFO_WORDS;
    const status2 =
      (this.#fifo.length >> 8) |
      (this.#overrun ? FIFO_STATUS2.overrunLatched : 0) |
      (full ? FIFO_STATUS2.full | FIFO_STATUS2.overrun : 0);
    this.registers[REGISTER.fifoStatus1] = this.#fifo.length & 0xff;
    this.registers[REGISTER.fifoStatus2] = status2;
    const stamped = this.registers[REGISTER.ctrl10C]! & CTRL10_C.timestampEn;
    new DataView(this.registers.buffer).setUint32(REGISTER.timestamp0, stamped ? now >>> 0 : 0, true);
  }

  #gather(world: World, now: number): void {
    const rate = dataRateOf(this.registers[REGISTER.ctrl1Xl]!);
    const batching = (this.registers[REGISTER.fifoCtrl4]! & 0b111) === FIFO_CTRL4_CONTINUOUS;
    if (!rate || !batching || this.registers[REGISTER.fifoCtrl3] === 0) return;
    const period = ticksPerSample(rate);
    // What the FIFO couldn't hold anyway isn't made, however long nobody looked.
    const skipped = Math.floor((now - this.#nextTick) / period) - FIFO_WORDS;
    if (skipped > 0) {
      this.#slots += skipped;
      this.#nextTick += skipped * period;
    }
    for (; this.#nextTick <= now; this.#nextTick += period) {
      const ageNs = BigInt(Math.round((now - this.#nextTick) * tickNs(FREQ_FINE)));
      this.#slot(this.#motion(world.at?.(world.timeNs - ageNs) ?? world), this.#nextTick);
    }
  }

  #motion(world: World): Motion {
    if (!this.faults.frozen) {
      this.#frozen = undefined;
      return this.#noisy(world);
    }
    this.#frozen ??= this.#noisy(world);
    return this.#frozen;
  }

  #noisy(world: World): Motion {
    const noise = (width: number) => (value: number) => value + (this.#random() - 0.5) * 2 * width;
    const [fx, fy, fz] = world.specificForceMps2.map(noise(NOISE_ACCEL));
    const [rx, ry, rz] = world.angularRateRadps.map(noise(NOISE_GYRO));
    return { force: [fx!, fy!, fz!], rate: [rx!, ry!, rz!] };
  }

  #slot(motion: Motion, tick: number): void {
    const accel = accelScale(accelRangeOf(this.registers[REGISTER.ctrl1Xl]!));
    const gyro = gyroScale(gyroRangeOf(this.registers[REGISTER.ctrl2G]!));
    const stamped = this.registers[REGISTER.fifoCtrl4]! >> 6 !== 0;
    this.#word(TAG.gyro, this.#counts(motion.rate, gyro));
    this.#word(TAG.accel, this.#counts(motion.force, accel));
    if (stamped && this.#slots % TIMESTAMP_EVERY === 0) {
      const data = new DataView(new ArrayBuffer(6));
      data.setUint32(0, tick >>> 0, true);
      this.#word(TAG.timestamp, data);
    }
    this.#slots += 1;
  }

  #counts(vector: Vector, scale: number): DataView {
    const data = new DataView(new ArrayBuffer(6));
    for (const [i, value] of vector.entries()) {
      data.setInt16(2 * i, Math.max(-32768, Math.min(32767, Math.round(value / scale))), true);
    }
    return data;
  }

  #word(tag: number, data: DataView): void {
    const word = new Uint8Array(FIFO_WORD_BYTES);
    const upper = (tag << 3) | ((this.#slots & 0b11) << 1);
    let ones = 0;
    for (let bits = upper; bits !== 0; bits >>= 1) ones += bits & 1;
    word[0] = upper | (ones % 2);
    word.set(new Uint8Array(data.buffer), 1);
    this.#fifo.push(word);
    if (this.#fifo.length <= FIFO_WORDS) return;
    this.#fifo.shift();
    this.#overrun = true;
  }
}

export const lsm6dsoTwin: TwinDefinition = {
  id: 'lsm6dso',
  attachment: 'i2c',
  create: (random) => new Lsm6dsoTwin(random),
};
