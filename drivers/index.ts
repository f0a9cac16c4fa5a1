import { bme280 } from './bme280/driver.js';
import { bme280Twin } from './bme280/twin.js';
import type { DriverDefinition, TwinDefinition } from './contract/index.js';
import { gnss } from './gnss/driver.js';
import { gnssTwin } from './gnss/twin.js';

/** Every part that Cairn knows: one line a part. A new driver edits this file and its own folder, nothing else. */
export const drivers: readonly DriverDefinition[] = [bme280, gnss];

/** The same parts simulated at their registers, lines or bytes. */
export const twins: readonly TwinDefinition[] = [bme280Twin, gnssTwin];
