#include "binding/module.h"

bool cairn_register_packet(napi_env env, napi_value exports) { return env && exports; }
