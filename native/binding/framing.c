#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "binding/module.h"
#include "binding/values.h"
#include "framing/cobs.h"
#include "framing/framer.h"

/* The most that cobsEncode and cobsDecode take: two blocks' worth. */
#define COBS_MAX_BYTES ((size_t)2 << 20)

static const napi_type_tag FRAMER_TAG = {0x6361697266726d72, 0x1d0b6a3c5e8f4792};

static napi_value copy_out(napi_env env, const uint8_t *bytes, size_t length) {
  void *data;
  napi_value buffer, array;
  if (!cairn_ok(env, napi_create_arraybuffer(env, length, &data, &buffer))) return NULL;
  if (length > 0) memcpy(data, bytes, length);
  return cairn_ok(env, napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array)) ? array : NULL;
}

static bool take_bytes(napi_env env, napi_value value, const uint8_t **bytes, size_t *length) {
  void *data;
  if (!cairn_take_array(env, value, napi_uint8_array, "bytes", &data, length)) return false;
  *bytes = *length > 0 ? data : (const uint8_t *)"";
  return true;
}

/* Input of a COBS function and memory of `bound` of its length for its output; NULL with an exception pending. */
static uint8_t *take_cobs(napi_env env, napi_callback_info info, const uint8_t **bytes, size_t *length) {
  cairn_args args;
  if (!cairn_take_args(env, info, &args) || !take_bytes(env, args.values[0], bytes, length)) return NULL;
  if (*length > COBS_MAX_BYTES) {
    napi_throw_range_error(env, "tooLarge", "at most 2 MiB are wanted");
    return NULL;
  }
  uint8_t *out = malloc(cairn_cobs_bound(*length));
  if (out == NULL) napi_throw_error(env, "ENOMEM", "no memory for a COBS frame");
  return out;
}

static napi_value cobs_encode(napi_env env, napi_callback_info info) {
  const uint8_t *bytes;
  size_t length;
  uint8_t *out = take_cobs(env, info, &bytes, &length);
  if (out == NULL) return NULL;
  napi_value encoded = copy_out(env, out, cairn_cobs_encode(bytes, length, out));
  free(out);
  return encoded;
}

static napi_value cobs_decode(napi_env env, napi_callback_info info) {
  const uint8_t *bytes;
  size_t length, written;
  napi_value decoded = NULL;
  uint8_t *out = take_cobs(env, info, &bytes, &length);
  if (out == NULL) return NULL;
  if (cairn_cobs_decode(bytes, length, out, &written)) decoded = copy_out(env, out, written);
  else napi_throw_error(env, "badCobs", "not a COBS frame: empty, cut, or with a zero byte inside");
  free(out);
  return decoded;
}

static void free_framer(napi_env env, void *data, void *hint) {
  cairn_framer *framer = data;
  free(framer->buffer);
  free(framer);
}

/* `this` of a method, or NULL with an exception pending. */
static cairn_framer *framer_of(napi_env env, napi_callback_info info, cairn_args *args) {
  void *data = NULL;
  bool is_framer = false;
  if (!cairn_take_args(env, info, args)) return NULL;
  if (napi_check_object_type_tag(env, args->self, &FRAMER_TAG, &is_framer) != napi_ok || !is_framer ||
      napi_unwrap(env, args->self, &data) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_THIS", "called on something that is no framer");
    return NULL;
  }
  return data;
}

static napi_value push(napi_env env, napi_callback_info info) {
  cairn_args args;
  const uint8_t *bytes;
  size_t length;
  napi_value frames;
  cairn_framer *framer = framer_of(env, info, &args);
  if (framer == NULL || !take_bytes(env, args.values[0], &bytes, &length) ||
      !cairn_ok(env, napi_create_array(env, &frames))) {
    return NULL;
  }
  const uint8_t *end = bytes + length;
  for (uint32_t count = 0; cairn_framer_next(framer, &bytes, end, &length); count++) {
    napi_value frame = copy_out(env, framer->buffer, length);
    if (frame == NULL || !cairn_ok(env, napi_set_element(env, frames, count, frame))) return NULL;
  }
  return frames;
}

static napi_value reset(napi_env env, napi_callback_info info) {
  cairn_args args;
  cairn_framer *framer = framer_of(env, info, &args);
  if (framer != NULL) cairn_framer_reset(framer);
  return NULL;
}

static napi_value counters(napi_env env, napi_callback_info info) {
  cairn_args args;
  napi_value object;
  cairn_framer *framer = framer_of(env, info, &args);
  if (framer == NULL) return NULL;
  const cairn_framer_counters *now = &framer->counters;
  bool made = cairn_ok(env, napi_create_object(env, &object)) &&
              cairn_put_number(env, object, "bytes", (double)now->bytes) &&
              cairn_put_number(env, object, "frames", (double)now->frames) &&
              cairn_put_number(env, object, "badChecksum", (double)now->bad_checksum) &&
              cairn_put_number(env, object, "tooLong", (double)now->too_long) &&
              cairn_put_number(env, object, "strayBytes", (double)now->stray_bytes);
  return made ? object : NULL;
}

static bool take_kind(napi_env env, napi_value value, cairn_frame_kind *kind) {
  static const char *const KINDS[] = {"line", "nmea", "cobs"};
  char text[8];
  if (!cairn_take_text(env, value, "kind", text, sizeof text)) return false;
  for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
    if (strcmp(text, KINDS[i]) != 0) continue;
    *kind = (cairn_frame_kind)i;
    return true;
  }
  napi_throw_range_error(env, "badKind", "kind: 'line', 'nmea' or 'cobs' is wanted");
  return false;
}

static bool take_max_bytes(napi_env env, napi_value value, size_t *max_bytes) {
  double number;
  if (!cairn_ok(env, napi_get_value_double(env, value, &number))) return false;
  if (!(number >= 1 && number <= CAIRN_FRAME_MAX_BYTES) || number != trunc(number)) {
    napi_throw_range_error(env, "badLength", "maxBytes: 1 to 1,048,576 is wanted");
    return false;
  }
  *max_bytes = (size_t)number;
  return true;
}

static cairn_framer *make_framer(napi_env env, cairn_frame_kind kind, size_t max_bytes) {
  cairn_framer *framer = malloc(sizeof *framer);
  uint8_t *buffer = malloc(max_bytes + 1);
  if (framer == NULL || buffer == NULL) {
    free(framer);
    free(buffer);
    napi_throw_error(env, "ENOMEM", "no memory for a framer");
    return NULL;
  }
  cairn_framer_init(framer, kind, buffer, max_bytes);
  return framer;
}

static napi_value create_framer(napi_env env, napi_callback_info info) {
  static const napi_property_descriptor MEMBERS[] = {
      {.utf8name = "push", .method = push, .attributes = napi_enumerable},
      {.utf8name = "reset", .method = reset, .attributes = napi_enumerable},
      {.utf8name = "counters", .getter = counters, .attributes = napi_enumerable},
  };
  cairn_args args;
  cairn_frame_kind kind;
  size_t max_bytes;
  napi_value object;
  if (!cairn_take_args(env, info, &args) || !take_kind(env, args.values[0], &kind) ||
      !take_max_bytes(env, args.values[1], &max_bytes) || !cairn_ok(env, napi_create_object(env, &object))) {
    return NULL;
  }
  cairn_framer *framer = make_framer(env, kind, max_bytes);
  if (framer == NULL) return NULL;
  if (!cairn_ok(env, napi_wrap(env, object, framer, free_framer, NULL, NULL))) {
    free_framer(env, framer, NULL);
    return NULL;
  }
  bool made = cairn_ok(env, napi_type_tag_object(env, object, &FRAMER_TAG)) &&
              cairn_ok(env, napi_define_properties(env, object, sizeof MEMBERS / sizeof MEMBERS[0], MEMBERS));
  return made ? object : NULL;
}

bool cairn_register_framing(napi_env env, napi_value exports) {
  return cairn_put_function(env, exports, "cobsEncode", cobs_encode) &&
         cairn_put_function(env, exports, "cobsDecode", cobs_decode) &&
         cairn_put_function(env, exports, "createFramer", create_framer);
}
