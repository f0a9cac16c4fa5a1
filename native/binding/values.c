#include "binding/values.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

bool cairn_ok(napi_env env, napi_status status) {
  if (status == napi_ok) return true;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  const napi_extended_error_info *info = NULL;
  if (!pending && napi_get_last_error_info(env, &info) == napi_ok)
    napi_throw_type_error(env, NULL, info && info->error_message ? info->error_message : "bad argument");
  return false;
}

bool cairn_take_args(napi_env env, napi_callback_info info, cairn_args *args) {
  args->count = CAIRN_ARGS_MAX;
  return cairn_ok(env, napi_get_cb_info(env, info, &args->count, args->values, &args->self, NULL));
}

bool cairn_is_nothing(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) != napi_ok || type == napi_undefined || type == napi_null;
}

bool cairn_take_array(napi_env env, napi_value value, napi_typedarray_type type, const char *name, void **data,
                      size_t *length) {
  bool typed = false;
  napi_typedarray_type found = napi_int8_array;
  napi_is_typedarray(env, value, &typed);
  if (typed && napi_get_typedarray_info(env, value, &found, length, data, NULL, NULL) == napi_ok && found == type)
    return true;
  char text[96];
  snprintf(text, sizeof text, "%s is not a typed array of the wanted kind", name);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
  return false;
}

static bool wrong(napi_env env, const char *name, const char *wanted) {
  char text[96];
  snprintf(text, sizeof text, "%s: %s is wanted", name, wanted);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
  return false;
}

bool cairn_take_number(napi_env env, napi_value object, const char *key, double *out) {
  napi_value value;
  if (!cairn_ok(env, napi_get_named_property(env, object, key, &value))) return false;
  return napi_get_value_double(env, value, out) == napi_ok || wrong(env, key, "a number");
}

bool cairn_take_bool(napi_env env, napi_value object, const char *key, bool *out) {
  napi_value value;
  if (!cairn_ok(env, napi_get_named_property(env, object, key, &value))) return false;
  return napi_get_value_bool(env, value, out) == napi_ok || wrong(env, key, "true or false");
}

bool cairn_take_text(napi_env env, napi_value value, const char *name, char *out, size_t size) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return wrong(env, name, "a text");
  if (length >= size) return wrong(env, name, "a shorter text");
  return cairn_ok(env, napi_get_value_string_utf8(env, value, out, size, &length));
}

bool cairn_take_text_of(napi_env env, napi_value object, const char *key, char *out, size_t size) {
  napi_value value;
  return cairn_ok(env, napi_get_named_property(env, object, key, &value)) &&
         cairn_take_text(env, value, key, out, size);
}

bool cairn_put(napi_env env, napi_value object, const char *key, napi_value value) {
  return cairn_ok(env, napi_set_named_property(env, object, key, value));
}

bool cairn_put_text(napi_env env, napi_value object, const char *key, const char *text) {
  napi_value value;
  return cairn_ok(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value)) &&
         cairn_put(env, object, key, value);
}

bool cairn_put_number(napi_env env, napi_value object, const char *key, double number) {
  napi_value value;
  return cairn_ok(env, napi_create_double(env, number, &value)) && cairn_put(env, object, key, value);
}

bool cairn_put_bigint(napi_env env, napi_value object, const char *key, int64_t number) {
  napi_value value;
  return cairn_ok(env, napi_create_bigint_int64(env, number, &value)) && cairn_put(env, object, key, value);
}

bool cairn_put_bool(napi_env env, napi_value object, const char *key, bool flag) {
  napi_value value;
  return cairn_ok(env, napi_get_boolean(env, flag, &value)) && cairn_put(env, object, key, value);
}

bool cairn_put_function(napi_env env, napi_value object, const char *name, napi_callback callback) {
  napi_value value;
  return cairn_ok(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &value)) &&
         cairn_put(env, object, name, value);
}

napi_value cairn_system_error(napi_env env, int rc, const char *syscall, const char *path) {
  char name[64], reason[128], text[384];
  uv_err_name_r(rc, name, sizeof name);
  uv_strerror_r(rc, reason, sizeof reason);
  snprintf(text, sizeof text, "%s: %s, %s%s%s", name, reason, syscall, path ? " " : "", path ? path : "");
  napi_value code, message, error;
  bool made = cairn_ok(env, napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code)) &&
              cairn_ok(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message)) &&
              cairn_ok(env, napi_create_error(env, code, message, &error)) &&
              cairn_put_number(env, error, "errno", rc) && cairn_put_text(env, error, "syscall", syscall) &&
              (!path || cairn_put_text(env, error, "path", path));
  return made ? error : NULL;
}

void cairn_throw_system(napi_env env, int rc, const char *syscall, const char *path) {
  napi_value error = cairn_system_error(env, rc, syscall, path);
  if (error) napi_throw(env, error);
}
