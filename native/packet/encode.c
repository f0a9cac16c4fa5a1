#include <math.h>

#include "packet/crc32c.h"
#include "packet/encoder.h"
#include "packet/floats.h"
#include "packet/header.h"
#include "packet/integers.h"
#include "packet/texts.h"

static void put_times(cairn_encoder *encoder) {
  uint64_t *numbers = encoder->scratch->numbers;
  const int64_t *times_ns = encoder->rows->times_ns;
  for (size_t row = 0; row < encoder->row_count; row++) numbers[row] = (uint64_t)times_ns[row] - (uint64_t)times_ns[0];
  cairn_integer_plan plan = cairn_plan_integers(numbers, encoder->row_count, encoder->scratch->work);
  cairn_put_integers(&encoder->writer, numbers, encoder->row_count, &plan);
}

static uint8_t quality_at(const cairn_encoder *encoder, size_t i) {
  size_t row = i % encoder->row_count, column = i / encoder->row_count;
  return encoder->rows->quality[row * encoder->column_count + column];
}

/* One zero byte when all is good; else a one and run lengths, column by column. */
static void put_quality(cairn_encoder *encoder) {
  size_t cells = encoder->row_count * encoder->column_count, run = 0;
  uint8_t any = 0;
  for (size_t i = 0; i < cells; i++) any |= encoder->rows->quality[i];
  cairn_put_byte(&encoder->writer, any == 0 ? 0 : 1);
  if (any == 0) return;
  for (size_t i = 0; i < cells; i++) {
    run++;
    uint8_t quality = quality_at(encoder, i);
    if (i + 1 < cells && quality_at(encoder, i + 1) == quality) continue;
    cairn_put_varint(&encoder->writer, (run - 1) << 2 | quality);
    run = 0;
  }
}

/* The number that a value of a decimal, int or enum column is kept as; false if it can't be. */
static bool to_number(double value, const cairn_column *column, int64_t *number) {
  if (column->kind == CAIRN_DECIMAL) return cairn_to_decimal(value, column->scale, number);
  if (!(fabs(value) <= (double)CAIRN_INTEGER_MAX) || value != trunc(value)) return false;
  *number = (int64_t)value;
  return column->kind == CAIRN_INT || (*number >= 0 && *number <= (int64_t)CAIRN_ENUM_MAX);
}

/* Returns the row refused, or the number of rows. */
static size_t put_numbers(cairn_encoder *encoder, size_t c, const cairn_column *column) {
  uint64_t *numbers = encoder->scratch->numbers;
  for (size_t row = 0; row < encoder->row_count; row++) {
    int64_t number = 0;
    if (!cairn_is_absent(encoder, row, c) && !to_number(cairn_value_at(encoder, row, c), column, &number)) return row;
    numbers[row] = (uint64_t)number;
  }
  cairn_fill_absent(encoder, c, numbers);
  cairn_integer_plan plan = cairn_plan_integers(numbers, encoder->row_count, encoder->scratch->work);
  cairn_put_integers(&encoder->writer, numbers, encoder->row_count, &plan);
  return encoder->row_count;
}

static cairn_encode_result check_quality(const cairn_encoder *encoder) {
  for (size_t i = 0; i < encoder->row_count * encoder->column_count; i++) {
    if (encoder->rows->quality[i] > CAIRN_FAULT) {
      return (cairn_encode_result){CAIRN_ENCODE_QUALITY, i / encoder->column_count, i % encoder->column_count};
    }
  }
  return (cairn_encode_result){.status = CAIRN_ENCODE_OK};
}

static cairn_encode_result put_columns(cairn_encoder *encoder, const cairn_column *columns, size_t column_bytes) {
  size_t rows = encoder->row_count, stride = cairn_count_texts(columns, encoder->column_count), text = 0;
  for (size_t c = 0; c < encoder->column_count && !encoder->writer.failed; c++) {
    uint8_t kind = columns[c].kind, low = columns[c].scale;
    size_t done = rows;
    if (kind == CAIRN_F64) {
      low = cairn_put_floats(encoder, c);
    } else if (cairn_is_text(kind)) {
      done = cairn_put_texts(&encoder->writer, encoder->rows->texts + text++, stride, encoder->rows->quality + c,
                             encoder->column_count, rows, kind == CAIRN_UTF8, encoder->scratch);
    } else {
      done = put_numbers(encoder, c, &columns[c]);
    }
    if (done < rows) {
      return (cairn_encode_result){cairn_is_text(kind) ? CAIRN_ENCODE_TEXT : CAIRN_ENCODE_VALUE, done, c};
    }
    encoder->writer.data[column_bytes + c] = (uint8_t)(kind << 4 | low);
  }
  return (cairn_encode_result){.status = CAIRN_ENCODE_OK};
}

cairn_encode_result cairn_block_encode(cairn_block_header *header, const cairn_column *columns, const cairn_rows *rows,
                                       cairn_scratch *scratch, uint8_t *out, size_t capacity) {
  cairn_encode_result result = cairn_check_header(header, columns);
  if (result.status != CAIRN_ENCODE_OK) return result;
  cairn_encoder encoder = {
      .writer = {.data = out, .capacity = capacity < CAIRN_BLOCK_MAX_BYTES ? capacity : CAIRN_BLOCK_MAX_BYTES},
      .rows = rows,
      .row_count = header->rows,
      .column_count = header->columns,
      .scratch = scratch};
  result = check_quality(&encoder);
  if (result.status != CAIRN_ENCODE_OK) return result;
  header->first_time_ns = rows->times_ns[0];
  size_t column_bytes = cairn_put_header(&encoder.writer, header);
  put_times(&encoder);
  put_quality(&encoder);
  result = put_columns(&encoder, columns, column_bytes);
  if (result.status != CAIRN_ENCODE_OK) return result;
  cairn_writer *writer = &encoder.writer;
  if (writer->failed || writer->capacity - writer->length < CAIRN_CRC_BYTES) {
    return (cairn_encode_result){.status = CAIRN_ENCODE_TOO_LARGE};
  }
  header->byte_length = (uint32_t)(writer->length + CAIRN_CRC_BYTES);
  cairn_writer length = {.data = out + CAIRN_LENGTH_OFFSET, .capacity = 4};
  cairn_put_word(&length, header->byte_length, 4);
  header->crc = cairn_crc32c(0, out, writer->length);
  cairn_put_word(writer, header->crc, CAIRN_CRC_BYTES);
  return result;
}
