/** How latitudes become heights of a map, in degrees as longitudes are. */
export interface Projection {
  northingOf(latitude: number): number;
  latitudeOf(northing: number): number;
  /** How much narrower a degree of longitude is than one of northing, with that northing in the middle. */
  squeezeAt(northing: number): number;
}

export const PLAIN: Projection = {
  northingOf: (latitude) => latitude,
  latitudeOf: (northing) => northing,
  squeezeAt: (northing) => Math.max(0.05, Math.cos(radians(northing))),
};

/** The square of Web Mercator: from 85.0511° south to as much north, which is 360 degrees of northing. */
export const WEB_MERCATOR: Projection = {
  northingOf: (latitude) => {
    const northing = degrees(Math.asinh(Math.tan(radians(latitude))));
    return Math.min(180, Math.max(-180, northing));
  },
  latitudeOf: (northing) => degrees(Math.atan(Math.sinh(radians(northing)))),
  squeezeAt: () => 1,
};

function radians(value: number): number {
  return (value * Math.PI) / 180;
}

function degrees(value: number): number {
  return (value * 180) / Math.PI;
}
