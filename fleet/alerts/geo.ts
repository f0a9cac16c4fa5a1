const EARTH_RADIUS_M = 6_371_008.8;
const RADIANS = Math.PI / 180;

export type Point = readonly [latitude: number, longitude: number];

export type Fence =
  | { readonly latitude: number; readonly longitude: number; readonly radiusM: number }
  | { readonly polygon: readonly Point[] };

/** How far outside of the fence a point lies, m; negative: so far inside. A polygon may cross the antimeridian; none may hold a pole. */
export function outsideM(fence: Fence, point: Point): number {
  if ('radiusM' in fence) return distanceM([fence.latitude, fence.longitude], point) - fence.radiusM;
  const corners = fence.polygon.map((corner) => onPlane(corner, point));
  const edges = corners.map((from, i) => [from, corners[(i + 1) % corners.length]!] as const);
  const nearest = Math.min(...edges.map(([from, to]) => toEdgeM(from, to)));
  const crossings = edges.filter(([from, to]) => crossesEast(from, to)).length;
  return crossings % 2 === 1 ? -nearest : nearest;
}

/** Along the great circle, by the haversine formula. */
export function distanceM([lat1, lon1]: Point, [lat2, lon2]: Point): number {
  const half = (degrees: number) => Math.sin((degrees * RADIANS) / 2) ** 2;
  const h = half(lat2 - lat1) + Math.cos(lat1 * RADIANS) * Math.cos(lat2 * RADIANS) * half(lon2 - lon1);
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** East and north of the point, m, on a plane that touches the earth there: good to a percent for fences of some hundred km. */
function onPlane([latitude, longitude]: Point, [atLatitude, atLongitude]: Point): Point {
  const eastDegrees = ((longitude - atLongitude + 540) % 360) - 180;
  const shrink = Math.cos(((latitude + atLatitude) / 2) * RADIANS);
  return [
    eastDegrees * RADIANS * EARTH_RADIUS_M * shrink,
    (latitude - atLatitude) * RADIANS * EARTH_RADIUS_M,
  ];
}

/** From the origin to the nearest point of the edge. */
function toEdgeM([x1, y1]: Point, [x2, y2]: Point): number {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length2 = dx * dx + dy * dy;
  const along = length2 === 0 ? 0 : Math.min(1, Math.max(0, -(x1 * dx + y1 * dy) / length2));
  return Math.hypot(x1 + along * dx, y1 + along * dy);
}

/** Whether a ray from the origin to the east crosses the edge. */
function crossesEast([x1, y1]: Point, [x2, y2]: Point): boolean {
  return y1 > 0 !== y2 > 0 && x1 - (y1 * (x2 - x1)) / (y2 - y1) > 0;
}
