#include "binding/packet.h"

#include <stdlib.h>

#include "binding/module.h"
#include "packet/crc32c.h"

const char *const cairn_kind_names[CAIRN_KINDS] = {"f64", "decimal", "int", "enum", "utf8", "bytes"};

bool cairn_take_packet_args(napi_env env, napi_callback_info info, cairn_args *args, cairn_packet_state **state) {
  void *data = NULL;
  args->count = CAIRN_ARGS_MAX;
  if (!cairn_ok(env, napi_get_cb_info(env, info, &args->count, args->values, &args->self, &data))) return false;
  *state = data;
  return true;
}

static napi_value crc32c(napi_env env, napi_callback_info info) {
  cairn_args args;
  void *bytes;
  size_t length;
  uint32_t seed = 0;
  if (!cairn_take_args(env, info, &args) ||
      !cairn_take_array(env, args.values[0], napi_uint8_array, "bytes", &bytes, &length)) {
    return NULL;
  }
  if (!cairn_is_nothing(env, args.values[1]) && !cairn_ok(env, napi_get_value_uint32(env, args.values[1], &seed))) {
    return NULL;
  }
  napi_value crc;
  return cairn_ok(env, napi_create_uint32(env, cairn_crc32c(seed, bytes, length), &crc)) ? crc : NULL;
}

static void free_state(void *state) { free(state); }

static bool put(napi_env env, napi_value exports, const char *name, napi_callback callback, void *state) {
  napi_value function;
  return cairn_ok(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, state, &function)) &&
         cairn_put(env, exports, name, function);
}

bool cairn_register_packet(napi_env env, napi_value exports) {
  cairn_packet_state *state = malloc(sizeof *state);
  if (state == NULL) {
    napi_throw_error(env, "ENOMEM", "no memory for the packet codec's scratch");
    return false;
  }
  if (!cairn_ok(env, napi_add_env_cleanup_hook(env, free_state, state))) {
    free(state);
    return false;
  }
  return put(env, exports, "encodeBlock", cairn_encode_block, state) &&
         put(env, exports, "checkBlock", cairn_check_block, state) &&
         put(env, exports, "decodeBlock", cairn_decode_block, state) && put(env, exports, "crc32c", crc32c, NULL);
}
