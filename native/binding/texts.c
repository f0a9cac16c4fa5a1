#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding/packet.h"

/* All texts of one call, repeats included: the block itself keeps each distinct one once. */
#define BYTES_MAX ((size_t)16 << 20)
#define START_BYTES ((size_t)8192)

/* Where copies go: grows by doubling up to BYTES_MAX. Texts are kept by offset until it stands still. */
typedef struct {
  napi_env env;
  cairn_text_copies *copies;
  size_t *offsets;
  size_t length;
  size_t capacity;
} copier;

static bool refuse(napi_env env, size_t row, size_t column, const char *what) {
  char text[128];
  snprintf(text, sizeof text, "column %zu, row %zu: %s", column, row, what);
  napi_throw_range_error(env, "badText", text);
  return false;
}

static bool reserve(copier *copier, size_t more) {
  if (more <= copier->capacity - copier->length) return true;
  size_t capacity = 2 * copier->capacity; /* at least twice a text's bound, so one doubling is enough */
  uint8_t *bytes = capacity <= BYTES_MAX ? realloc(copier->copies->bytes, capacity) : NULL;
  if (bytes == NULL) return false;
  copier->copies->bytes = bytes;
  copier->capacity = capacity;
  return true;
}

/* A text's length in bytes, for a string or a Uint8Array; false when it is neither, or not what the column keeps. */
static bool measure(napi_env env, napi_value value, uint8_t kind, size_t *length, void **data) {
  *data = NULL;
  if (kind == CAIRN_UTF8) return napi_get_value_string_utf8(env, value, NULL, 0, length) == napi_ok;
  bool typed = false;
  napi_typedarray_type type;
  return napi_is_typedarray(env, value, &typed) == napi_ok && typed &&
         napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok && type == napi_uint8_array;
}

static bool copy(copier *copier, napi_value value, size_t cell, size_t row, size_t column, uint8_t kind) {
  napi_env env = copier->env;
  cairn_text *text = &copier->copies->texts[cell];
  size_t length;
  void *data;
  if (cairn_is_nothing(env, value)) return true;
  if (!measure(env, value, kind, &length, &data)) {
    return refuse(env, row, column, kind == CAIRN_UTF8 ? "a string is wanted" : "a Uint8Array is wanted");
  }
  if (length > CAIRN_TEXT_MAX_BYTES) return refuse(env, row, column, "longer than 4096 bytes");
  if (!reserve(copier, length + 1)) {
    return refuse(env, row, column, "no memory, or the texts of one block pass 16 MiB: seal fewer rows");
  }
  char *to = (char *)copier->copies->bytes + copier->length;
  if (kind == CAIRN_UTF8 && !cairn_ok(env, napi_get_value_string_utf8(env, value, to, length + 1, &length))) return false;
  if (kind == CAIRN_BYTES && length > 0) memcpy(to, data, length);
  copier->offsets[cell] = copier->length;
  text->length = (uint32_t)length;
  text->data = (const uint8_t *)to; /* for now only: not NULL */
  copier->length += length;
  return true;
}

static bool copy_row(copier *copier, napi_value value, size_t row, const cairn_block_header *header,
                     const cairn_column *columns, size_t *cell) {
  napi_handle_scope scope;
  if (!cairn_ok(copier->env, napi_open_handle_scope(copier->env, &scope))) return false;
  bool copied = true;
  for (size_t c = 0; c < header->columns && copied; c++) {
    if (!cairn_is_text(columns[c].kind)) continue;
    napi_value item;
    copied = cairn_ok(copier->env,
                      napi_get_element(copier->env, value, (uint32_t)(row * header->columns + c), &item)) &&
             copy(copier, item, (*cell)++, row, c, columns[c].kind);
  }
  return cairn_ok(copier->env, napi_close_handle_scope(copier->env, scope)) && copied;
}

bool cairn_take_texts(napi_env env, napi_value value, const cairn_block_header *header, const cairn_column *columns,
                      cairn_text_copies *copies) {
  *copies = (cairn_text_copies){NULL, NULL};
  size_t cells = header->rows * cairn_count_texts(columns, header->columns);
  if (cells == 0) return true;
  copier copier = {.env = env, .copies = copies, .capacity = START_BYTES};
  copies->texts = calloc(cells, sizeof *copies->texts);
  copies->bytes = malloc(copier.capacity);
  copier.offsets = calloc(cells, sizeof *copier.offsets);
  bool taken = copies->texts != NULL && copies->bytes != NULL && copier.offsets != NULL;
  if (!taken) napi_throw_error(env, "ENOMEM", "no memory for the texts of a block");
  size_t cell = 0;
  bool given = !cairn_is_nothing(env, value);
  for (size_t row = 0; given && taken && row < header->rows; row++) {
    taken = copy_row(&copier, value, row, header, columns, &cell);
  }
  for (size_t i = 0; taken && i < cells; i++) {
    if (copies->texts[i].data != NULL) copies->texts[i].data = copies->bytes + copier.offsets[i];
  }
  free(copier.offsets);
  return taken;
}

void cairn_free_texts(cairn_text_copies *copies) {
  free(copies->texts);
  free(copies->bytes);
}
