import { guideFigureEight } from './figure-eight.js';
import { guideSixPositions } from './six-positions.js';
import { guideTwoPoint } from './two-point.js';

export { askPerson, unchanged } from './readings.js';
export { noNode, partOf, targetOf } from './target.js';

export const GUIDES = {
  twoPoint: guideTwoPoint,
  sixPositions: guideSixPositions,
  ellipsoid: guideFigureEight,
} as const;
