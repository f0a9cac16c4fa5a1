/**
 * Madgwick's gradient-descent filter (S. Madgwick, "An efficient orientation filter for inertial and inertial/magnetic sensor arrays",
 * 2010, eq. 25 to 34, 6 axes) as it is commonly written in JavaScript: one sample a call, an array as its state.
 */
export class Madgwick {
  q: [number, number, number, number] = [1, 0, 0, 0];

  constructor(
    private readonly intervalS: number,
    private readonly beta = 0.1,
  ) {}

  update(gx: number, gy: number, gz: number, ax: number, ay: number, az: number): void {
    const [w, x, y, z] = this.q;
    const norm = Math.hypot(ax, ay, az);
    const [ux, uy, uz] = norm > 0 ? [ax / norm, ay / norm, az / norm] : [0, 0, 0];
    // The objective: where gravity is expected in the body, less where it was felt; and its Jacobian's transpose times it.
    const f1 = 2 * (x * z - w * y) - ux;
    const f2 = 2 * (w * x + y * z) - uy;
    const f3 = 2 * (0.5 - x * x - y * y) - uz;
    const step = [
      -2 * y * f1 + 2 * x * f2,
      2 * z * f1 + 2 * w * f2 - 4 * x * f3,
      -2 * w * f1 + 2 * z * f2 - 4 * y * f3,
      2 * x * f1 + 2 * y * f2,
    ] as const;
    const steepness = Math.hypot(...step) || 1;
    const gain = this.beta / steepness;
    const next: [number, number, number, number] = [
      w + (0.5 * (-x * gx - y * gy - z * gz) - gain * step[0]) * this.intervalS,
      x + (0.5 * (w * gx + y * gz - z * gy) - gain * step[1]) * this.intervalS,
      y + (0.5 * (w * gy - x * gz + z * gx) - gain * step[2]) * this.intervalS,
      z + (0.5 * (w * gz + x * gy - y * gx) - gain * step[3]) * this.intervalS,
    ];
    const length = Math.hypot(...next);
    this.q = [next[0] / length, next[1] / length, next[2] / length, next[3] / length];
  }
}
