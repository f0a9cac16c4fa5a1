#ifndef CAIRN_BINDING_MODULE_H
#define CAIRN_BINDING_MODULE_H

#include <stdbool.h>

#include <node_api.h>

/* Each file in binding/ adds its functions to the module's exports; false when an exception is pending. */
bool cairn_register_packet(napi_env env, napi_value exports);
bool cairn_register_framing(napi_env env, napi_value exports);
bool cairn_register_clock(napi_env env, napi_value exports);
bool cairn_register_gpio(napi_env env, napi_value exports);
bool cairn_register_fusion(napi_env env, napi_value exports);
bool cairn_register_notify(napi_env env, napi_value exports);
bool cairn_register_memory(napi_env env, napi_value exports);

#endif
