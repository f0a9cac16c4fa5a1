import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blink, type LedFiles } from '../../runtime/board/index.js';
import { SimClock } from '../support/sim-clock.js';

/** Lights as sysfs shows them: Documentation/leds/leds-class.rst. Only these files are there. */
class Lights implements LedFiles {
  readonly writes: string[] = [];
  refuses: string | undefined;
  readonly files = new Map([
    ['/sys/class/leds/ACT/trigger', 'none timer [mmc0] heartbeat'],
    ['/sys/class/leds/ACT/brightness', '0\n'],
    ['/sys/class/leds/ACT/max_brightness', '255\n'],
  ]);

  async read(path: string) {
    const text = this.files.get(path);
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  }

  async write(path: string, text: string) {
    if (this.refuses === path.split('/').at(-1)) throw Object.assign(new Error('no'), { code: 'EACCES' });
    this.writes.push(`${path.split('/').at(-1)} ${text}`);
  }
}

test('the first light that is there blinks twice a second, and is put back as it was', async () => {
  const [lights, clock, over] = [new Lights(), new SimClock(), new AbortController()];
  const name = blink(['led0', 'ACT', 'PWR'], over.signal, clock, lights);
  await clock.advance(1000);
  over.abort();
  assert.equal(await name, 'ACT');
  const on = lights.writes.filter((write) => write === 'brightness 255').length;
  assert.ok(on >= 2 && on <= 3, `${on} times on in a second`);
  assert.equal(lights.writes[0], 'trigger none');
  assert.deepEqual(lights.writes.slice(-2), ['brightness 0', 'trigger mmc0']);
  assert.equal(clock.timers, 0);
});

test('where no light is there, or this user may not, it says so', async () => {
  const [lights, clock] = [new Lights(), new SimClock()];
  const { signal } = new AbortController();
  await assert.rejects(blink(['led0'], signal, clock, lights), { kind: 'absent' });
  lights.refuses = 'trigger';
  await assert.rejects(blink(['ACT'], signal, clock, lights), { kind: 'denied' });
});
