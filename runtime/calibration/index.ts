export {
  FIELD_POINTS_MIN,
  FieldPoints,
  type FieldProgress,
  fieldProgress,
  fitEllipsoid,
  SECTORS,
  SECTORS_MIN,
} from './ellipsoid.js';
export { corrected, norm, type Vector3 } from './linear.js';
export {
  checkPosition,
  fitSixPositions,
  GRAVITY_MPS2,
  POSITIONS,
  type Position,
  positionOf,
  STILL_MPS2,
} from './six-positions.js';
export { isSteady, type Still, stillOf, trendOf } from './still.js';
export { fitLine, POINTS_MAX, POINTS_MIN, type Point } from './two-point.js';
export * from './types.js';
