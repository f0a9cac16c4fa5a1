#include <math.h>
#include <stdio.h>
#include <string.h>

#include "binding/packet.h"

/* By cairn_encode_status: the error's code, and what its text says is wanted. */
static const struct {
  const char *code;
  const char *wanted;
} REFUSALS[] = {
    [CAIRN_ENCODE_ROWS] = {"badRows", "1 to 4096 rows are wanted"},
    [CAIRN_ENCODE_COLUMNS] = {"badColumns", "1 to 64 columns of a known kind are wanted, a decimal's scale 0 to 9"},
    [CAIRN_ENCODE_STREAM] = {"badStream", "a stream's name is 1 to 49 of a-z, 0-9, '.' and '-'"},
    [CAIRN_ENCODE_SEQUENCE] = {"badSequence", "first is 0 to 2^53 - 1, and so is the last row's sequence"},
    [CAIRN_ENCODE_QUALITY] = {"badQuality", "a quality is 0 to 3"},
    [CAIRN_ENCODE_VALUE] = {"badValue", "the column can't keep this value"},
    [CAIRN_ENCODE_TEXT] = {"badText", "a text of at most 4096 bytes is wanted wherever the quality isn't fault"},
    [CAIRN_ENCODE_TOO_LARGE] = {"tooLarge", "the block would pass 1 MiB: seal fewer rows"},
};

static napi_value refuse(napi_env env, const cairn_encode_result *result, const cairn_rows *rows, size_t columns) {
  char text[192], where[96] = "";
  if (result->status == CAIRN_ENCODE_VALUE) {
    snprintf(where, sizeof where, "column %zu, row %zu: %.17g: ", result->column, result->row,
             rows->values[result->row * columns + result->column]);
  } else if (result->status == CAIRN_ENCODE_QUALITY || result->status == CAIRN_ENCODE_TEXT) {
    snprintf(where, sizeof where, "column %zu, row %zu: ", result->column, result->row);
  } else if (result->status == CAIRN_ENCODE_COLUMNS) {
    snprintf(where, sizeof where, "column %zu: ", result->column);
  }
  snprintf(text, sizeof text, "%s%s", where, REFUSALS[result->status].wanted);
  napi_throw_range_error(env, REFUSALS[result->status].code, text);
  return NULL;
}

static napi_value refuse_plain(napi_env env, cairn_encode_status status) {
  cairn_encode_result result = {.status = status};
  return refuse(env, &result, NULL, 0);
}

static bool throw_range(napi_env env, const char *key, const char *wanted) {
  char text[96];
  snprintf(text, sizeof text, "%s: %s is wanted", key, wanted);
  napi_throw_range_error(env, "badHeader", text);
  return false;
}

static bool take_hex(napi_env env, napi_value object, const char *key, uint8_t out[8]) {
  char text[17];
  if (!cairn_take_text_of(env, object, key, text, sizeof text)) return false;
  for (size_t i = 0; i < 16; i++) {
    char c = text[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return throw_range(env, key, "16 hex digits (lower case)");
    out[i / 2] = (uint8_t)(out[i / 2] << 4 | digit);
  }
  return true;
}

static bool take_whole(napi_env env, napi_value object, const char *key, double most, uint64_t *out) {
  double number;
  if (!cairn_take_number(env, object, key, &number)) return false;
  if (!(number >= 0 && number <= most) || number != trunc(number)) {
    return throw_range(env, key, "a whole number within the bounds of types.ts");
  }
  *out = (uint64_t)number;
  return true;
}

static bool take_header(napi_env env, napi_value object, cairn_block_header *header) {
  uint64_t boot, version;
  char stream[CAIRN_STREAM_MAX_BYTES + 1];
  *header = (cairn_block_header){.rows = 0};
  if (!take_hex(env, object, "node", header->node) || !take_hex(env, object, "epoch", header->epoch) ||
      !cairn_take_text_of(env, object, "stream", stream, sizeof stream) ||
      !take_whole(env, object, "first", (double)CAIRN_INTEGER_MAX, &header->first) ||
      !take_whole(env, object, "boot", UINT32_MAX, &boot) ||
      !take_whole(env, object, "descriptorVersion", UINT16_MAX, &version)) {
    return false;
  }
  header->boot = (uint32_t)boot;
  header->descriptor_version = (uint16_t)version;
  header->stream_length = (uint8_t)strlen(stream);
  memcpy(header->stream, stream, header->stream_length);
  return true;
}

static bool take_column(napi_env env, napi_value array, uint32_t index, cairn_column *column) {
  napi_value item;
  char kind[8];
  if (!cairn_ok(env, napi_get_element(env, array, index, &item)) ||
      !cairn_take_text_of(env, item, "kind", kind, sizeof kind)) {
    return false;
  }
  *column = (cairn_column){.kind = 0};
  while (column->kind < CAIRN_KINDS && strcmp(kind, cairn_kind_names[column->kind]) != 0) column->kind++;
  if (column->kind != CAIRN_DECIMAL) return true; /* an unknown kind is refused with the header */
  double scale;
  if (!cairn_take_number(env, item, "scale", &scale)) return false;
  column->scale = scale >= 0 && scale <= CAIRN_SCALE_MAX && scale == trunc(scale) ? (uint8_t)scale : UINT8_MAX;
  return true;
}

static bool take_columns(napi_env env, napi_value array, cairn_block_header *header, cairn_column *columns) {
  uint32_t count;
  if (!cairn_ok(env, napi_get_array_length(env, array, &count))) return false;
  if (count < 1 || count > CAIRN_BLOCK_MAX_COLUMNS) {
    refuse_plain(env, CAIRN_ENCODE_COLUMNS);
    return false;
  }
  header->columns = (uint8_t)count;
  for (uint32_t i = 0; i < count; i++) {
    if (!take_column(env, array, i, &columns[i])) return false;
  }
  return true;
}

/* The rows' properties, read before any memory of theirs is looked at: a getter may run JavaScript. */
typedef struct {
  napi_value times_ns, values, quality, texts;
} rows_values;

static bool take_rows_values(napi_env env, napi_value object, rows_values *found) {
  return cairn_ok(env, napi_get_named_property(env, object, "timesNs", &found->times_ns)) &&
         cairn_ok(env, napi_get_named_property(env, object, "values", &found->values)) &&
         cairn_ok(env, napi_get_named_property(env, object, "quality", &found->quality)) &&
         cairn_ok(env, napi_get_named_property(env, object, "texts", &found->texts));
}

static bool take_row_count(napi_env env, const rows_values *found, cairn_block_header *header) {
  void *data;
  size_t rows;
  if (!cairn_take_array(env, found->times_ns, napi_bigint64_array, "timesNs", &data, &rows)) return false;
  if (rows < 1 || rows > CAIRN_BLOCK_MAX_ROWS) {
    refuse_plain(env, CAIRN_ENCODE_ROWS);
    return false;
  }
  header->rows = (uint16_t)rows;
  return true;
}

/* No JavaScript runs from here until the block is made: the pointers stay good. */
static bool take_rows(napi_env env, const rows_values *found, const cairn_block_header *header, cairn_rows *rows) {
  void *times_ns, *values, *quality;
  size_t time_count, value_count, quality_count, cells = (size_t)header->rows * header->columns;
  if (!cairn_take_array(env, found->times_ns, napi_bigint64_array, "timesNs", &times_ns, &time_count) ||
      !cairn_take_array(env, found->values, napi_float64_array, "values", &values, &value_count) ||
      !cairn_take_array(env, found->quality, napi_uint8_array, "quality", &quality, &quality_count)) {
    return false;
  }
  if (time_count != header->rows || value_count != cells || quality_count != cells) {
    napi_throw_range_error(env, "badRows", "values and quality need rows × columns entries each");
    return false;
  }
  rows->times_ns = times_ns;
  rows->values = values;
  rows->quality = quality;
  return true;
}

static napi_value copy_out(napi_env env, const uint8_t *bytes, size_t length) {
  void *data;
  napi_value buffer, array;
  if (!cairn_ok(env, napi_create_arraybuffer(env, length, &data, &buffer))) return NULL;
  memcpy(data, bytes, length);
  return cairn_ok(env, napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array)) ? array : NULL;
}

static napi_value encode(napi_env env, cairn_block_header *header, const cairn_column *columns, const cairn_rows *rows,
                         cairn_packet_state *state) {
  cairn_encode_result result =
      cairn_block_encode(header, columns, rows, &state->scratch, state->out, sizeof state->out);
  if (result.status != CAIRN_ENCODE_OK) return refuse(env, &result, rows, header->columns);
  return copy_out(env, state->out, header->byte_length);
}

napi_value cairn_encode_block(napi_env env, napi_callback_info info) {
  cairn_args args;
  cairn_packet_state *state;
  cairn_block_header header;
  cairn_column columns[CAIRN_BLOCK_MAX_COLUMNS];
  rows_values found;
  if (!cairn_take_packet_args(env, info, &args, &state) || !take_header(env, args.values[0], &header) ||
      !take_columns(env, args.values[1], &header, columns) || !take_rows_values(env, args.values[2], &found) ||
      !take_row_count(env, &found, &header)) {
    return NULL;
  }
  cairn_text_copies copies;
  cairn_rows rows;
  bool taken = cairn_take_texts(env, found.texts, &header, columns, &copies) && take_rows(env, &found, &header, &rows);
  rows.texts = copies.texts;
  napi_value block = taken ? encode(env, &header, columns, &rows, state) : NULL;
  cairn_free_texts(&copies);
  return block;
}
