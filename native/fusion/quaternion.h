#ifndef CAIRN_QUATERNION_H
#define CAIRN_QUATERNION_H

#include <math.h>

/* Unit quaternions, w first; p * q turns by q, then by p. Vectors have three values. */
typedef struct {
  double w, x, y, z;
} cairn_quat;

static const cairn_quat CAIRN_QUAT_IDENTITY = {1, 0, 0, 0};

static inline cairn_quat cairn_quat_multiply(cairn_quat p, cairn_quat q) {
  return (cairn_quat){
      p.w * q.w - p.x * q.x - p.y * q.y - p.z * q.z,
      p.w * q.x + p.x * q.w + p.y * q.z - p.z * q.y,
      p.w * q.y - p.x * q.z + p.y * q.w + p.z * q.x,
      p.w * q.z + p.x * q.y - p.y * q.x + p.z * q.w,
  };
}

static inline cairn_quat cairn_quat_normalised(cairn_quat q) {
  double norm = sqrt(q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z);
  if (!(norm > 1e-12)) return CAIRN_QUAT_IDENTITY;
  double k = 1 / norm;
  return (cairn_quat){q.w * k, q.x * k, q.y * k, q.z * k};
}

/* Row by row. */
static inline void cairn_quat_matrix(cairn_quat q, double m[9]) {
  double xx = q.x * q.x, yy = q.y * q.y, zz = q.z * q.z, xy = q.x * q.y, xz = q.x * q.z, yz = q.y * q.z;
  double wx = q.w * q.x, wy = q.w * q.y, wz = q.w * q.z;
  m[0] = 1 - 2 * (yy + zz), m[1] = 2 * (xy - wz), m[2] = 2 * (xz + wy);
  m[3] = 2 * (xy + wz), m[4] = 1 - 2 * (xx + zz), m[5] = 2 * (yz - wx);
  m[6] = 2 * (xz - wy), m[7] = 2 * (yz + wx), m[8] = 1 - 2 * (xx + yy);
}

static inline void cairn_matrix_apply(const double m[9], const double v[3], double out[3]) {
  for (int i = 0; i < 3; i++) out[i] = m[3 * i] * v[0] + m[3 * i + 1] * v[1] + m[3 * i + 2] * v[2];
}

static inline void cairn_quat_rotate(cairn_quat q, const double v[3], double out[3]) {
  double m[9];
  cairn_quat_matrix(q, m);
  cairn_matrix_apply(m, v, out);
}

/* The turn by the constant rate `w` (rad/s) over `t` seconds. */
static inline cairn_quat cairn_quat_turn(const double w[3], double t) {
  double rate = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
  if (!(rate * t > 1e-12)) return CAIRN_QUAT_IDENTITY;
  double half = 0.5 * rate * t, k = sin(half) / rate;
  return (cairn_quat){cos(half), k * w[0], k * w[1], k * w[2]};
}

#endif
