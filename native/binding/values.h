#ifndef CAIRN_BINDING_VALUES_H
#define CAIRN_BINDING_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <node_api.h>

/*
 * JavaScript values in and out, for clock, gpio and fusion. Each returns false (or NULL) with an exception pending.
 * Main thread only.
 */

enum { CAIRN_ARGS_MAX = 5 };

typedef struct {
  napi_value self;
  napi_value values[CAIRN_ARGS_MAX];
  size_t count;
} cairn_args;

bool cairn_take_args(napi_env env, napi_callback_info info, cairn_args *args);

/* A typed array's memory: valid until the call returns. `undefined` is refused. */
bool cairn_take_array(napi_env env, napi_value value, napi_typedarray_type type, const char *name, void **data,
                      size_t *length);

bool cairn_is_nothing(napi_env env, napi_value value);
bool cairn_take_number(napi_env env, napi_value object, const char *key, double *out);
bool cairn_take_bool(napi_env env, napi_value object, const char *key, bool *out);
bool cairn_take_text(napi_env env, napi_value value, const char *name, char *out, size_t size);
bool cairn_take_text_of(napi_env env, napi_value object, const char *key, char *out, size_t size);

bool cairn_put(napi_env env, napi_value object, const char *key, napi_value value);
bool cairn_put_text(napi_env env, napi_value object, const char *key, const char *text);
bool cairn_put_number(napi_env env, napi_value object, const char *key, double number);
bool cairn_put_bigint(napi_env env, napi_value object, const char *key, int64_t number);
bool cairn_put_bool(napi_env env, napi_value object, const char *key, bool value);
bool cairn_put_function(napi_env env, napi_value object, const char *name, napi_callback callback);

/* An Error with code (`EBUSY`), errno, syscall and, where given, path. rc is a negative errno. */
napi_value cairn_system_error(napi_env env, int rc, const char *syscall, const char *path);
void cairn_throw_system(napi_env env, int rc, const char *syscall, const char *path);

/* False and a TypeError where a call to Node failed without an exception of its own. */
bool cairn_ok(napi_env env, napi_status status);

#endif
