import { bme280 } from './bme280/driver.js';
import { bme280Twin } from './bme280/twin.js';
import { contact } from './contact/driver.js';
import { contactTwin } from './contact/twin.js';
import type { DriverDefinition, TwinDefinition } from './contract/index.js';
import { gnss } from './gnss/driver.js';
import { gnssTwin } from './gnss/twin.js';
import { ina219 } from './ina219/driver.js';
import { ina219Twin } from './ina219/twin.js';
import { lis3mdl } from './lis3mdl/driver.js';
import { lis3mdlTwin } from './lis3mdl/twin.js';
import { lsm6dso } from './lsm6dso/driver.js';
import { lsm6dsoTwin } from './lsm6dso/twin.js';
import { node } from './node/driver.js';
import { nodeTwin } from './node/twin.js';
import { tagReader } from './tag-reader/driver.js';
import { tagReaderTwin } from './tag-reader/twin.js';

/** Every part that Cairn knows: one line a part. A new driver edits this file and its own folder, nothing else. */
export const drivers: readonly DriverDefinition[] = [
  bme280,
  lsm6dso,
  lis3mdl,
  ina219,
  gnss,
  tagReader,
  contact,
  node,
];

/** The same parts simulated at their registers, lines or bytes. */
export const twins: readonly TwinDefinition[] = [
  bme280Twin,
  lsm6dsoTwin,
  lis3mdlTwin,
  ina219Twin,
  gnssTwin,
  tagReaderTwin,
  contactTwin,
  nodeTwin,
];
