/* Heading from the magnetometer, and when not to trust it: a field whose norm or dip isn't the known one is rejected. */
#include <math.h>

#include "fusion/orientation.h"

static const double TAU_HEADING_S = 9, TAU_FIELD_S = 0.05, TAU_REFERENCE_S = 20;
static const double NORM_TOLERANCE = 0.1, DIP_TOLERANCE_RAD = 10 * M_PI / 180;
static const double UNDISTURBED_MIN_S = 0.5, REJECTION_MAX_S = 60, REJECTION_FACTOR = 2;
static const double NEW_FIELD_S = 20, FIRST_FIELD_S = 5, NEW_FIELD_RATE_RAD_S = 20 * M_PI / 180;
static const double STEP_MAX_S = 1;

void cairn_heading_reset(cairn_heading *heading) {
  *heading = (cairn_heading){.first_gain = 1, .disturbed = true};
}

void cairn_heading_reacquire(cairn_heading *heading) {
  heading->first_gain = 1;
  heading->seen = false;
}

static double gain(double tau_s, double dt) { return -expm1(-dt / tau_s); }

static double wrapped(double angle) { return remainder(angle, 2 * M_PI); }

static bool near(double norm, double dip, double known_norm, double known_dip) {
  return fabs(norm - known_norm) < NORM_TOLERANCE * known_norm && fabs(dip - known_dip) < DIP_TOLERANCE_RAD;
}

static void observe_field(cairn_heading *h, const double field[3], double dt) {
  double norm = sqrt(field[0] * field[0] + field[1] * field[1] + field[2] * field[2]);
  if (!(norm > 0)) return;
  double dip = -asin(fmin(fmax(field[2] / norm, -1), 1));
  double k = h->seen ? gain(TAU_FIELD_S, dt) : 1;
  h->norm += k * (norm - h->norm);
  h->dip += k * (dip - h->dip);
  h->seen = true;
}

static void judge_field(cairn_heading *h, double dt) {
  if (!near(h->norm, h->dip, h->reference_norm, h->reference_dip)) {
    h->undisturbed_s = 0;
    h->disturbed = true;
    return;
  }
  h->undisturbed_s += dt;
  if (h->undisturbed_s < UNDISTURBED_MIN_S) return;
  h->disturbed = false;
  double k = gain(TAU_REFERENCE_S, dt);
  h->reference_norm += k * (h->norm - h->reference_norm);
  h->reference_dip += k * (h->dip - h->reference_dip);
}

/* A field that stays the same while the body turns is the surroundings' own: it becomes the reference. */
static void consider_new_field(cairn_heading *h, double rate_rad_s, double dt) {
  if (!near(h->norm, h->dip, h->candidate_norm, h->candidate_dip)) {
    h->candidate_s = 0;
    h->candidate_norm = h->norm;
    h->candidate_dip = h->dip;
    return;
  }
  if (rate_rad_s >= NEW_FIELD_RATE_RAD_S) h->candidate_s += dt;
  double k = gain(TAU_REFERENCE_S, dt);
  h->candidate_norm += k * (h->norm - h->candidate_norm);
  h->candidate_dip += k * (h->dip - h->candidate_dip);
  double wanted_s = h->reference_norm == 0 ? FIRST_FIELD_S : NEW_FIELD_S;
  if (!h->disturbed || h->candidate_s < wanted_s) return;
  h->reference_norm = h->candidate_norm;
  h->reference_dip = h->candidate_dip;
  h->disturbed = false;
  h->undisturbed_s = UNDISTURBED_MIN_S;
}

/* Full gain on good fields, none for the first 60 s of a bad one, half after: a wrong north beats a drifting one. */
static double trusted_gain(cairn_heading *h, double dt) {
  double k = gain(TAU_HEADING_S, dt);
  if (!h->disturbed) {
    h->rejected_s = fmax(h->rejected_s - REJECTION_FACTOR * dt, 0);
  } else if (h->rejected_s <= REJECTION_MAX_S) {
    h->rejected_s += dt;
    k = 0;
  } else {
    k /= REJECTION_FACTOR;
  }
  if (h->first_gain == 0) return k;
  k = fmax(k, h->first_gain); /* 1, 1/2, 1/3, ...: the mean, until the filter is slower than that */
  h->first_gain = h->first_gain / (h->first_gain + 1);
  if (h->first_gain * TAU_HEADING_S < dt) h->first_gain = 0;
  return k;
}

void cairn_heading_update(cairn_heading *h, const double mag[3], cairn_quat level, double rate_rad_s, int64_t now_ns,
                          double step_s) {
  double field[3];
  double dt = h->seen ? fmin((double)(now_ns - h->last_ns) * 1e-9, STEP_MAX_S) : step_s;
  h->last_ns = now_ns;
  cairn_quat_rotate(level, mag, field);
  observe_field(h, field, dt);
  if (!h->seen) return;
  judge_field(h, dt);
  consider_new_field(h, rate_rad_s, dt);
  double error = wrapped(atan2(field[0], field[1]) - h->delta_rad);
  h->delta_rad = wrapped(h->delta_rad + trusted_gain(h, dt) * error);
}
