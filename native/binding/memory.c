#include <errno.h>
#include <stdio.h>

#include "binding/module.h"
#include "binding/values.h"
#include "memory/mapped.h"

enum { PATH_SIZE = 4096, SUFFIX_SIZE = 32 };

static napi_value page_out(napi_env env, napi_callback_info info) {
  cairn_args args;
  char prefix[PATH_SIZE], suffix[SUFFIX_SIZE];
  if (!cairn_take_args(env, info, &args) ||
      !cairn_take_text(env, args.values[0], "prefix", prefix, sizeof prefix) ||
      !cairn_take_text(env, args.values[1], "suffix", suffix, sizeof suffix))
    return NULL;
  FILE *maps = fopen("/proc/self/maps", "re");
  long bytes = maps ? cairn_page_out(maps, prefix, suffix) : -errno;
  if (maps) (void)fclose(maps);
  napi_value result;
  if (!cairn_ok(env, napi_create_int64(env, bytes < 0 ? 0 : bytes, &result))) return NULL;
  return result;
}

bool cairn_register_memory(napi_env env, napi_value exports) {
  return cairn_put_function(env, exports, "pageOut", page_out);
}
