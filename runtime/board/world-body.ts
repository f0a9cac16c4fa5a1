import type { Step } from './world-walk.js';

type Vector = readonly [number, number, number];

const GRAVITY_MPS2 = 9.80665;
/** 1.4 m/s at 1.9 steps a second. */
const STEP_M = 1.4 / 1.9;
const PACE_MPS = 1.4;
/** Of a step at walking pace: up and down, forward and back, and the sway of the body. */
const BOUNCE_MPS2 = 2.8;
const PUSH_MPS2 = 0.9;
const ROLL_RAD = 0.04;
const PITCH_RAD = 0.025;
/** East, north, up, tesla: as at 68° N; magnetic north is north in this world. */
const FIELD_TESLA: Vector = [0, 11.6e-6, -51.8e-6];

export interface Body {
  readonly specificForceMps2: Vector;
  readonly angularRateRadps: Vector;
  readonly magneticFieldTesla: Vector;
}

/**
 * What a device on the walker's belt feels: x forward, y left, z up. One angle, the phase of the steps, drives the bounces, the
 * sway and with it the gyroscope, so the three sensors agree with each other and with the track.
 */
export function bodyAt(step: Step): Body {
  const phase = (2 * Math.PI * step.distanceM) / STEP_M;
  const phaseRate = (2 * Math.PI * step.speedMps) / STEP_M;
  const effort = step.speedMps / PACE_MPS;
  const effortRate = step.accelerationMps2 / PACE_MPS;
  const roll = ROLL_RAD * effort * Math.sin(phase / 2);
  const rollRate =
    ROLL_RAD * (effortRate * Math.sin(phase / 2) + (effort * Math.cos(phase / 2) * phaseRate) / 2);
  const pitch = PITCH_RAD * effort * Math.sin(phase);
  const pitchRate = PITCH_RAD * (effortRate * Math.sin(phase) + effort * Math.cos(phase) * phaseRate);
  const yaw = Math.PI / 2 - step.courseRad; // counter-clockwise from east
  const yawRate = -step.turnRadps;
  const toBody = rotation(roll, pitch, yaw);
  const forward = step.accelerationMps2 + PUSH_MPS2 * effort * Math.sin(phase);
  const left = step.speedMps * yawRate;
  const [cosYaw, sinYaw] = [Math.cos(yaw), Math.sin(yaw)];
  const up = GRAVITY_MPS2 + BOUNCE_MPS2 * effort * Math.sin(phase);
  return {
    specificForceMps2: toBody([forward * cosYaw - left * sinYaw, forward * sinYaw + left * cosYaw, up]),
    angularRateRadps: eulerRates(roll, pitch, rollRate, pitchRate, yawRate),
    magneticFieldTesla: toBody(FIELD_TESLA),
  };
}

/** East, north, up into the body, for yaw, then pitch (nose up is negative about y, left), then roll. */
function rotation(roll: number, pitch: number, yaw: number): (v: Vector) => Vector {
  const [cr, sr] = [Math.cos(roll), Math.sin(roll)];
  const [cp, sp] = [Math.cos(pitch), Math.sin(pitch)];
  const [cy, sy] = [Math.cos(yaw), Math.sin(yaw)];
  return ([e, n, u]) => [
    cp * cy * e + cp * sy * n - sp * u,
    (sr * sp * cy - cr * sy) * e + (sr * sp * sy + cr * cy) * n + sr * cp * u,
    (cr * sp * cy + sr * sy) * e + (cr * sp * sy - sr * cy) * n + cr * cp * u,
  ];
}

/** Rates of the Euler angles into rates about the body's axes. */
function eulerRates(
  roll: number,
  pitch: number,
  rollRate: number,
  pitchRate: number,
  yawRate: number,
): Vector {
  const [cr, sr] = [Math.cos(roll), Math.sin(roll)];
  const [cp, sp] = [Math.cos(pitch), Math.sin(pitch)];
  return [rollRate - yawRate * sp, pitchRate * cr + yawRate * sr * cp, -pitchRate * sr + yawRate * cr * cp];
}
