#include "fusion/motion.h"

#include <math.h>
#include <string.h>

#include "fusion/sample_time.h"

static const int64_t MS = 1000000;
static const int64_t SLOT_NS = 100 * MS;
static const int64_t WINDOW_NS = CAIRN_MOTION_SLOTS * SLOT_NS;
static const int64_t GAP_NS = 1000 * MS;
static const int64_t SHOCK_CAPTURE_NS = 50 * MS;
static const int64_t SHOCK_QUIET_NS = 500 * MS;
static const double MOVING_OVER_STILL = 1.5;
enum { SAMPLES_MIN = 4 };

static bool within(double value, double min, double max) { return value >= min && value <= max; }

bool cairn_motion_init(cairn_motion *motion, const cairn_motion_options *options) {
  bool valid = within(options->still_mps2, 0.001, 100) && within(options->shock_mps2, 11, 10000) &&
               within(options->free_fall_mps2, 0.01, 9) && within(options->free_fall_ms, 10, 10000) &&
               within(options->no_motion_ms, 0, 7 * 86400e3);
  if (!valid) return false;
  motion->options = *options;
  cairn_motion_reset(motion);
  return true;
}

void cairn_motion_reset(cairn_motion *motion) {
  cairn_motion_options options = motion->options;
  double moving = options.still_mps2 * MOVING_OVER_STILL;
  *motion = (cairn_motion){
      .options = options,
      .still_limit = options.still_mps2 * options.still_mps2,
      .moving_limit = moving * moving,
      .shock_limit = options.shock_mps2 * options.shock_mps2,
      .fall_limit = options.free_fall_mps2 * options.free_fall_mps2,
      .fall_ns = (int64_t)(options.free_fall_ms * 1e6),
      .no_motion_ns = (int64_t)(options.no_motion_ms * 1e6),
      .shock_armed = true,
  };
}

static void tell(cairn_motion_events *events, cairn_motion *motion, cairn_motion_event code, int64_t now, double peak) {
  if (events->count == events->capacity) {
    motion->dropped++;
    return;
  }
  events->times_ns[events->count] = now;
  events->codes[events->count] = (uint8_t)code;
  events->peaks[events->count] = peak;
  events->count++;
}

static void restart_window(cairn_motion *motion, int64_t now, const double a[3]) {
  memset(motion->slots, 0, sizeof motion->slots);
  memcpy(motion->first, a, sizeof motion->first);
  motion->slot = 0;
  motion->closed_slots = 0;
  motion->slot_end_ns = now + SLOT_NS;
  motion->falling = false;
  if (motion->still_since_ns > now) motion->still_since_ns = now;
}

static void become_moving(cairn_motion *motion, int64_t now, double magnitude, cairn_motion_events *events) {
  if (motion->state != CAIRN_MOTION_MOVING) tell(events, motion, CAIRN_EVENT_MOVING, now, magnitude);
  motion->state = CAIRN_MOTION_MOVING;
  if (motion->alarmed) tell(events, motion, CAIRN_EVENT_MOTION_AGAIN, now, magnitude);
  motion->alarmed = false;
}

static void become_still(cairn_motion *motion, int64_t now, double magnitude, cairn_motion_events *events) {
  motion->state = CAIRN_MOTION_STILL;
  motion->still_since_ns = now - WINDOW_NS;
  tell(events, motion, CAIRN_EVENT_STILL, now, magnitude);
}

/* The squared deviation over the window; negative while there is too little to say. */
static double deviation(const cairn_motion *motion) {
  double sum[3] = {0, 0, 0}, squares = 0;
  uint32_t count = 0;
  if (motion->closed_slots < CAIRN_MOTION_SLOTS) return -1;
  for (int i = 0; i < CAIRN_MOTION_SLOTS; i++) {
    const cairn_motion_slot *slot = &motion->slots[i];
    for (int axis = 0; axis < 3; axis++) sum[axis] += slot->sum[axis];
    squares += slot->sum_squares;
    count += slot->count;
  }
  if (count < SAMPLES_MIN) return -1;
  double mean_square = (sum[0] * sum[0] + sum[1] * sum[1] + sum[2] * sum[2]) / count;
  double variance = (squares - mean_square) / count;
  return variance > 0 ? variance : 0;
}

static void judge(cairn_motion *motion, int64_t now, double magnitude, cairn_motion_events *events) {
  double value = deviation(motion);
  if (value < 0) return;
  if (value > motion->moving_limit) become_moving(motion, now, magnitude, events);
  else if (value < motion->still_limit && motion->state != CAIRN_MOTION_STILL)
    become_still(motion, now, magnitude, events);
  bool due = motion->no_motion_ns > 0 && now - motion->still_since_ns >= motion->no_motion_ns;
  if (motion->state == CAIRN_MOTION_STILL && due && !motion->alarmed) {
    motion->alarmed = true;
    tell(events, motion, CAIRN_EVENT_NO_MOTION, now, magnitude);
  }
}

/* At most ten slots close at once: a longer pause starts the window anew. */
static void close_slots(cairn_motion *motion, int64_t now, double squared, cairn_motion_events *events) {
  while (now >= motion->slot_end_ns) {
    if (motion->closed_slots < CAIRN_MOTION_SLOTS) motion->closed_slots++;
    if (now < motion->slot_end_ns + SLOT_NS) judge(motion, now, sqrt(squared), events);
    motion->slot = (motion->slot + 1) % CAIRN_MOTION_SLOTS;
    motion->slots[motion->slot] = (cairn_motion_slot){0};
    motion->slot_end_ns += SLOT_NS;
  }
}

static void follow_shock(cairn_motion *motion, int64_t now, double squared, cairn_motion_events *events) {
  bool above = squared > motion->shock_limit;
  if (motion->shock_open && now - motion->shock_start_ns >= SHOCK_CAPTURE_NS) {
    motion->shock_open = false;
    tell(events, motion, CAIRN_EVENT_SHOCK, now, sqrt(motion->shock_peak));
    become_moving(motion, now, sqrt(squared), events);
  }
  if (!motion->shock_armed && !above && now - motion->shock_last_ns >= SHOCK_QUIET_NS) motion->shock_armed = true;
  if (above && motion->shock_armed) {
    motion->shock_armed = false;
    motion->shock_open = true;
    motion->shock_start_ns = now;
    motion->shock_peak = squared;
  }
  if (above) motion->shock_last_ns = now;
  if (motion->shock_open && squared > motion->shock_peak) motion->shock_peak = squared;
}

static void follow_fall(cairn_motion *motion, int64_t now, double squared, cairn_motion_events *events) {
  if (squared >= motion->fall_limit) {
    motion->falling = false;
    return;
  }
  if (!motion->falling) {
    motion->falling = true;
    motion->fall_told = false;
    motion->fall_start_ns = now;
    motion->fall_least = squared;
  }
  if (squared < motion->fall_least) motion->fall_least = squared;
  if (motion->fall_told || now - motion->fall_start_ns < motion->fall_ns) return;
  motion->fall_told = true;
  tell(events, motion, CAIRN_EVENT_FREE_FALL, now, sqrt(motion->fall_least));
}

static void take(cairn_motion *motion, int64_t now, const double a[3], cairn_motion_events *events) {
  double squared = a[0] * a[0] + a[1] * a[1] + a[2] * a[2];
  if (!isfinite(squared) || !cairn_time_sane(now)) return;
  if (!motion->started) motion->still_since_ns = now;
  bool broken = !motion->started || now < motion->last_ns || now - motion->last_ns > GAP_NS;
  if (motion->started && now < motion->last_ns) motion->shock_start_ns = motion->shock_last_ns = now;
  if (broken) restart_window(motion, now, a);
  motion->started = true;
  motion->last_ns = now;
  close_slots(motion, now, squared, events);
  cairn_motion_slot *slot = &motion->slots[motion->slot];
  for (int axis = 0; axis < 3; axis++) {
    double d = a[axis] - motion->first[axis];
    slot->sum[axis] += d;
    slot->sum_squares += d * d;
  }
  slot->count++;
  follow_shock(motion, now, squared, events);
  follow_fall(motion, now, squared, events);
}

void cairn_motion_update(cairn_motion *motion, const int64_t *times_ns, const double *accel, size_t n,
                         cairn_motion_events *events) {
  for (size_t i = 0; i < n; i++) take(motion, times_ns[i], &accel[3 * i], events);
}
