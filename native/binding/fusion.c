/* Fusion on shared typed arrays: one call a batch, nothing made per sample. Everything runs on the main thread. */
#include <stdlib.h>

#include "binding/module.h"
#include "binding/values.h"
#include "fusion/motion.h"
#include "fusion/orientation.h"

static void free_state(napi_env env, void *state, void *hint) { free(state); }

static bool out_of_range(napi_env env, const char *text) {
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", text);
  return false;
}

static const napi_type_tag ORIENTATION = {0x1f0c6a7be5d94c30, 0x8d3b52e0a7419fc6};
static const napi_type_tag MOTION = {0x52b7e91d03c84fa6, 0xa6e80f4c7d1b3925};

/* The C state behind `this`, which has to be of that kind. */
static bool take_state(napi_env env, napi_callback_info info, const napi_type_tag *kind, cairn_args *args,
                       void **state) {
  bool ours = false;
  if (!cairn_take_args(env, info, args)) return false;
  if (napi_check_object_type_tag(env, args->self, kind, &ours) == napi_ok && ours)
    return cairn_ok(env, napi_unwrap(env, args->self, state));
  napi_throw_type_error(env, "ERR_INVALID_THIS", "called on another object than its own");
  return false;
}

/* An object that owns `state`: freed with it, or here when it can't be made. */
static napi_value wrap_state(napi_env env, const napi_type_tag *kind, void *state) {
  napi_value object;
  if (cairn_ok(env, napi_create_object(env, &object)) && cairn_ok(env, napi_type_tag_object(env, object, kind)) &&
      cairn_ok(env, napi_wrap(env, object, state, free_state, NULL, NULL)))
    return object;
  free(state);
  return NULL;
}

static bool take_doubles(napi_env env, napi_value value, const char *name, size_t wanted, double **data) {
  size_t length;
  if (!cairn_take_array(env, value, napi_float64_array, name, (void **)data, &length)) return false;
  return length >= wanted || out_of_range(env, "an array is too short for the samples");
}

static napi_value orientation_update(napi_env env, napi_callback_info info) {
  cairn_args args;
  void *state;
  int64_t *times;
  double *gyro, *accel, *mag = NULL, *out;
  size_t n;
  bool taken = take_state(env, info, &ORIENTATION, &args, &state) &&
               cairn_take_array(env, args.values[0], napi_bigint64_array, "timesNs", (void **)&times, &n) &&
               take_doubles(env, args.values[1], "gyro", 3 * n, &gyro) &&
               take_doubles(env, args.values[2], "accel", 3 * n, &accel) &&
               (cairn_is_nothing(env, args.values[3]) || take_doubles(env, args.values[3], "mag", 3 * n, &mag)) &&
               take_doubles(env, args.values[4], "out", 4 * n, &out);
  if (taken) cairn_orientation_update(state, times, gyro, accel, mag, out, n);
  return NULL;
}

static napi_value orientation_reset(napi_env env, napi_callback_info info) {
  cairn_args args;
  void *state;
  if (take_state(env, info, &ORIENTATION, &args, &state)) cairn_orientation_reset(state);
  return NULL;
}

static napi_value create_orientation(napi_env env, napi_callback_info info) {
  cairn_args args;
  double axes, rate;
  if (!cairn_take_args(env, info, &args) || !cairn_take_number(env, args.values[0], "axes", &axes) ||
      !cairn_take_number(env, args.values[0], "sampleRateHz", &rate))
    return NULL;
  cairn_orientation *state = malloc(sizeof *state);
  int whole = axes == 6 ? 6 : axes == 9 ? 9 : 0;
  if (!state || !cairn_orientation_init(state, whole, rate)) {
    free(state);
    out_of_range(env, "axes is 6 or 9, sampleRateHz 1 to 10000");
    return NULL;
  }
  napi_value object = wrap_state(env, &ORIENTATION, state);
  bool made = object && cairn_put_function(env, object, "update", orientation_update) &&
              cairn_put_function(env, object, "reset", orientation_reset);
  return made ? object : NULL;
}

static bool take_events(napi_env env, const cairn_args *args, cairn_motion_events *events) {
  size_t codes, peaks;
  if (!cairn_take_array(env, args->values[2], napi_bigint64_array, "eventTimesNs", (void **)&events->times_ns,
                        &events->capacity) ||
      !cairn_take_array(env, args->values[3], napi_uint8_array, "eventCodes", (void **)&events->codes, &codes) ||
      !cairn_take_array(env, args->values[4], napi_float64_array, "eventPeaks", (void **)&events->peaks, &peaks))
    return false;
  events->count = 0;
  bool whole = codes >= events->capacity && peaks >= events->capacity;
  return whole || out_of_range(env, "eventCodes and eventPeaks are shorter than eventTimesNs");
}

static napi_value motion_update(napi_env env, napi_callback_info info) {
  cairn_args args;
  void *state;
  int64_t *times;
  double *accel;
  size_t n;
  cairn_motion_events events;
  napi_value count = NULL;
  bool taken = take_state(env, info, &MOTION, &args, &state) &&
               cairn_take_array(env, args.values[0], napi_bigint64_array, "timesNs", (void **)&times, &n) &&
               take_doubles(env, args.values[1], "accel", 3 * n, &accel) && take_events(env, &args, &events);
  if (!taken) return NULL;
  cairn_motion_update(state, times, accel, n, &events);
  return cairn_ok(env, napi_create_uint32(env, (uint32_t)events.count, &count)) ? count : NULL;
}

static napi_value motion_reset(napi_env env, napi_callback_info info) {
  cairn_args args;
  void *state;
  if (take_state(env, info, &MOTION, &args, &state)) cairn_motion_reset(state);
  return NULL;
}

static napi_value motion_state(napi_env env, napi_callback_info info) {
  cairn_args args;
  void *state;
  napi_value value = NULL;
  if (take_state(env, info, &MOTION, &args, &state)) napi_create_uint32(env, ((cairn_motion *)state)->state, &value);
  return value;
}

static napi_value motion_dropped(napi_env env, napi_callback_info info) {
  cairn_args args;
  void *state;
  napi_value value = NULL;
  if (take_state(env, info, &MOTION, &args, &state)) napi_create_uint32(env, ((cairn_motion *)state)->dropped, &value);
  return value;
}

static bool take_motion_options(napi_env env, napi_value object, cairn_motion_options *options) {
  return cairn_take_number(env, object, "stillMps2", &options->still_mps2) &&
         cairn_take_number(env, object, "shockMps2", &options->shock_mps2) &&
         cairn_take_number(env, object, "freeFallMps2", &options->free_fall_mps2) &&
         cairn_take_number(env, object, "freeFallMs", &options->free_fall_ms) &&
         cairn_take_number(env, object, "noMotionMs", &options->no_motion_ms);
}

static napi_value create_motion(napi_env env, napi_callback_info info) {
  static const napi_property_descriptor properties[] = {
      {"update", NULL, motion_update, NULL, NULL, NULL, napi_default, NULL},
      {"reset", NULL, motion_reset, NULL, NULL, NULL, napi_default, NULL},
      {"state", NULL, NULL, motion_state, NULL, NULL, napi_enumerable, NULL},
      {"droppedEvents", NULL, NULL, motion_dropped, NULL, NULL, napi_enumerable, NULL},
  };
  cairn_args args;
  cairn_motion_options options;
  if (!cairn_take_args(env, info, &args) || !take_motion_options(env, args.values[0], &options)) return NULL;
  cairn_motion *state = malloc(sizeof *state);
  if (!state || !cairn_motion_init(state, &options)) {
    free(state);
    out_of_range(env, "motion: an option is out of the bounds that fusion/motion.h states");
    return NULL;
  }
  napi_value object = wrap_state(env, &MOTION, state);
  bool made = object && cairn_ok(env, napi_define_properties(env, object, 4, properties));
  return made ? object : NULL;
}

bool cairn_register_fusion(napi_env env, napi_value exports) {
  return cairn_put_function(env, exports, "createOrientation", create_orientation) &&
         cairn_put_function(env, exports, "createMotion", create_motion);
}
