#ifndef CAIRN_ORIENTATION_H
#define CAIRN_ORIENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fusion/lowpass.h"
#include "fusion/quaternion.h"

/*
 * Orientation of a body in the earth frame (x east, y north, z up; with 6 axes the heading is relative to the first
 * sample) from gyroscope, accelerometer and, with 9 axes, magnetometer. The method and its constants are those of
 * D. Laidig and T. Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation and magnetic disturbance
 * rejection", Information Fusion 91 (2023), arXiv:2203.17024. Where this differs: the rotation is integrated over the
 * samples' own times; filters are designed for the rate that is seen, and anew when it changes by a tenth; the
 * magnetometer may be slower than the rest (its gains come from the time since its last sample).
 *
 * Nothing is allocated; the same samples give the same orientations, however they are cut into batches.
 */

typedef struct {
  cairn_lowpass_design inclination; /* tau 3 s */
  cairn_lowpass_design rest;        /* tau 0.5 s */
  double bias_noise;                /* variances, (0.01 deg/s)^2 */
  double rest_variance, motion_variance, vertical_variance;
} cairn_orientation_design;

typedef struct {
  double rad_s[3];
  double covariance[9];
  cairn_lowpass rotation[9], level[2]; /* low-passed as the acceleration is */
  cairn_lowpass gyro[3], accel[3];
  uint32_t rest_seen;
  double gyro_mean[3];
  double rest_s;
  bool at_rest;
} cairn_bias;

typedef struct {
  double delta_rad; /* turns the almost-inertial frame to north */
  double first_gain;
  double norm, dip;
  bool seen;
  double reference_norm, reference_dip;
  double candidate_norm, candidate_dip, candidate_s;
  double undisturbed_s, rejected_s;
  bool disturbed;
  int64_t last_ns;
} cairn_heading;

typedef struct {
  int axes;
  double step_s;      /* what the design is for */
  double step_seen_s; /* running mean */
  cairn_orientation_design design;
  bool started;
  int64_t last_ns;
  cairn_quat gyro_quat;  /* body to almost-inertial frame, by integration alone */
  cairn_quat level_quat; /* almost-inertial to level frame */
  cairn_lowpass accel[3];
  uint32_t accel_seen;
  cairn_bias bias;
  cairn_heading heading;
  cairn_quat out;
} cairn_orientation;

/* axes: 6 or 9. rate_hz: expected, 1 to 10,000. False where they aren't; *o is then untouched. */
bool cairn_orientation_init(cairn_orientation *o, int axes, double rate_hz);

/* Forgets all but the axes and the expected rate. */
void cairn_orientation_reset(cairn_orientation *o);

/*
 * n samples: gyro in rad/s, accel in m/s2, mag in any unit (n x 3 each; mag may be NULL), out n x 4 (w, x, y, z).
 * The last orientation is repeated for a sample whose gyro or accel isn't finite, or is beyond 1000 rad/s or 1e5 m/s2, and
 * for one whose time is the one before's, negative or beyond 2^62 ns. A magnetometer sample that isn't finite, or is beyond
 * 1e6, is left out by itself. After a gap of over 1 s, or a step back in time, attitude is found anew from the next
 * samples; the gyroscope's bias is kept.
 */
void cairn_orientation_update(cairn_orientation *o, const int64_t *times_ns, const double *gyro, const double *accel,
                              const double *mag, double *out, size_t n);

/* The parts of it, in bias.c and heading.c. */
void cairn_bias_reset(cairn_bias *bias);
void cairn_bias_reacquire(cairn_bias *bias);
void cairn_bias_watch_gyro(cairn_bias *bias, const cairn_orientation_design *design, const double gyro[3]);
void cairn_bias_watch_accel(cairn_bias *bias, const cairn_orientation_design *design, const double accel[3],
                            double step_s);
void cairn_bias_estimate(cairn_bias *bias, const cairn_orientation_design *design, cairn_quat level,
                         const double up[3], uint32_t seen, double step_s);
void cairn_heading_reset(cairn_heading *heading);
void cairn_heading_reacquire(cairn_heading *heading);
void cairn_heading_update(cairn_heading *heading, const double mag[3], cairn_quat level, double rate_rad_s,
                          int64_t now_ns, double step_s);

#endif
