#include <stdbool.h>

#include "binding/module.h"

/* The only entry of the .node file: nothing here but the list of what it holds. */
NAPI_MODULE_INIT() {
  bool ok = cairn_register_packet(env, exports) && cairn_register_framing(env, exports) &&
            cairn_register_clock(env, exports) && cairn_register_gpio(env, exports) &&
            cairn_register_fusion(env, exports) && cairn_register_notify(env, exports) &&
            cairn_register_memory(env, exports);
  return ok ? exports : NULL;
}
