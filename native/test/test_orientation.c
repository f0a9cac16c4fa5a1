/* Orientation against analytic motion: every expected value is the closed form of what the body was made to do. */
#undef NDEBUG
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fusion/orientation.h"

static const double G = 9.80665, DEG = M_PI / 180;
/* Field of central Europe: 20 uT north, 45 uT down. */
static const double FIELD[3] = {0, 20, -45};

typedef struct {
  cairn_orientation filter;
  cairn_quat truth; /* body to earth */
  double bias[3];
  double disturbance[3]; /* earth frame, added to the field */
  int64_t now_ns;
  double step_s;
  int mag_every, samples;
  double out[4];
} body;

static void start(body *b, int axes, double rate_hz) {
  memset(b, 0, sizeof *b);
  assert(cairn_orientation_init(&b->filter, axes, rate_hz));
  b->truth = CAIRN_QUAT_IDENTITY;
  b->now_ns = 1000000000;
  b->step_s = 1 / rate_hz;
  b->mag_every = 1;
}

static cairn_quat conjugate(cairn_quat q) { return (cairn_quat){q.w, -q.x, -q.y, -q.z}; }

/* Turns the body at `rate` (rad/s, body frame) for some time, and feeds what its sensors would say. */
static void turn(body *b, const double rate[3], double seconds) {
  long n = lround(seconds / b->step_s);
  for (long i = 0; i < n; i++) {
    double gyro[3], accel[3], mag[3], gravity[3] = {0, 0, G}, field[3];
    b->truth = cairn_quat_normalised(cairn_quat_multiply(b->truth, cairn_quat_turn(rate, b->step_s)));
    for (int k = 0; k < 3; k++) gyro[k] = rate[k] + b->bias[k], field[k] = FIELD[k] + b->disturbance[k];
    cairn_quat_rotate(conjugate(b->truth), gravity, accel);
    cairn_quat_rotate(conjugate(b->truth), field, mag);
    if (b->samples++ % b->mag_every != 0) mag[0] = NAN;
    cairn_orientation_update(&b->filter, &b->now_ns, gyro, accel, b->filter.axes == 9 ? mag : NULL, b->out, 1);
    b->now_ns += (int64_t)llround(b->step_s * 1e9);
  }
}

static void rest(body *b, double seconds) { turn(b, (double[3]){0, 0, 0}, seconds); }

static cairn_quat error_of(const body *b) {
  cairn_quat q = {b->out[0], b->out[1], b->out[2], b->out[3]};
  return cairn_quat_multiply(q, conjugate(b->truth));
}

static double total_deg(const body *b) { return 2 * acos(fmin(1, fabs(error_of(b).w))) / DEG; }

static double inclination_deg(const body *b) {
  cairn_quat e = error_of(b);
  return 2 * acos(fmin(1, hypot(e.w, e.z))) / DEG;
}

static double norm(const double q[4]) { return sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]); }

static void the_first_sample_finds_the_attitude(void) {
  body b;
  start(&b, 9, 100);
  b.truth = cairn_quat_multiply(cairn_quat_turn((double[3]){0, 0, 2}, 1), cairn_quat_turn((double[3]){0.7, 0, 0}, 1));
  rest(&b, 0.01);
  assert(total_deg(&b) < 1e-6);
  start(&b, 9, 100);
  b.truth = cairn_quat_turn((double[3]){M_PI, 0, 0}, 1); /* upside down */
  rest(&b, 0.01);
  assert(total_deg(&b) < 1e-4);
}

static void follows_a_pure_rotation(void) {
  static const double rates[] = {26, 104, 833};
  for (int i = 0; i < 3; i++) {
    body b;
    start(&b, 9, rates[i]);
    rest(&b, 1);
    turn(&b, (double[3]){0, 0, 90 * DEG}, 5); /* 450 degrees about the vertical */
    assert(total_deg(&b) < 0.1);
    turn(&b, (double[3]){60 * DEG, -30 * DEG, 20 * DEG}, 5);
    assert(total_deg(&b) < 0.5);
    assert(fabs(norm(b.out) - 1) < 1e-9);
  }
}

static void six_axes_keep_the_heading_they_started_with(void) {
  body b;
  start(&b, 6, 104);
  rest(&b, 1);
  turn(&b, (double[3]){0, 0, 45 * DEG}, 4);
  assert(total_deg(&b) < 0.01);
}

static void bias_is_found_at_rest(void) {
  body b;
  start(&b, 6, 104);
  b.bias[0] = 0.5 * DEG, b.bias[1] = -0.8 * DEG, b.bias[2] = 1.0 * DEG;
  rest(&b, 30);
  for (int i = 0; i < 3; i++) assert(fabs(b.filter.bias.rad_s[i] - b.bias[i]) < 0.01 * DEG);
  assert(b.filter.bias.at_rest);
}

static void bias_is_found_in_motion(void) {
  body b;
  start(&b, 6, 104);
  b.bias[0] = 0.3 * DEG, b.bias[1] = -0.4 * DEG, b.bias[2] = 0.3 * DEG;
  for (int i = 0; i < 40; i++) {
    turn(&b, (double[3]){40 * DEG, 25 * DEG, 10 * DEG}, 2);
    turn(&b, (double[3]){-30 * DEG, 45 * DEG, -20 * DEG}, 2);
    assert(!b.filter.bias.at_rest);
  }
  for (int i = 0; i < 3; i++) assert(fabs(b.filter.bias.rad_s[i] - b.bias[i]) < 0.1 * DEG);
  assert(inclination_deg(&b) < 0.5);
}

static void a_slow_steady_turn_is_not_rest(void) {
  body b;
  start(&b, 6, 104);
  turn(&b, (double[3]){0, 0, 5 * DEG}, 20);
  assert(!b.filter.bias.at_rest && fabs(b.filter.bias.rad_s[2]) < 0.05 * DEG);
}

static void warm_up(body *b) {
  for (int i = 0; i < 8; i++) turn(b, (double[3]){30 * DEG, 0, 40 * DEG}, 1), turn(b, (double[3]){-30 * DEG, 20 * DEG, 0}, 1);
}

static void a_magnet_is_not_believed(void) {
  body b;
  start(&b, 9, 104);
  warm_up(&b);
  assert(!b.filter.heading.disturbed && total_deg(&b) < 0.5);
  b.disturbance[0] = 40; /* pulls north by 63 degrees */
  rest(&b, 30);
  assert(b.filter.heading.disturbed && total_deg(&b) < 1);
  b.disturbance[0] = 0;
  rest(&b, 2);
  assert(!b.filter.heading.disturbed && total_deg(&b) < 1);
}

static void a_new_place_is_believed_in_time(void) {
  body b;
  start(&b, 9, 104);
  warm_up(&b);
  b.disturbance[2] = 30; /* another norm and dip, north as before */
  rest(&b, 1);
  assert(b.filter.heading.disturbed);
  for (int i = 0; i < 3; i++) warm_up(&b);
  assert(!b.filter.heading.disturbed);
}

static void a_slow_magnetometer_is_enough(void) {
  body b;
  start(&b, 9, 104);
  b.mag_every = 10;
  b.bias[2] = 0.2 * DEG;
  for (int i = 0; i < 5; i++) warm_up(&b);
  assert(total_deg(&b) < 1.5);
}

static void the_rate_is_what_the_times_say(void) {
  body b;
  start(&b, 9, 104);
  assert(cairn_orientation_init(&b.filter, 9, 400)); /* told 400, fed 104 */
  b.bias[0] = 0.5 * DEG;
  rest(&b, 40);
  assert(fabs(b.filter.step_s - 1 / 104.0) < 0.11 / 104.0);
  assert(fabs(b.filter.bias.rad_s[0] - b.bias[0]) < 0.01 * DEG);
  turn(&b, (double[3]){0, 0, 90 * DEG}, 4);
  assert(total_deg(&b) < 0.2);
}

static void a_gap_starts_the_attitude_anew(void) {
  body b;
  start(&b, 9, 104);
  b.bias[1] = 0.5 * DEG;
  rest(&b, 20);
  b.now_ns += 60 * INT64_C(1000000000);
  b.truth = cairn_quat_turn((double[3]){0, 1.2, 1.5}, 1); /* turned while nobody looked */
  rest(&b, 0.01);
  assert(total_deg(&b) < 0.01);
  assert(fabs(b.filter.bias.rad_s[1] - b.bias[1]) < 0.02 * DEG); /* what was learnt stays */
  b.now_ns -= 30 * INT64_C(1000000000);
  rest(&b, 0.5);
  assert(inclination_deg(&b) < 0.1);
}

static void hostile_samples_repeat_the_last_orientation(void) {
  body b;
  start(&b, 9, 104);
  rest(&b, 2);
  double last[4], out[4];
  memcpy(last, b.out, sizeof last);
  const double zero[3] = {0, 0, 0}, down[3] = {0, 0, G}, bad[3] = {0, NAN, 0}, wide[3] = {0, 0, INFINITY};
  static const int64_t times[] = {INT64_MIN, -1, INT64_MAX};
  cairn_orientation_update(&b.filter, &b.now_ns, bad, down, NULL, out, 1);
  assert(memcmp(out, last, sizeof last) == 0);
  cairn_orientation_update(&b.filter, &b.now_ns, zero, wide, NULL, out, 1);
  assert(memcmp(out, last, sizeof last) == 0);
  for (int i = 0; i < 3; i++) {
    cairn_orientation_update(&b.filter, &times[i], (double[3]){9, 9, 9}, down, NULL, out, 1);
    assert(memcmp(out, last, sizeof last) == 0);
  }
  const double huge[3] = {1e300, -1e300, 1e300};
  for (int i = 0; i < 500; i++, b.now_ns += 10000000)
    cairn_orientation_update(&b.filter, &b.now_ns, i % 2 ? huge : zero, i % 3 ? huge : zero, huge, out, 1);
  assert(isfinite(out[0] + out[1] + out[2] + out[3]));
  rest(&b, 1);
  assert(fabs(norm(b.out) - 1) < 1e-9 && total_deg(&b) < 0.01);
}

static void refuses_what_it_cannot_do(void) {
  cairn_orientation o;
  assert(!cairn_orientation_init(&o, 7, 100));
  assert(!cairn_orientation_init(&o, 6, 0));
  assert(!cairn_orientation_init(&o, 6, NAN));
  assert(!cairn_orientation_init(&o, 9, 20000));
}

int main(void) {
  the_first_sample_finds_the_attitude();
  follows_a_pure_rotation();
  six_axes_keep_the_heading_they_started_with();
  bias_is_found_at_rest();
  bias_is_found_in_motion();
  a_slow_steady_turn_is_not_rest();
  a_magnet_is_not_believed();
  a_new_place_is_believed_in_time();
  a_slow_magnetometer_is_enough();
  the_rate_is_what_the_times_say();
  a_gap_starts_the_attitude_anew();
  hostile_samples_repeat_the_last_orientation();
  refuses_what_it_cannot_do();
  puts("orientation: ok");
  return 0;
}
