import { smoothNoise } from './world-noise.js';

const DAY_S = 86_400;
const WARMEST_S = 15 * 3600;

export interface Weather {
  readonly temperatureCelsius: number;
  readonly pressurePa: number;
  readonly relativeHumidityPercent: number;
}

/** Saturation vapour pressure over water, Pa (Magnus, coefficients of Alduchov and Eskridge 1996). */
function saturationPa(celsius: number): number {
  return 610.94 * Math.exp((17.625 * celsius) / (celsius + 243.04));
}

/**
 * A day's curve with weather on it. Air pressure falls with height; humidity follows from a dew point that changes slowly, so it
 * falls while the day warms up, as outdoors.
 */
export function weatherAt(seed: number, utcS: number, altitudeM: number): Weather {
  const day = Math.cos((2 * Math.PI * ((utcS % DAY_S) - WARMEST_S)) / DAY_S);
  const fronts = smoothNoise(seed, 1, utcS, 9 * 3600);
  const clouds = smoothNoise(seed, 2, utcS, 1200);
  const gusts = smoothNoise(seed, 3, utcS, 90);
  const temperatureCelsius = 11 + 5 * day + 3 * fronts + 0.8 * clouds + 0.15 * gusts;
  const seaLevelPa = 101_300 - 900 * fronts + 700 * smoothNoise(seed, 4, utcS, 30 * 3600) + 3 * gusts;
  const dewPointCelsius = 5 + 2.5 * smoothNoise(seed, 5, utcS, 6 * 3600) + 0.3 * clouds;
  const humidity = (100 * saturationPa(dewPointCelsius)) / saturationPa(temperatureCelsius);
  return {
    temperatureCelsius,
    pressurePa: seaLevelPa * (1 - 2.25577e-5 * altitudeM) ** 5.25588, // ICAO standard atmosphere
    relativeHumidityPercent: Math.min(100, humidity),
  };
}
