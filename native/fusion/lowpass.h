#ifndef CAIRN_LOWPASS_H
#define CAIRN_LOWPASS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Second-order Butterworth low-pass on vectors, transposed direct form II. For its first `tau` seconds it gives the
 * mean of what it saw (Laidig & Seel 2023, section 3.3), so that it starts without a transient.
 */

typedef struct {
  double b0, b1, b2, a1, a2;
  uint32_t settling; /* samples in tau */
} cairn_lowpass_design;

typedef struct {
  double s0, s1, y;
} cairn_lowpass;

/* The cut-off is sqrt(2) / (2 pi tau), kept below half of the sampling rate. */
static inline cairn_lowpass_design cairn_lowpass_make(double tau_s, double step_s) {
  double ratio = M_SQRT1_2 * step_s / tau_s; /* pi fc / fs */
  double c = tan(ratio < 1.5 ? ratio : 1.5);
  double d = c * c + M_SQRT2 * c + 1;
  double b0 = c * c / d;
  double samples = tau_s / step_s;
  return (cairn_lowpass_design){b0, 2 * b0, b0, 2 * (c * c - 1) / d, (1 - M_SQRT2 * c + c * c) / d,
                                samples < 1e9 ? (uint32_t)samples : 1000000000u};
}

/* Puts the filter where it would be after `value` forever. */
static inline void cairn_lowpass_seat(cairn_lowpass *f, const cairn_lowpass_design *d, double value) {
  f->y = value;
  f->s0 = value * (1 - d->b0);
  f->s1 = value * (d->b2 - d->a2);
}

/* `seen` is how many samples came before since the start. */
static inline double cairn_lowpass_step(cairn_lowpass *f, const cairn_lowpass_design *d, uint32_t seen, double x) {
  if (seen < d->settling || seen == 0) {
    cairn_lowpass_seat(f, d, seen == 0 ? x : f->y + (x - f->y) / (seen + 1.0));
    return f->y;
  }
  double y = d->b0 * x + f->s0;
  f->s0 = d->b1 * x - d->a1 * y + f->s1;
  f->s1 = d->b2 * x - d->a2 * y;
  f->y = y;
  return y;
}

static inline void cairn_lowpass_steps(cairn_lowpass *f, const cairn_lowpass_design *d, uint32_t seen, const double *x,
                                       double *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = cairn_lowpass_step(&f[i], d, seen, x[i]);
}

#endif
