import { CUSTODY_PLANTS, LANES_PLANTS } from './lanes.js';
import { OTHER_PLANTS } from './others.js';
import type { Plant } from './plant.js';
import { REVIEW_PLANTS } from './review.js';
import { REVIEWER_PLANTS } from './reviewer.js';
import { REVIEWER_UPLINK_PLANTS } from './reviewer-uplink.js';
import { STORE_PLANTS } from './store.js';
import { UPLINK_PLANTS } from './uplink.js';

export type { Plant } from './plant.js';
export const PLANTS: readonly Plant[] = [
  ...STORE_PLANTS,
  ...UPLINK_PLANTS,
  ...LANES_PLANTS,
  ...CUSTODY_PLANTS,
  ...OTHER_PLANTS,
  ...REVIEW_PLANTS,
  ...REVIEWER_PLANTS,
  ...REVIEWER_UPLINK_PLANTS,
];
