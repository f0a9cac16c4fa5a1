/* What there is to open: chips and their lines, read at once on the main thread (a chip answers in microseconds). */
#include <errno.h>
#include <stdlib.h>

#include "binding/gpio_line.h"
#include "binding/module.h"
#include "binding/values.h"
#include "gpio/gpio.h"

const char *cairn_gpio_failed_call(int rc) {
  bool opening = rc == -ENOENT || rc == -EACCES || rc == -EPERM || rc == -ENXIO;
  return opening ? "open" : "ioctl";
}

static bool push(napi_env env, napi_value list, uint32_t index, napi_value object) {
  return cairn_ok(env, napi_set_element(env, list, index, object));
}

static napi_value gpio_chips(napi_env env, napi_callback_info info) {
  cairn_gpio_chip chips[CAIRN_GPIO_CHIPS_MAX];
  char failed[CAIRN_GPIO_PATH_SIZE];
  int count = cairn_gpio_list_chips(&cairn_gpio_linux, "/dev", chips, CAIRN_GPIO_CHIPS_MAX, failed);
  napi_value list, chip;
  if (count < 0) cairn_throw_system(env, count, "open", failed);
  if (count < 0 || !cairn_ok(env, napi_create_array(env, &list))) return NULL;
  for (int i = 0; i < count; i++) {
    bool made = cairn_ok(env, napi_create_object(env, &chip)) && cairn_put_text(env, chip, "path", chips[i].path) &&
                cairn_put_text(env, chip, "name", chips[i].name) &&
                cairn_put_text(env, chip, "label", chips[i].label) &&
                cairn_put_number(env, chip, "lines", chips[i].lines) && push(env, list, (uint32_t)i, chip);
    if (!made) return NULL;
  }
  return list;
}

static bool put_line(napi_env env, napi_value list, const cairn_gpio_line_info *line) {
  napi_value object;
  return cairn_ok(env, napi_create_object(env, &object)) && cairn_put_number(env, object, "offset", line->offset) &&
         cairn_put_text(env, object, "name", line->name) && cairn_put_text(env, object, "consumer", line->consumer) &&
         cairn_put_bool(env, object, "used", line->used) && push(env, list, line->offset, object);
}

static napi_value gpio_lines(napi_env env, napi_callback_info info) {
  cairn_args args;
  char path[CAIRN_GPIO_PATH_SIZE];
  napi_value list = NULL;
  if (!cairn_take_args(env, info, &args) || !cairn_take_text(env, args.values[0], "chipPath", path, sizeof path))
    return NULL;
  cairn_gpio_line_info *lines = calloc(CAIRN_GPIO_LINES_MAX, sizeof *lines);
  int count = lines ? cairn_gpio_list_lines(&cairn_gpio_linux, path, lines, CAIRN_GPIO_LINES_MAX) : -ENOMEM;
  if (count < 0) cairn_throw_system(env, count, cairn_gpio_failed_call(count), path);
  bool made = count >= 0 && cairn_ok(env, napi_create_array(env, &list));
  for (int i = 0; made && i < count; i++) made = put_line(env, list, &lines[i]);
  free(lines);
  return made ? list : NULL;
}

bool cairn_register_gpio(napi_env env, napi_value exports) {
  return cairn_put_function(env, exports, "gpioChips", gpio_chips) &&
         cairn_put_function(env, exports, "gpioLines", gpio_lines) &&
         cairn_put_function(env, exports, "gpioOpen", cairn_gpio_open_line);
}
