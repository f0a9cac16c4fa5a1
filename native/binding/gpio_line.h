#ifndef CAIRN_BINDING_GPIO_LINE_H
#define CAIRN_BINDING_GPIO_LINE_H

#include <node_api.h>

/* gpioOpen of native/api.ts. */
napi_value cairn_gpio_open_line(napi_env env, napi_callback_info info);

/* Which call a failure of opening came from, for the error's `syscall`. */
const char *cairn_gpio_failed_call(int rc);

#endif
