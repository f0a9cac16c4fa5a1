import type { Queries } from '../db/index.js';
import type { Days } from './days.js';

export async function repairSome(_tx: Queries, _nowMs: number, _days: Days): Promise<boolean> {
  throw new Error('repairTimes: not yet');
}
