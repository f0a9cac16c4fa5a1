/* The gyroscope's bias: at rest measured directly, in motion from what the inclination correction had to undo. */
#include <math.h>

#include "fusion/orientation.h"

static const double SIGMA_INIT = 50; /* 0.5 deg/s, in 0.01 deg/s */
static const double CLIP_RAD_S = 2 * M_PI / 180;
static const double REST_GYRO_RAD_S = 2 * M_PI / 180, REST_ACCEL_MPS2 = 0.5, REST_MIN_S = 1.5;

void cairn_bias_reset(cairn_bias *bias) {
  *bias = (cairn_bias){0};
  for (int i = 0; i < 3; i++) bias->covariance[4 * i] = SIGMA_INIT * SIGMA_INIT;
}

void cairn_bias_reacquire(cairn_bias *bias) {
  bias->rest_seen = 0;
  bias->rest_s = 0;
  bias->at_rest = false;
}

static double square_distance(const double a[3], const double b[3]) {
  double d0 = a[0] - b[0], d1 = a[1] - b[1], d2 = a[2] - b[2];
  return d0 * d0 + d1 * d1 + d2 * d2;
}

static void disturb_rest(cairn_bias *bias) {
  bias->rest_s = 0;
  bias->at_rest = false;
}

void cairn_bias_watch_gyro(cairn_bias *bias, const cairn_orientation_design *design, const double gyro[3]) {
  cairn_lowpass_steps(bias->gyro, &design->rest, bias->rest_seen, gyro, bias->gyro_mean, 3);
  bool turning = square_distance(gyro, bias->gyro_mean) >= REST_GYRO_RAD_S * REST_GYRO_RAD_S;
  for (int i = 0; i < 3; i++) turning = turning || fabs(bias->gyro_mean[i]) > CLIP_RAD_S;
  if (turning) disturb_rest(bias);
}

void cairn_bias_watch_accel(cairn_bias *bias, const cairn_orientation_design *design, const double accel[3],
                            double step_s) {
  double mean[3];
  cairn_lowpass_steps(bias->accel, &design->rest, bias->rest_seen, accel, mean, 3);
  if (bias->rest_seen < UINT32_MAX) bias->rest_seen++;
  if (square_distance(accel, mean) >= REST_ACCEL_MPS2 * REST_ACCEL_MPS2) {
    disturb_rest(bias);
    return;
  }
  bias->rest_s += step_s;
  bias->at_rest = bias->rest_s >= REST_MIN_S;
}

static double clip(double value) { return fmin(fmax(value, -CLIP_RAD_S), CLIP_RAD_S); }

/* c = a times b, 3 x 3, row by row; `transposed` takes b's transpose. */
static void multiply(const double a[9], const double b[9], bool transposed, double c[9]) {
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) sum += a[3 * i + k] * (transposed ? b[3 * j + k] : b[3 * k + j]);
      c[3 * i + j] = sum;
    }
}

/* False where the matrix has no inverse to speak of. */
static bool invert(const double m[9], double out[9]) {
  double a = m[4] * m[8] - m[5] * m[7], b = m[5] * m[6] - m[3] * m[8], c = m[3] * m[7] - m[4] * m[6];
  double det = m[0] * a + m[1] * b + m[2] * c;
  if (!(fabs(det) > 1e-30)) return false;
  double k = 1 / det;
  out[0] = a * k, out[3] = b * k, out[6] = c * k;
  out[1] = (m[2] * m[7] - m[1] * m[8]) * k, out[4] = (m[0] * m[8] - m[2] * m[6]) * k;
  out[7] = (m[1] * m[6] - m[0] * m[7]) * k;
  out[2] = (m[1] * m[5] - m[2] * m[4]) * k, out[5] = (m[2] * m[3] - m[0] * m[5]) * k;
  out[8] = (m[0] * m[4] - m[1] * m[3]) * k;
  return true;
}

/* One Kalman step: observation matrix r, innovation e (rad/s), measurement variances w. */
static void correct(cairn_bias *bias, const double r[9], const double e[3], const double w[3]) {
  double *p = bias->covariance;
  double prt[9], s[9], inverse[9], k[9], kr[9], krp[9], change[3], bounded[3];
  multiply(p, r, true, prt);
  multiply(r, prt, false, s);
  for (int i = 0; i < 3; i++) s[4 * i] += w[i];
  if (!invert(s, inverse)) return;
  multiply(prt, inverse, false, k);
  for (int i = 0; i < 3; i++) bounded[i] = clip(e[i]);
  cairn_matrix_apply(k, bounded, change);
  for (int i = 0; i < 3; i++) bias->rad_s[i] = clip(bias->rad_s[i] + change[i]);
  multiply(k, r, false, kr);
  multiply(kr, p, false, krp);
  for (int i = 0; i < 9; i++) p[i] -= krp[i];
}

static void correct_at_rest(cairn_bias *bias, double variance) {
  static const double one[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  double e[3], w[3] = {variance, variance, variance};
  for (int i = 0; i < 3; i++) e[i] = bias->gyro_mean[i] - bias->rad_s[i];
  correct(bias, one, e, w);
}

void cairn_bias_estimate(cairn_bias *bias, const cairn_orientation_design *design, cairn_quat level,
                         const double up[3], uint32_t seen, double step_s) {
  double r[9], smooth[9], in_level[3], level_bias[2];
  cairn_quat_matrix(level, r);
  cairn_matrix_apply(r, bias->rad_s, in_level);
  cairn_lowpass_steps(bias->rotation, &design->inclination, seen, r, smooth, 9);
  cairn_lowpass_steps(bias->level, &design->inclination, seen, in_level, level_bias, 2);
  for (int i = 0; i < 3; i++)
    if (bias->covariance[4 * i] < SIGMA_INIT * SIGMA_INIT) bias->covariance[4 * i] += design->bias_noise;
  if (bias->at_rest) {
    correct_at_rest(bias, design->rest_variance);
    return;
  }
  double expected[3];
  cairn_matrix_apply(smooth, bias->rad_s, expected);
  double e[3] = {-up[1] / step_s + level_bias[0] - expected[0], up[0] / step_s + level_bias[1] - expected[1],
                 -expected[2]};
  double w[3] = {design->motion_variance, design->motion_variance, design->vertical_variance};
  correct(bias, smooth, e, w);
}
