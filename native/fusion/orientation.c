#include "fusion/orientation.h"

#include <math.h>

#include "fusion/sample_time.h"

static const double TAU_INCLINATION_S = 3.0, TAU_REST_S = 0.5;
static const double GAP_S = 1.0;
static const double STEP_MIN_S = 1e-4, STEP_MAX_S = 1.0;
static const double GYRO_MAX_RAD_S = 1000, ACCEL_MAX_MPS2 = 1e5, MAG_MAX = 1e6;
static const double STEP_SMOOTHING = 1.0 / 64, STEP_TOLERANCE = 0.1;

/* Bias: sigma at rest 0.03 deg/s and in motion 0.1 deg/s; it may wander by 0.1 deg/s in 100 s. In 0.01 deg/s. */
static const double BIAS_WANDER = 10.0 * 10.0 / 100.0, SIGMA2_REST = 3.0 * 3.0, SIGMA2_MOTION = 10.0 * 10.0;
static const double VERTICAL_FORGETTING = 1e-4;

/* The measurement variance that makes the Kalman filter settle at the variance `settled`. */
static double variance_for(double settled, double noise) { return settled * settled / noise + settled; }

static void reseat(cairn_lowpass *filters, const cairn_lowpass_design *design, size_t n) {
  for (size_t i = 0; i < n; i++) cairn_lowpass_seat(&filters[i], design, filters[i].y);
}

static void make_design(cairn_orientation *o, double step_s) {
  cairn_orientation_design *d = &o->design;
  o->step_s = step_s;
  d->inclination = cairn_lowpass_make(TAU_INCLINATION_S, step_s);
  d->rest = cairn_lowpass_make(TAU_REST_S, step_s);
  d->bias_noise = BIAS_WANDER * step_s;
  d->rest_variance = variance_for(SIGMA2_REST, d->bias_noise);
  d->motion_variance = variance_for(SIGMA2_MOTION, d->bias_noise);
  d->vertical_variance = d->motion_variance / VERTICAL_FORGETTING;
  reseat(o->accel, &d->inclination, 3);
  reseat(o->bias.rotation, &d->inclination, 9);
  reseat(o->bias.level, &d->inclination, 2);
  reseat(o->bias.gyro, &d->rest, 3);
  reseat(o->bias.accel, &d->rest, 3);
}

bool cairn_orientation_init(cairn_orientation *o, int axes, double rate_hz) {
  if ((axes != 6 && axes != 9) || !(rate_hz >= 1 && rate_hz <= 10000)) return false;
  *o = (cairn_orientation){.axes = axes, .step_seen_s = 1 / rate_hz};
  o->gyro_quat = o->level_quat = o->out = CAIRN_QUAT_IDENTITY;
  cairn_bias_reset(&o->bias);
  cairn_heading_reset(&o->heading);
  make_design(o, 1 / rate_hz);
  return true;
}

void cairn_orientation_reset(cairn_orientation *o) { cairn_orientation_init(o, o->axes, 1 / o->step_s); }

static void reacquire(cairn_orientation *o) {
  o->accel_seen = 0;
  cairn_bias_reacquire(&o->bias);
  cairn_heading_reacquire(&o->heading);
}

static void follow_rate(cairn_orientation *o, double dt) {
  o->step_seen_s += (dt - o->step_seen_s) * STEP_SMOOTHING;
  if (fabs(o->step_seen_s - o->step_s) <= STEP_TOLERANCE * o->step_s) return;
  double step_s = fmin(fmax(o->step_seen_s, STEP_MIN_S), STEP_MAX_S);
  if (step_s != o->step_s) make_design(o, step_s);
}

/* Seconds since the last sample; 0 where the orientation has to be found anew. */
static double elapsed(cairn_orientation *o, int64_t now) {
  double dt = o->started && now > o->last_ns ? (double)(now - o->last_ns) * 1e-9 : 0;
  o->started = true;
  o->last_ns = now;
  if (dt > 0 && dt <= GAP_S) {
    follow_rate(o, dt);
    return dt;
  }
  reacquire(o);
  return 0;
}

/* The shortest turn that brings the low-passed acceleration upright. `up` is the direction before it. */
static void correct_inclination(cairn_orientation *o, const double accel[3], double up[3]) {
  double inertial[3], smooth[3];
  cairn_quat_rotate(o->gyro_quat, accel, inertial);
  cairn_lowpass_steps(o->accel, &o->design.inclination, o->accel_seen, inertial, smooth, 3);
  if (o->accel_seen < UINT32_MAX) o->accel_seen++;
  cairn_quat_rotate(o->level_quat, smooth, up);
  double norm = sqrt(up[0] * up[0] + up[1] * up[1] + up[2] * up[2]);
  if (!(norm > 1e-9)) {
    up[0] = up[1] = 0, up[2] = 1;
    return;
  }
  for (int i = 0; i < 3; i++) up[i] /= norm;
  double w = sqrt(fmax(0, (up[2] + 1) / 2));
  cairn_quat turn = {0, 1, 0, 0}; /* upside down: any horizontal axis will do */
  if (w > 1e-6) turn = (cairn_quat){w, 0.5 * up[1] / w, -0.5 * up[0] / w, 0};
  o->level_quat = cairn_quat_normalised(cairn_quat_multiply(turn, o->level_quat));
}

/* Finite, and nothing that a filter would take years to forget. */
static bool bounded(const double v[3], double limit) {
  return fabs(v[0]) <= limit && fabs(v[1]) <= limit && fabs(v[2]) <= limit;
}

static void take(cairn_orientation *o, int64_t now, const double gyro[3], const double accel[3], const double *mag) {
  if (!bounded(gyro, GYRO_MAX_RAD_S) || !bounded(accel, ACCEL_MAX_MPS2)) return;
  if (!cairn_time_sane(now) || (o->started && now == o->last_ns)) return;
  double dt = elapsed(o, now);
  cairn_bias *bias = &o->bias;
  cairn_bias_watch_gyro(bias, &o->design, gyro);
  double rate[3] = {gyro[0] - bias->rad_s[0], gyro[1] - bias->rad_s[1], gyro[2] - bias->rad_s[2]};
  o->gyro_quat = cairn_quat_normalised(cairn_quat_multiply(o->gyro_quat, cairn_quat_turn(rate, dt)));
  if (accel[0] != 0 || accel[1] != 0 || accel[2] != 0) {
    double up[3];
    uint32_t seen = o->accel_seen;
    cairn_bias_watch_accel(bias, &o->design, accel, o->step_s);
    correct_inclination(o, accel, up);
    cairn_bias_estimate(bias, &o->design, cairn_quat_multiply(o->level_quat, o->gyro_quat), up, seen, o->step_s);
  }
  o->out = cairn_quat_multiply(o->level_quat, o->gyro_quat);
  if (o->axes == 6) return;
  if (mag && bounded(mag, MAG_MAX)) {
    const double *mean = bias->gyro_mean;
    double turning = sqrt(mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2]);
    cairn_heading_update(&o->heading, mag, o->out, turning, now, o->step_s);
  }
  double half = o->heading.delta_rad / 2;
  o->out = cairn_quat_multiply((cairn_quat){cos(half), 0, 0, sin(half)}, o->out);
}

void cairn_orientation_update(cairn_orientation *o, const int64_t *times_ns, const double *gyro, const double *accel,
                              const double *mag, double *out, size_t n) {
  for (size_t i = 0; i < n; i++) {
    take(o, times_ns[i], &gyro[3 * i], &accel[3 * i], mag ? &mag[3 * i] : NULL);
    out[4 * i] = o->out.w, out[4 * i + 1] = o->out.x, out[4 * i + 2] = o->out.y, out[4 * i + 3] = o->out.z;
  }
}
