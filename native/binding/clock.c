#include "binding/module.h"
#include "binding/values.h"
#include "clock/clock.h"

static napi_value boot_time_ns(napi_env env, napi_callback_info info) {
  int64_t ns;
  int rc = cairn_clock_boot_ns(&cairn_clock_linux, &ns);
  napi_value value = NULL;
  if (rc != 0) cairn_throw_system(env, rc, "clock_gettime", NULL);
  else if (!cairn_ok(env, napi_create_bigint_int64(env, ns, &value))) return NULL;
  return value;
}

static napi_value clock_pair(napi_env env, napi_callback_info info) {
  cairn_clock_pair pair;
  int rc = cairn_clock_read_pair(&cairn_clock_linux, CAIRN_CLOCK_WALL, &pair);
  if (rc != 0) {
    cairn_throw_system(env, rc, "clock_gettime", NULL);
    return NULL;
  }
  napi_value value;
  bool made = cairn_ok(env, napi_create_object(env, &value)) && cairn_put_bigint(env, value, "bootNs", pair.boot_ns) &&
              cairn_put_bigint(env, value, "wallNs", pair.other_ns) &&
              cairn_put_bigint(env, value, "uncertaintyNs", pair.uncertainty_ns);
  return made ? value : NULL;
}

static napi_value clock_sync(napi_env env, napi_callback_info info) {
  cairn_clock_sync sync;
  int rc = cairn_clock_read_sync(&cairn_clock_linux, &sync);
  if (rc != 0) {
    cairn_throw_system(env, rc, "adjtimex", NULL);
    return NULL;
  }
  napi_value value;
  bool made = cairn_ok(env, napi_create_object(env, &value)) &&
              cairn_put_bool(env, value, "synchronised", sync.synchronised) &&
              cairn_put_bigint(env, value, "maxErrorNs", sync.max_error_ns) &&
              cairn_put_bigint(env, value, "estimatedErrorNs", sync.est_error_ns);
  return made ? value : NULL;
}

bool cairn_register_clock(napi_env env, napi_value exports) {
  return cairn_put_function(env, exports, "bootTimeNs", boot_time_ns) &&
         cairn_put_function(env, exports, "clockPair", clock_pair) &&
         cairn_put_function(env, exports, "clockSync", clock_sync);
}
