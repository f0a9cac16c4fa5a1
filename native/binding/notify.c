#include "binding/module.h"
#include "binding/values.h"
#include "notify/notify.h"

/* systemd reads 4096 bytes of a datagram; ours are a few lines. */
enum { ADDRESS_SIZE = 256, STATE_SIZE = 1024 };

static napi_value notify(napi_env env, napi_callback_info info) {
  cairn_args args;
  char address[ADDRESS_SIZE], state[STATE_SIZE];
  if (!cairn_take_args(env, info, &args) ||
      !cairn_take_text(env, args.values[0], "address", address, sizeof address) ||
      !cairn_take_text(env, args.values[1], "state", state, sizeof state))
    return NULL;
  int rc = cairn_notify(&cairn_notify_linux, address, state);
  if (rc != 0) cairn_throw_system(env, rc, "sendto", address);
  return NULL;
}

bool cairn_register_notify(napi_env env, napi_value exports) {
  return cairn_put_function(env, exports, "notify", notify);
}
