/*
 * GPIO lines on libuv's loop. Everything here runs on the main thread: calls from JavaScript, and the poll callback that
 * hands over edges. A line's memory outlives both its JavaScript object and its poll handle: whoever goes last frees it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "binding/gpio_line.h"
#include "binding/values.h"
#include "gpio/gpio.h"

/* Edges of one wake-up; what is left waits in the kernel for the next turn of the loop. */
enum { EDGES_MAX = 512 };

typedef struct {
  cairn_gpio_line line;
  char path[CAIRN_GPIO_PATH_SIZE];
  napi_env env;
  bool open, polling, wrapped;
  uv_poll_t poll;
  napi_ref self; /* keeps the object while it listens */
  napi_ref on_edges, on_error;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  int64_t times_ns[EDGES_MAX];
  uint8_t rising[EDGES_MAX];
} handle;

static const napi_type_tag HANDLE_TAG = {0x6a1f7c5d0e3b4921, 0x9c42d1b85f7e6a30};

static void free_when_unused(handle *h) {
  if (!h->polling && !h->wrapped) free(h);
}

static void drop_reference(napi_env env, napi_ref *reference) {
  if (*reference) napi_delete_reference(env, *reference);
  *reference = NULL;
}

static void poll_closed(uv_handle_t *poll) {
  handle *h = poll->data;
  h->polling = false;
  if (h->cleanup) napi_remove_async_cleanup_hook(h->cleanup);
  h->cleanup = NULL;
  free_when_unused(h);
}

/* Idempotent. After it no callback runs; the file is closed once libuv has let go of it. */
static void close_line(handle *h) {
  if (!h->open) return;
  h->open = false;
  if (h->polling) uv_poll_stop(&h->poll);
  cairn_gpio_close(&cairn_gpio_linux, &h->line);
  drop_reference(h->env, &h->on_edges);
  drop_reference(h->env, &h->on_error);
  drop_reference(h->env, &h->self);
  if (h->context) napi_async_destroy(h->env, h->context);
  h->context = NULL;
  if (h->polling) uv_close((uv_handle_t *)&h->poll, poll_closed);
}

static void environment_ends(napi_async_cleanup_hook_handle hook, void *data) {
  handle *h = data;
  if (h->open) close_line(h);
}

static void object_gone(napi_env env, void *data, void *hint) {
  handle *h = data;
  h->wrapped = false;
  close_line(h);
  free_when_unused(h);
}

/* Calls a listener as Node calls one: its exception becomes an uncaughtException. */
static void call(handle *h, napi_ref listener, size_t count, napi_value *arguments) {
  napi_env env = h->env;
  napi_value function, receiver, error;
  if (!listener || napi_get_reference_value(env, listener, &function) != napi_ok) return;
  if (napi_get_global(env, &receiver) != napi_ok) return;
  if (napi_make_callback(env, h->context, receiver, function, count, arguments, NULL) != napi_pending_exception) return;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

static bool copy_array(napi_env env, napi_typedarray_type type, const void *from, size_t width, size_t length,
                       napi_value *array) {
  void *memory;
  napi_value buffer;
  if (napi_create_arraybuffer(env, width * length, &memory, &buffer) != napi_ok) return false;
  memcpy(memory, from, width * length);
  return napi_create_typedarray(env, type, length, buffer, 0, array) == napi_ok;
}

static void hand_over(handle *h, size_t count, uint64_t lost) {
  napi_value arguments[3];
  if (copy_array(h->env, napi_bigint64_array, h->times_ns, sizeof *h->times_ns, count, &arguments[0]) &&
      copy_array(h->env, napi_uint8_array, h->rising, sizeof *h->rising, count, &arguments[1]) &&
      napi_create_double(h->env, (double)lost, &arguments[2]) == napi_ok)
    call(h, h->on_edges, 3, arguments);
}

/* A line that failed once is done: polling stops, the owner is told and closes it. */
static void fail(handle *h, int rc) {
  uv_poll_stop(&h->poll);
  napi_value error = cairn_system_error(h->env, rc, "read", h->path);
  if (error && h->on_error) call(h, h->on_error, 1, &error);
  else if (error) napi_fatal_exception(h->env, error);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  handle *h = poll->data;
  napi_handle_scope scope;
  uint64_t lost = 0;
  if (napi_open_handle_scope(h->env, &scope) != napi_ok) return;
  ssize_t count = cairn_gpio_read_edges(&cairn_gpio_linux, &h->line, h->times_ns, h->rising, EDGES_MAX, &lost);
  if (count > 0) hand_over(h, (size_t)count, lost);
  else if (count < 0) fail(h, (int)count);
  else if (status < 0) fail(h, -ENODEV); /* hung up, and nothing to read: the chip is gone */
  napi_close_handle_scope(h->env, scope);
}

static bool same_kind(napi_env env, napi_value self) {
  bool ours = false;
  return napi_check_object_type_tag(env, self, &HANDLE_TAG, &ours) == napi_ok && ours;
}

/* The line behind `this`; NULL with an exception pending when it is none, or closed and `must_be_open`. */
static handle *take_handle(napi_env env, napi_callback_info info, cairn_args *args, bool must_be_open) {
  handle *h = NULL;
  if (!cairn_take_args(env, info, args)) return NULL;
  if (!same_kind(env, args->self)) {
    napi_throw_type_error(env, "ERR_INVALID_THIS", "not a GPIO line");
    return NULL;
  }
  if (!cairn_ok(env, napi_unwrap(env, args->self, (void **)&h))) return NULL;
  if (h->open || !must_be_open) return h;
  cairn_throw_system(env, -EBADF, "ioctl", h->path);
  return NULL;
}

static napi_value line_read(napi_env env, napi_callback_info info) {
  cairn_args args;
  napi_value value = NULL;
  handle *h = take_handle(env, info, &args, true);
  if (!h) return NULL;
  int level = cairn_gpio_get(&cairn_gpio_linux, &h->line);
  if (level < 0) cairn_throw_system(env, level, "ioctl", h->path);
  else napi_create_int32(env, level, &value);
  return value;
}

static napi_value line_write(napi_env env, napi_callback_info info) {
  cairn_args args;
  int32_t level;
  handle *h = take_handle(env, info, &args, true);
  if (!h || !cairn_ok(env, napi_get_value_int32(env, args.values[0], &level))) return NULL;
  int rc = cairn_gpio_set(&cairn_gpio_linux, &h->line, level != 0);
  if (rc < 0) cairn_throw_system(env, rc, "ioctl", h->path);
  return NULL;
}

static napi_value line_close(napi_env env, napi_callback_info info) {
  cairn_args args;
  handle *h = take_handle(env, info, &args, false);
  if (h) close_line(h);
  return NULL;
}

static bool take_bias(napi_env env, napi_value object, cairn_gpio_bias *bias) {
  static const char *const names[] = {"asIs", "disabled", "pullUp", "pullDown"};
  char text[16];
  if (!cairn_take_text_of(env, object, "bias", text, sizeof text)) return false;
  for (int i = 0; i < 4; i++) {
    *bias = (cairn_gpio_bias)i;
    if (strcmp(text, names[i]) == 0) return true;
  }
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "bias: asIs, disabled, pullUp or pullDown is wanted");
  return false;
}

static bool take_request(napi_env env, napi_value object, cairn_gpio_request *request) {
  double offset, debounce_us;
  char direction[8];
  bool taken = cairn_take_number(env, object, "offset", &offset) &&
               cairn_take_number(env, object, "debounceUs", &debounce_us) &&
               cairn_take_bool(env, object, "activeLow", &request->active_low) &&
               cairn_take_bool(env, object, "edges", &request->edges) &&
               cairn_take_text_of(env, object, "direction", direction, sizeof direction) &&
               cairn_take_text_of(env, object, "consumer", request->consumer, sizeof request->consumer) &&
               take_bias(env, object, &request->bias);
  if (!taken) return false;
  if (!(offset >= 0 && offset < CAIRN_GPIO_LINES_MAX) || !(debounce_us >= 0 && debounce_us <= 1e6)) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "offset is 0 to 4095, debounceUs 0 to 1000000");
    return false;
  }
  request->offset = (uint32_t)offset;
  request->debounce_us = (uint32_t)debounce_us;
  request->output = strcmp(direction, "out") == 0;
  if (request->output || strcmp(direction, "in") == 0) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "direction: in or out is wanted");
  return false;
}

static bool keep_listener(napi_env env, napi_value value, napi_ref *reference) {
  return cairn_is_nothing(env, value) || cairn_ok(env, napi_create_reference(env, value, 1, reference));
}

/* False with an exception pending; the caller closes the line. */
static bool start_listening(napi_env env, handle *h, napi_value object, const cairn_args *args) {
  uv_loop_t *loop;
  napi_value name;
  bool ready = keep_listener(env, args->values[2], &h->on_edges) && keep_listener(env, args->values[3], &h->on_error) &&
               cairn_ok(env, napi_create_reference(env, object, 1, &h->self)) &&
               cairn_ok(env, napi_create_string_utf8(env, "cairn:gpio", NAPI_AUTO_LENGTH, &name)) &&
               cairn_ok(env, napi_async_init(env, object, name, &h->context)) &&
               cairn_ok(env, napi_get_uv_event_loop(env, &loop));
  if (!ready) return false;
  int rc = uv_poll_init(loop, &h->poll, h->line.fd);
  if (rc == 0) {
    h->poll.data = h;
    h->polling = true;
    rc = uv_poll_start(&h->poll, UV_READABLE, on_poll);
  }
  if (rc != 0) cairn_throw_system(env, rc, "epoll_ctl", h->path);
  return rc == 0 && cairn_ok(env, napi_add_async_cleanup_hook(env, environment_ends, h, &h->cleanup));
}

static napi_value make_object(napi_env env, handle *h) {
  napi_value object;
  bool made = cairn_ok(env, napi_create_object(env, &object)) &&
              cairn_ok(env, napi_type_tag_object(env, object, &HANDLE_TAG)) &&
              cairn_put_function(env, object, "read", line_read) &&
              cairn_put_function(env, object, "write", line_write) &&
              cairn_put_function(env, object, "close", line_close) &&
              cairn_ok(env, napi_wrap(env, object, h, object_gone, NULL, NULL));
  h->wrapped = made;
  return made ? object : NULL;
}

napi_value cairn_gpio_open_line(napi_env env, napi_callback_info info) {
  cairn_args args;
  cairn_gpio_request request = {0};
  char path[CAIRN_GPIO_PATH_SIZE];
  if (!cairn_take_args(env, info, &args) || !cairn_take_text(env, args.values[0], "chipPath", path, sizeof path) ||
      !take_request(env, args.values[1], &request))
    return NULL;
  handle *h = calloc(1, sizeof *h);
  int rc = h ? cairn_gpio_open(&cairn_gpio_linux, path, &request, &h->line) : -ENOMEM;
  if (rc != 0) {
    free(h);
    cairn_throw_system(env, rc, cairn_gpio_failed_call(rc), path);
    return NULL;
  }
  h->env = env;
  h->open = true;
  memcpy(h->path, path, sizeof path);
  napi_value object = make_object(env, h);
  if (object && (!request.edges || start_listening(env, h, object, &args))) return object;
  close_line(h);
  free_when_unused(h);
  return NULL;
}
