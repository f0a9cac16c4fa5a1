#ifndef CAIRN_MOTION_H
#define CAIRN_MOTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether a body moves, is struck or falls, from its acceleration (gravity included) and the samples' own times.
 * Nothing is allocated; the same samples give the same events, however they are cut into batches.
 *
 * Deviation: the root mean square distance of the acceleration vector from its mean over the last second, kept in
 * ten slots of 100 ms. It is looked at when a slot closes, so the answer depends on time, not on the sampling rate; it
 * needs ten whole slots and four samples in them (5 Hz). The body's attitude and a scale error of the sensor don't matter.
 *
 * still      the deviation has fallen below stillMps2
 * moving     it has risen above 1.5 stillMps2 (hysteresis), or a shock came
 * noMotion   still, and no sign of motion for noMotionMs, counted from the start of the first still second; once
 * motionAgain  moving after a noMotion
 * shock      |a| rose above shockMps2. The event comes 50 ms later and carries the peak of these 50 ms. The next shock
 *            is one that comes after |a| kept below the threshold for 500 ms
 * freeFall   |a| kept below freeFallMps2 for freeFallMs; once a fall
 *
 * An event bears the time of the sample with which it came out. Samples with a value that isn't finite, or a time
 * that is negative or beyond 2^62 ns, are left out.
 * After a gap of over 1 s, or a time before the last one, the second starts anew; the state stays, and so does the
 * noMotion timer: a gap is no sign of motion.
 */

typedef enum { CAIRN_MOTION_UNKNOWN, CAIRN_MOTION_STILL, CAIRN_MOTION_MOVING } cairn_motion_state;

/* In the order of MOTION_EVENTS in native/types.ts. */
typedef enum {
  CAIRN_EVENT_STILL,
  CAIRN_EVENT_MOVING,
  CAIRN_EVENT_SHOCK,
  CAIRN_EVENT_FREE_FALL,
  CAIRN_EVENT_NO_MOTION,
  CAIRN_EVENT_MOTION_AGAIN,
} cairn_motion_event;

typedef struct {
  double still_mps2;     /* 0.001 to 100 */
  double shock_mps2;     /* 11 to 10,000 */
  double free_fall_mps2; /* 0.01 to 9 */
  double free_fall_ms;   /* 10 to 10,000 */
  double no_motion_ms;   /* 0 (never) to 7 days */
} cairn_motion_options;

enum { CAIRN_MOTION_SLOTS = 10 };

typedef struct {
  double sum[3];
  double sum_squares;
  uint32_t count;
} cairn_motion_slot;

typedef struct {
  cairn_motion_options options;
  double still_limit, moving_limit, shock_limit, fall_limit; /* squared */
  int64_t fall_ns, no_motion_ns;

  cairn_motion_state state;
  bool started;
  int64_t last_ns;
  double first[3]; /* subtracted from every sample of this second: variances stay exact */

  cairn_motion_slot slots[CAIRN_MOTION_SLOTS];
  uint32_t slot, closed_slots;
  int64_t slot_end_ns;

  int64_t still_since_ns;
  bool alarmed;

  bool shock_armed, shock_open;
  int64_t shock_start_ns, shock_last_ns;
  double shock_peak;

  bool falling, fall_told;
  int64_t fall_start_ns;
  double fall_least;

  uint32_t dropped;
} cairn_motion;

/* Where events go. A full buffer counts further events as dropped; the state follows them all the same. */
typedef struct {
  int64_t *times_ns;
  uint8_t *codes;
  double *peaks; /* |a|: the peak of a shock, the least of a fall, otherwise of the sample */
  size_t capacity;
  size_t count;
} cairn_motion_events;

/* False where an option is out of its bounds; *motion is then untouched. */
bool cairn_motion_init(cairn_motion *motion, const cairn_motion_options *options);

/* Forgets all but the options. */
void cairn_motion_reset(cairn_motion *motion);

/* n samples, n x 3 values in m/s2. Appends to *events. */
void cairn_motion_update(cairn_motion *motion, const int64_t *times_ns, const double *accel, size_t n,
                         cairn_motion_events *events);

#endif
