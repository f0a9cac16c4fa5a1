#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "binding/packet.h"

/* By cairn_decode_status: DecodeErrorKind of types.ts, and what it means. */
static const struct {
  const char *kind;
  const char *text;
} REFUSALS[] = {
    [CAIRN_DECODE_SHORT] = {"short", "the bytes end before the block does"},
    [CAIRN_DECODE_BAD_MAGIC] = {"badMagic", "no block starts here"},
    [CAIRN_DECODE_BAD_VERSION] = {"badVersion", "a block of a format version that this decoder doesn't know"},
    [CAIRN_DECODE_BAD_CRC] = {"badCrc", "the block's CRC-32C doesn't match its bytes"},
    [CAIRN_DECODE_BAD_HEADER] = {"badHeader", "the block's header is out of its bounds"},
    [CAIRN_DECODE_BAD_COLUMN] = {"badColumn", "a column of the block is malformed"},
    [CAIRN_DECODE_TOO_LARGE] = {"tooLarge", "the block says that it is over 1 MiB"},
};

static napi_value refuse(napi_env env, cairn_decode_status status) {
  napi_throw_error(env, REFUSALS[status].kind, REFUSALS[status].text);
  return NULL;
}

typedef struct {
  const uint8_t *data;
  size_t length;
} span;

/* Memory that another thread may write to while it is decoded could change between a check and its use. */
static bool is_unshared(napi_env env, napi_value array) {
  napi_value buffer;
  bool plain = false;
  if (!cairn_ok(env, napi_get_typedarray_info(env, array, NULL, NULL, NULL, &buffer, NULL)) ||
      !cairn_ok(env, napi_is_arraybuffer(env, buffer, &plain))) {
    return false;
  }
  if (!plain) napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "bytes: no shared memory is wanted; copy it first");
  return plain;
}

/* (bytes, offset = 0): from the offset to the end. */
static bool take_span(napi_env env, const cairn_args *args, span *span) {
  double offset = 0;
  void *data;
  size_t length;
  if (!cairn_is_nothing(env, args->values[1]) &&
      !cairn_ok(env, napi_get_value_double(env, args->values[1], &offset))) {
    return false;
  }
  if (!cairn_take_array(env, args->values[0], napi_uint8_array, "bytes", &data, &length)) return false;
  if (!is_unshared(env, args->values[0])) return false;
  if (!(offset >= 0 && offset <= (double)length) || offset != trunc(offset)) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "offset lies outside the bytes");
    return false;
  }
  span->data = length > 0 ? (const uint8_t *)data + (size_t)offset : (const uint8_t *)"";
  span->length = length - (size_t)offset;
  return true;
}

napi_value cairn_check_block(napi_env env, napi_callback_info info) {
  cairn_args args;
  cairn_packet_state *state;
  span span;
  cairn_block_header header;
  cairn_column columns[CAIRN_BLOCK_MAX_COLUMNS];
  if (!cairn_take_packet_args(env, info, &args, &state) || !take_span(env, &args, &span)) return NULL;
  cairn_decode_status status = cairn_block_decode_header(span.data, span.length, &header, columns);
  if (status != CAIRN_DECODE_OK) return refuse(env, status);
  napi_value length;
  return cairn_ok(env, napi_create_uint32(env, header.byte_length, &length)) ? length : NULL;
}

static napi_value make_columns(napi_env env, const cairn_column *columns, size_t count) {
  napi_value array, item;
  if (!cairn_ok(env, napi_create_array_with_length(env, count, &array))) return NULL;
  for (size_t i = 0; i < count; i++) {
    if (!cairn_ok(env, napi_create_object(env, &item)) || !cairn_put_text(env, item, "kind", cairn_kind_names[columns[i].kind])) {
      return NULL;
    }
    if (columns[i].kind == CAIRN_DECIMAL && !cairn_put_number(env, item, "scale", columns[i].scale)) return NULL;
    if (!cairn_ok(env, napi_set_element(env, array, (uint32_t)i, item))) return NULL;
  }
  return array;
}

static bool make_array(napi_env env, napi_typedarray_type type, size_t size, size_t count, void **data,
                       napi_value *array) {
  napi_value buffer;
  return cairn_ok(env, napi_create_arraybuffer(env, size * count, data, &buffer)) &&
         cairn_ok(env, napi_create_typedarray(env, type, count, buffer, 0, array));
}

static bool make_text(napi_env env, const cairn_text *text, uint8_t kind, napi_value *value) {
  void *copy;
  if (text->data == NULL) return cairn_ok(env, napi_get_undefined(env, value));
  if (kind == CAIRN_UTF8) {
    return cairn_ok(env, napi_create_string_utf8(env, (const char *)text->data, text->length, value));
  }
  if (!make_array(env, napi_uint8_array, 1, text->length, &copy, value)) return false;
  if (text->length > 0) memcpy(copy, text->data, text->length);
  return true;
}

static bool set_text(napi_env env, napi_value array, size_t cell, const cairn_text *text, uint8_t kind) {
  napi_handle_scope scope;
  napi_value value;
  if (!cairn_ok(env, napi_open_handle_scope(env, &scope))) return false;
  bool set = make_text(env, text, kind, &value) && cairn_ok(env, napi_set_element(env, array, (uint32_t)cell, value));
  return cairn_ok(env, napi_close_handle_scope(env, scope)) && set;
}

/* rows × columns, row by row; undefined for columns of other types. */
static napi_value make_texts(napi_env env, const cairn_block_header *header, const cairn_column *columns,
                             const cairn_text *texts) {
  static const cairn_text NONE = {NULL, 0};
  napi_value array;
  size_t cells = (size_t)header->rows * header->columns;
  if (!cairn_ok(env, napi_create_array_with_length(env, cells, &array))) return NULL;
  for (size_t cell = 0; cell < cells; cell++) {
    uint8_t kind = columns[cell % header->columns].kind;
    if (!set_text(env, array, cell, cairn_is_text(kind) ? texts++ : &NONE, kind)) return NULL;
  }
  return array;
}

/* What one decoded block becomes. */
typedef struct {
  cairn_block_header header;
  cairn_column columns[CAIRN_BLOCK_MAX_COLUMNS];
  size_t text_columns;
  cairn_rows_out out;
  napi_value times_ns, values, quality;
} decoded;

static bool make_rows(napi_env env, decoded *decoded) {
  size_t rows = decoded->header.rows, cells = rows * decoded->header.columns;
  void *times_ns, *values, *quality;
  if (!make_array(env, napi_bigint64_array, 8, rows, &times_ns, &decoded->times_ns) ||
      !make_array(env, napi_float64_array, 8, cells, &values, &decoded->values) ||
      !make_array(env, napi_uint8_array, 1, cells, &quality, &decoded->quality)) {
    return false;
  }
  decoded->out = (cairn_rows_out){.times_ns = times_ns, .values = values, .quality = quality};
  decoded->text_columns = cairn_count_texts(decoded->columns, decoded->header.columns);
  if (decoded->text_columns == 0) return true;
  decoded->out.texts = calloc(rows * decoded->text_columns, sizeof *decoded->out.texts);
  if (decoded->out.texts == NULL) napi_throw_error(env, "ENOMEM", "no memory for the texts of a block");
  return decoded->out.texts != NULL;
}

static napi_value make_block(napi_env env, const decoded *decoded) {
  napi_value object, columns = make_columns(env, decoded->columns, decoded->header.columns);
  if (columns == NULL || !cairn_ok(env, napi_create_object(env, &object)) ||
      !cairn_put_number(env, object, "byteLength", decoded->header.byte_length) ||
      !cairn_put(env, object, "columns", columns) ||
      !cairn_put(env, object, "timesNs", decoded->times_ns) || !cairn_put(env, object, "values", decoded->values) ||
      !cairn_put(env, object, "quality", decoded->quality)) {
    return NULL;
  }
  if (decoded->text_columns == 0) return object;
  napi_value texts = make_texts(env, &decoded->header, decoded->columns, decoded->out.texts);
  return texts != NULL && cairn_put(env, object, "texts", texts) ? object : NULL;
}

napi_value cairn_decode_block(napi_env env, napi_callback_info info) {
  cairn_args args;
  cairn_packet_state *state;
  span span;
  decoded decoded = {.text_columns = 0};
  if (!cairn_take_packet_args(env, info, &args, &state) || !take_span(env, &args, &span)) return NULL;
  cairn_decode_status status =
      cairn_block_decode_header(span.data, span.length, &decoded.header, decoded.columns);
  if (status != CAIRN_DECODE_OK) return refuse(env, status);
  napi_value block = NULL;
  if (make_rows(env, &decoded)) {
    status = cairn_block_decode(span.data, span.length, &decoded.out, &state->scratch);
    block = status == CAIRN_DECODE_OK ? make_block(env, &decoded) : refuse(env, status);
  }
  free(decoded.out.texts);
  return block;
}
