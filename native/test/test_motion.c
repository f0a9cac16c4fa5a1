/* Motion against made physics: what a body at rest, struck, dropped or carried must look like. */
#undef NDEBUG
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fusion/motion.h"

static const double G = 9.80665;
static const cairn_motion_options OPTIONS = {0.3, 40, 2.5, 200, 10000};

enum { EVENTS_MAX = 64 };

/* A sensor that is read at one rate, and everything that came out of it. */
typedef struct {
  cairn_motion motion;
  int64_t now_ns, step_ns;
  uint32_t noise;
  int64_t times[EVENTS_MAX];
  uint8_t codes[EVENTS_MAX];
  double peaks[EVENTS_MAX];
  cairn_motion_events events;
} rig;

static void start(rig *r, double rate_hz) {
  memset(r, 0, sizeof *r);
  assert(cairn_motion_init(&r->motion, &OPTIONS));
  r->now_ns = 5000000000;
  r->step_ns = (int64_t)(1e9 / rate_hz);
  r->noise = 1;
  r->events = (cairn_motion_events){r->times, r->codes, r->peaks, EVENTS_MAX, 0};
}

static void feed(rig *r, double x, double y, double z) {
  const double a[3] = {x, y, z};
  cairn_motion_update(&r->motion, &r->now_ns, a, 1, &r->events);
  r->now_ns += r->step_ns;
}

/* Up to 0.03 m/s2 either way, about what an LSM6DSO has at 104 Hz. */
static double noise(rig *r) {
  r->noise = r->noise * 1664525u + 1013904223u;
  return ((double)(r->noise >> 8) / (1 << 24) - 0.5) * 0.06;
}

static void rest(rig *r, double seconds) {
  for (int64_t end = r->now_ns + (int64_t)(seconds * 1e9); r->now_ns < end;) feed(r, noise(r), noise(r), G + noise(r));
}

/* Up and down by 2 Hz and 3 m/s2 amplitude: a slow walk. */
static void walk(rig *r, double seconds) {
  for (int64_t end = r->now_ns + (int64_t)(seconds * 1e9); r->now_ns < end;)
    feed(r, noise(r), noise(r), G + 3 * sin(2 * M_PI * 2 * (double)r->now_ns * 1e-9));
}

static int count(const rig *r, cairn_motion_event code) {
  int found = 0;
  for (size_t i = 0; i < r->events.count; i++) found += r->codes[i] == code;
  return found;
}

static double time_of(const rig *r, cairn_motion_event code) {
  for (size_t i = 0; i < r->events.count; i++)
    if (r->codes[i] == code) return (double)(r->times[i] - 5000000000) * 1e-9;
  return NAN;
}

static double peak_of(const rig *r, cairn_motion_event code) {
  for (size_t i = 0; i < r->events.count; i++)
    if (r->codes[i] == code) return r->peaks[i];
  return NAN;
}

static bool close_to(double value, double wanted, double tolerance) { return fabs(value - wanted) <= tolerance; }

static void rest_walk_rest_at_any_rate(void) {
  static const double rates[] = {12.5, 26, 104, 416, 1666};
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
    rig r;
    start(&r, rates[i]);
    assert(r.motion.state == CAIRN_MOTION_UNKNOWN);
    rest(&r, 3);
    assert(r.motion.state == CAIRN_MOTION_STILL && r.events.count == 1);
    assert(close_to(time_of(&r, CAIRN_EVENT_STILL), 1.0, 0.2));
    walk(&r, 5);
    assert(r.motion.state == CAIRN_MOTION_MOVING);
    assert(close_to(time_of(&r, CAIRN_EVENT_MOVING), 3.2, 0.2)); /* within 0.4 s of the first stir */
    rest(&r, 3);
    assert(r.motion.state == CAIRN_MOTION_STILL);
    assert(count(&r, CAIRN_EVENT_STILL) == 2 && count(&r, CAIRN_EVENT_MOVING) == 1 && r.events.count == 3);
    assert(close_to((double)(r.times[2] - 5000000000) * 1e-9, 9.0, 0.2)); /* a second after it ended */
  }
}

static void attitude_and_scale_do_not_matter(void) {
  rig r;
  start(&r, 100);
  for (int i = 0; i < 300; i++) feed(&r, 6.9 + noise(&r), 0.2 + noise(&r), 7.3 + noise(&r)); /* 2.4 % too strong */
  assert(r.motion.state == CAIRN_MOTION_STILL);
  /* Turned over at 30 deg/s: |a| never changes, but somebody turned it. */
  for (int i = 0; i < 200; i++) feed(&r, G * sin(i * 0.00524), 0, G * cos(i * 0.00524));
  assert(r.motion.state == CAIRN_MOTION_MOVING);
}

static void hysteresis_holds_the_state_between_its_limits(void) {
  rig r;
  start(&r, 100);
  rest(&r, 2);
  /* A deviation of 0.37 (amplitude 0.52 by the square root of two): above the limit, below 1.5 times it. */
  for (int i = 0; i < 500; i++) feed(&r, 0, 0, G + 0.52 * sin(2 * M_PI * 4 * i / 100.0));
  assert(r.motion.state == CAIRN_MOTION_STILL && r.events.count == 1);
  walk(&r, 2);
  for (int i = 0; i < 500; i++) feed(&r, 0, 0, G + 0.52 * sin(2 * M_PI * 4 * i / 100.0));
  assert(r.motion.state == CAIRN_MOTION_MOVING && r.events.count == 2);
}

static void a_blow_is_one_shock(void) {
  rig r;
  start(&r, 400);
  rest(&r, 2);
  /* Half a sine of 12 ms up to 50 m/s2, which rings for 200 ms. */
  for (int i = 0; i < 5; i++) feed(&r, 0, 0, G + (50 - G) * sin(M_PI * (i + 0.5) / 5));
  for (int i = 0; i < 80; i++) feed(&r, 45 * exp(-i / 30.0) * cos(i * 1.5), 0, G);
  rest(&r, 2);
  assert(count(&r, CAIRN_EVENT_SHOCK) == 1 && count(&r, CAIRN_EVENT_MOVING) == 1);
  assert(close_to(peak_of(&r, CAIRN_EVENT_SHOCK), 50, 1));
  assert(close_to(time_of(&r, CAIRN_EVENT_SHOCK), 2.05, 0.02));
  for (int i = 0; i < 2; i++) feed(&r, 0, 60, G); /* the next blow, long after */
  rest(&r, 1);
  assert(count(&r, CAIRN_EVENT_SHOCK) == 2);
}

static void a_single_spike_is_one_shock(void) {
  rig r;
  start(&r, 104);
  rest(&r, 2);
  feed(&r, 0, 0, 50);
  rest(&r, 3);
  assert(count(&r, CAIRN_EVENT_SHOCK) == 1 && peak_of(&r, CAIRN_EVENT_SHOCK) == 50);
  feed(&r, 0, 0, 39.9);
  rest(&r, 3);
  assert(count(&r, CAIRN_EVENT_SHOCK) == 1);
}

static void a_shaking_machine_does_not_flood(void) {
  rig r;
  start(&r, 400);
  for (int i = 0; i < 4000; i++) feed(&r, 0, 0, i % 2 ? 60 : -60); /* ten seconds, every sample above */
  assert(count(&r, CAIRN_EVENT_SHOCK) == 1 && r.motion.dropped == 0);
}

static void a_drop_of_44_cm_is_one_fall(void) {
  rig r;
  start(&r, 104);
  rest(&r, 2);
  int64_t let_go = r.now_ns;
  for (int i = 0; i < 31; i++) feed(&r, noise(&r), noise(&r), noise(&r)); /* 0.3 s of nothing: h = g t^2 / 2 */
  feed(&r, 0, 0, 80);
  rest(&r, 3);
  assert(count(&r, CAIRN_EVENT_FREE_FALL) == 1 && count(&r, CAIRN_EVENT_SHOCK) == 1);
  double after = time_of(&r, CAIRN_EVENT_FREE_FALL) - (double)(let_go - 5000000000) * 1e-9;
  assert(close_to(after, 0.2, 0.011) && peak_of(&r, CAIRN_EVENT_FREE_FALL) < 0.1);
}

static void a_hop_is_no_fall(void) {
  rig r;
  start(&r, 104);
  rest(&r, 2);
  for (int i = 0; i < 15; i++) feed(&r, 0, 0, 0.5); /* 150 ms, a runner's flight */
  rest(&r, 0.1);
  for (int i = 0; i < 15; i++) feed(&r, 0, 0, 0.5); /* and again: the two are not one */
  rest(&r, 1);
  assert(count(&r, CAIRN_EVENT_FREE_FALL) == 0);
}

static void no_motion_alarms_once_and_ends(void) {
  rig r;
  start(&r, 52);
  walk(&r, 3);
  rest(&r, 30);
  assert(count(&r, CAIRN_EVENT_NO_MOTION) == 1);
  assert(close_to(time_of(&r, CAIRN_EVENT_NO_MOTION), 13, 0.3)); /* ten seconds after the last step */
  assert(count(&r, CAIRN_EVENT_MOTION_AGAIN) == 0);
  walk(&r, 3);
  assert(count(&r, CAIRN_EVENT_MOTION_AGAIN) == 1);
  rest(&r, 8);
  walk(&r, 2);
  rest(&r, 9); /* less than ten each: no alarm */
  assert(count(&r, CAIRN_EVENT_NO_MOTION) == 1);
  rest(&r, 3);
  assert(count(&r, CAIRN_EVENT_NO_MOTION) == 2);
}

static void a_gap_is_no_sign_of_motion(void) {
  rig r;
  start(&r, 52);
  walk(&r, 2);
  rest(&r, 5);
  r.now_ns += 20 * INT64_C(1000000000); /* the bus hung for 20 s */
  rest(&r, 0.9);
  assert(count(&r, CAIRN_EVENT_NO_MOTION) == 0); /* not before a whole second was seen */
  rest(&r, 0.4);
  assert(count(&r, CAIRN_EVENT_NO_MOTION) == 1 && r.motion.state == CAIRN_MOTION_STILL);
}

static void a_gap_breaks_a_fall(void) {
  rig r;
  start(&r, 100);
  rest(&r, 2);
  feed(&r, 0, 0, 0);
  r.now_ns += 2 * INT64_C(1000000000);
  feed(&r, 0, 0, 0);
  rest(&r, 1);
  assert(count(&r, CAIRN_EVENT_FREE_FALL) == 0);
}

static void hostile_samples_do_no_harm(void) {
  rig r;
  start(&r, 100);
  rest(&r, 3);
  size_t before = r.events.count;
  feed(&r, NAN, 0, 0);
  feed(&r, INFINITY, 0, 0);
  feed(&r, 1e200, 0, 0);
  const double down[3] = {0, 0, G};
  static const int64_t times[] = {INT64_MIN, -1, INT64_MAX, 0, INT64_C(1) << 62};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    cairn_motion_update(&r.motion, &times[i], down, 1, &r.events);
  assert(r.events.count == before && r.motion.state == CAIRN_MOTION_STILL);
  const int64_t far = (INT64_C(1) << 62) - 1;
  cairn_motion_update(&r.motion, &far, down, 1, &r.events);
  rest(&r, 3); /* back in time again: the second starts anew */
  assert(r.motion.state == CAIRN_MOTION_STILL);
  walk(&r, 2);
  assert(r.motion.state == CAIRN_MOTION_MOVING);
}

static void a_full_buffer_counts_what_it_drops(void) {
  rig r;
  start(&r, 100);
  r.events.capacity = 1;
  rest(&r, 2);
  walk(&r, 2);
  rest(&r, 2);
  assert(r.events.count == 1 && r.motion.dropped == 2 && r.motion.state == CAIRN_MOTION_STILL);
}

static void refuses_options_out_of_bounds(void) {
  cairn_motion m;
  cairn_motion_options o = OPTIONS;
  o.shock_mps2 = 9;
  assert(!cairn_motion_init(&m, &o));
  o = OPTIONS, o.still_mps2 = NAN;
  assert(!cairn_motion_init(&m, &o));
  o = OPTIONS, o.no_motion_ms = -1;
  assert(!cairn_motion_init(&m, &o));
}

static void never_alarms_when_told_never(void) {
  rig r;
  start(&r, 52);
  cairn_motion_options o = OPTIONS;
  o.no_motion_ms = 0;
  assert(cairn_motion_init(&r.motion, &o));
  rest(&r, 60);
  assert(count(&r, CAIRN_EVENT_NO_MOTION) == 0);
}

int main(void) {
  rest_walk_rest_at_any_rate();
  attitude_and_scale_do_not_matter();
  hysteresis_holds_the_state_between_its_limits();
  a_blow_is_one_shock();
  a_single_spike_is_one_shock();
  a_shaking_machine_does_not_flood();
  a_drop_of_44_cm_is_one_fall();
  a_hop_is_no_fall();
  no_motion_alarms_once_and_ends();
  a_gap_is_no_sign_of_motion();
  a_gap_breaks_a_fall();
  hostile_samples_do_no_harm();
  a_full_buffer_counts_what_it_drops();
  refuses_options_out_of_bounds();
  never_alarms_when_told_never();
  puts("motion: ok");
  return 0;
}
