import { Flight } from '../../../runtime/health/index.js';
import type { Life } from '../machine/life.js';
import type { Boot } from '../machine/machine.js';
import type { Scenario } from '../scenario.js';

/** The flight record of a simulated node, as its memory would hold it: of one boot, over restarts; the last two segments. */
export class Recording {
  #segments: string[] = [''];
  #boot: Boot | undefined;

  /** What a dump would hold now. */
  get text(): string {
    return this.#segments.join('');
  }

  begin(life: Life, scenario: Scenario): Flight {
    if (life.boot !== this.#boot) this.#segments = [''];
    this.#boot = life.boot;
    return new Flight({
      out: {
        bytes: this.#segments.at(-1)!.length,
        append: (text) => {
          if (!life.dead) this.#segments[this.#segments.length - 1] += text;
        },
        turn: () => {
          this.#segments = [this.#segments.at(-1)!, ''];
        },
      },
      clock: life.clock,
      wall: { pair: () => life.boot.pair() },
      lateMs: () => 0,
      software: 'cairn simulation',
      shape: shapeOf(scenario),
      afterDump: false,
      log: () => undefined,
    });
  }
}

function shapeOf({ store, uplink, streams }: Scenario): ConstructorParameters<typeof Flight>[0]['shape'] {
  const { sizeBytes, commitIntervalMs, reserveAheadMs, memoryBytes, quotaPercent } = store;
  const { protocol, window, pubackDeadlineMs, backoffMinMs, backoffMaxMs } = uplink;
  return {
    store: { sizeBytes, commitIntervalMs, reserveAheadMs, memoryBytes, quotaPercent },
    uplink: {
      ...{ protocol, window, pubackDeadlineMs, backoffMinMs, backoffMaxMs },
      ...{ payloads: ['packet'], keepAliveS: 60, custody: 'broker' },
    },
    parts: streams.map(({ id, class: ofClass, intervalMs, live }) => ({
      ...{ id, class: ofClass },
      ...(intervalMs === undefined ? {} : { intervalMs }),
      ...(live ? { live } : {}),
    })),
  };
}
