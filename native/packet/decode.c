#include <math.h>

#include "packet/block.h"
#include "packet/floats.h"
#include "packet/header.h"
#include "packet/integers.h"
#include "packet/texts.h"

/* One block being read. */
typedef struct {
  cairn_reader reader;
  const cairn_rows_out *out;
  size_t row_count;
  size_t column_count;
  cairn_scratch *scratch;
} decoder;

static void get_times(decoder *decoder, int64_t first_time_ns) {
  uint64_t *numbers = decoder->scratch->numbers;
  cairn_get_integers(&decoder->reader, numbers, decoder->row_count);
  if (decoder->reader.failed) return;
  /* The header's time is the first row's. */
  if (numbers[0] != 0) decoder->reader.failed = true;
  for (size_t row = 0; row < decoder->row_count; row++) {
    decoder->out->times_ns[row] = (int64_t)((uint64_t)first_time_ns + numbers[row]);
  }
}

static void get_quality(decoder *decoder) {
  size_t cells = decoder->row_count * decoder->column_count;
  uint8_t *quality = decoder->out->quality;
  uint8_t mode = cairn_get_byte(&decoder->reader);
  memset(quality, CAIRN_GOOD, cells);
  if (mode > 1) decoder->reader.failed = true;
  if (mode != 1) return;
  for (size_t i = 0; i < cells && !decoder->reader.failed;) {
    uint64_t code = cairn_get_varint(&decoder->reader);
    if (code >> 2 >= cells - i) {
      decoder->reader.failed = true;
      return;
    }
    for (size_t end = i + (size_t)(code >> 2) + 1; i < end; i++) {
      quality[i % decoder->row_count * decoder->column_count + i / decoder->row_count] = code & 3;
    }
  }
}

/* A number of the column as the double it stands for; false when the column can't hold it. */
static bool to_value(uint64_t bits, const cairn_column_byte *column, double *value) {
  int64_t number = (int64_t)bits;
  uint8_t kind = column->column.kind;
  if (number > CAIRN_INTEGER_MAX || number < -CAIRN_INTEGER_MAX) return false;
  if (kind == CAIRN_ENUM && (number < 0 || number > (int64_t)CAIRN_ENUM_MAX)) return false;
  if (kind == CAIRN_F64) *value = cairn_from_decimal(number, column->encoding);
  else if (kind == CAIRN_DECIMAL) *value = cairn_from_decimal(number, column->column.scale);
  else *value = (double)number;
  return true;
}

/* A column's numbers as doubles, in place of their bits; false when the column can't hold one. */
static bool to_values(uint64_t *numbers, size_t count, const cairn_column_byte *column) {
  for (size_t row = 0; row < count; row++) {
    double value;
    if (!to_value(numbers[row], column, &value)) return false;
    numbers[row] = cairn_double_bits(value);
  }
  return true;
}

/* Bits of doubles, from an f64 column of any encoding. */
static void get_floats(cairn_reader *reader, uint64_t *numbers, uint64_t *corrections, size_t count,
                       cairn_column_byte column) {
  bool corrected = column.encoding == CAIRN_FLOAT_CORRECTED;
  if (column.encoding == CAIRN_FLOAT_XOR) {
    cairn_get_xor(reader, numbers, count);
    return;
  }
  if (corrected) column.encoding = cairn_get_byte(reader);
  if (corrected && column.encoding > CAIRN_SCALE_MAX) reader->failed = true;
  cairn_get_integers(reader, numbers, count);
  if (reader->failed || column.encoding == CAIRN_FLOAT_BITS) return;
  if (!to_values(numbers, count, &column)) reader->failed = true;
  if (!corrected) return;
  cairn_get_integers(reader, corrections, count);
  for (size_t row = 0; row < count && !reader->failed; row++) numbers[row] += corrections[row];
}

static void get_numbers(decoder *decoder, size_t c, const cairn_column_byte *column) {
  cairn_reader *reader = &decoder->reader;
  uint64_t *numbers = decoder->scratch->numbers;
  if (column->column.kind == CAIRN_F64) {
    get_floats(reader, numbers, decoder->scratch->corrections, decoder->row_count, *column);
  } else {
    cairn_get_integers(reader, numbers, decoder->row_count);
    if (!reader->failed && !to_values(numbers, decoder->row_count, column)) reader->failed = true;
  }
  for (size_t row = 0; row < decoder->row_count && !reader->failed; row++) {
    size_t cell = row * decoder->column_count + c;
    decoder->out->values[cell] = decoder->out->quality[cell] == CAIRN_FAULT ? NAN : cairn_bits_double(numbers[row]);
  }
}

static void get_columns(decoder *decoder, const cairn_column_byte *columns) {
  size_t stride = 0, text = 0;
  for (size_t c = 0; c < decoder->column_count; c++) stride += cairn_is_text(columns[c].column.kind);
  for (size_t c = 0; c < decoder->column_count && !decoder->reader.failed; c++) {
    uint8_t kind = columns[c].column.kind;
    if (!cairn_is_text(kind)) {
      get_numbers(decoder, c, &columns[c]);
      continue;
    }
    cairn_get_texts(&decoder->reader, decoder->out->texts + text++, stride, decoder->out->quality + c,
                    decoder->column_count, decoder->row_count, kind == CAIRN_UTF8, decoder->scratch);
    for (size_t row = 0; row < decoder->row_count; row++) decoder->out->values[row * decoder->column_count + c] = NAN;
  }
}

cairn_decode_status cairn_block_decode_header(const uint8_t *bytes, size_t length, cairn_block_header *header,
                                              cairn_column columns[CAIRN_BLOCK_MAX_COLUMNS]) {
  cairn_reader reader;
  cairn_column_byte column_bytes[CAIRN_BLOCK_MAX_COLUMNS];
  cairn_decode_status status = cairn_get_header(bytes, length, &reader, header, column_bytes);
  if (status != CAIRN_DECODE_OK) return status;
  for (size_t c = 0; c < header->columns; c++) columns[c] = column_bytes[c].column;
  return CAIRN_DECODE_OK;
}

cairn_decode_status cairn_block_decode(const uint8_t *bytes, size_t length, const cairn_rows_out *out,
                                       cairn_scratch *scratch) {
  decoder decoder = {.out = out, .scratch = scratch};
  cairn_block_header header;
  cairn_column_byte columns[CAIRN_BLOCK_MAX_COLUMNS];
  cairn_decode_status status = cairn_get_header(bytes, length, &decoder.reader, &header, columns);
  if (status != CAIRN_DECODE_OK) return status;
  decoder.row_count = header.rows;
  decoder.column_count = header.columns;
  get_times(&decoder, header.first_time_ns);
  if (!decoder.reader.failed) get_quality(&decoder);
  if (!decoder.reader.failed) get_columns(&decoder, columns);
  bool whole = !decoder.reader.failed && decoder.reader.position == decoder.reader.length;
  return whole ? CAIRN_DECODE_OK : CAIRN_DECODE_BAD_COLUMN;
}
