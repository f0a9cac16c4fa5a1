#include "packet/header.h"

#include "packet/crc32c.h"

static const uint8_t MAGIC[3] = {'C', 'R', 'N'};

static bool is_stream(const char *stream, size_t length) {
  if (length < 1 || length > CAIRN_STREAM_MAX_BYTES) return false;
  for (size_t i = 0; i < length; i++) {
    char c = stream[i];
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-')) return false;
  }
  return true;
}

static bool is_sequence(uint64_t first, size_t rows) {
  return first <= (uint64_t)CAIRN_INTEGER_MAX && first + rows - 1 <= (uint64_t)CAIRN_INTEGER_MAX;
}

static bool is_column(uint8_t kind, uint8_t scale) {
  return kind < CAIRN_KINDS && scale <= (kind == CAIRN_DECIMAL ? CAIRN_SCALE_MAX : 0);
}

cairn_encode_result cairn_check_header(const cairn_block_header *header, const cairn_column *columns) {
  cairn_encode_result result = {.status = CAIRN_ENCODE_OK};
  if (header->rows < 1 || header->rows > CAIRN_BLOCK_MAX_ROWS) {
    result.status = CAIRN_ENCODE_ROWS;
  } else if (header->columns < 1 || header->columns > CAIRN_BLOCK_MAX_COLUMNS) {
    result.status = CAIRN_ENCODE_COLUMNS;
  } else if (!is_stream(header->stream, header->stream_length)) {
    result.status = CAIRN_ENCODE_STREAM;
  } else if (!is_sequence(header->first, header->rows)) {
    result.status = CAIRN_ENCODE_SEQUENCE;
  } else {
    for (size_t c = 0; c < header->columns; c++) {
      if (!is_column(columns[c].kind, columns[c].scale)) {
        return (cairn_encode_result){.status = CAIRN_ENCODE_COLUMNS, .column = c};
      }
    }
  }
  return result;
}

size_t cairn_put_header(cairn_writer *writer, const cairn_block_header *header) {
  cairn_put_bytes(writer, MAGIC, sizeof MAGIC);
  cairn_put_byte(writer, CAIRN_BLOCK_VERSION);
  cairn_put_word(writer, 0, 4);
  cairn_put_bytes(writer, header->node, sizeof header->node);
  cairn_put_bytes(writer, header->epoch, sizeof header->epoch);
  cairn_put_word(writer, header->first, 8);
  cairn_put_word(writer, (uint64_t)header->first_time_ns, 8);
  cairn_put_word(writer, header->boot, 4);
  cairn_put_word(writer, header->descriptor_version, 2);
  cairn_put_word(writer, header->rows, 2);
  cairn_put_byte(writer, header->columns);
  cairn_put_byte(writer, header->stream_length);
  assert(writer->failed || writer->length == CAIRN_HEADER_FIXED_BYTES);
  cairn_put_bytes(writer, (const uint8_t *)header->stream, header->stream_length);
  size_t column_bytes = writer->length;
  for (size_t c = 0; c < header->columns; c++) cairn_put_byte(writer, 0);
  return column_bytes;
}

/* Finds the end of the block and checks its seal, before anything else in it is believed. */
static cairn_decode_status check_seal(const uint8_t *bytes, size_t length, uint32_t *byte_length, uint32_t *crc) {
  for (size_t i = 0; i < sizeof MAGIC && i < length; i++) {
    if (bytes[i] != MAGIC[i]) return CAIRN_DECODE_BAD_MAGIC;
  }
  if (length < CAIRN_BLOCK_MIN_BYTES) return CAIRN_DECODE_SHORT;
  if (bytes[sizeof MAGIC] != CAIRN_BLOCK_VERSION) return CAIRN_DECODE_BAD_VERSION;
  cairn_reader reader = {.data = bytes, .length = length, .position = CAIRN_LENGTH_OFFSET};
  *byte_length = (uint32_t)cairn_get_word(&reader, 4);
  if (*byte_length > CAIRN_BLOCK_MAX_BYTES) return CAIRN_DECODE_TOO_LARGE;
  if (*byte_length < CAIRN_BLOCK_MIN_BYTES) return CAIRN_DECODE_BAD_HEADER;
  if (*byte_length > length) return CAIRN_DECODE_SHORT;
  reader.position = *byte_length - CAIRN_CRC_BYTES;
  *crc = (uint32_t)cairn_get_word(&reader, CAIRN_CRC_BYTES);
  return cairn_crc32c(0, bytes, *byte_length - CAIRN_CRC_BYTES) == *crc ? CAIRN_DECODE_OK : CAIRN_DECODE_BAD_CRC;
}

static bool split_column_byte(uint8_t byte, cairn_column_byte *column) {
  uint8_t kind = byte >> 4, low = byte & 15;
  if (kind == CAIRN_F64) {
    *column = (cairn_column_byte){.column = {.kind = kind}, .encoding = low};
    return low <= CAIRN_FLOAT_CORRECTED || low == CAIRN_FLOAT_BITS || low == CAIRN_FLOAT_XOR;
  }
  *column = (cairn_column_byte){.column = {.kind = kind, .scale = low}};
  return is_column(kind, low);
}

cairn_decode_status cairn_get_header(const uint8_t *bytes, size_t length, cairn_reader *reader,
                                     cairn_block_header *header, cairn_column_byte columns[CAIRN_BLOCK_MAX_COLUMNS]) {
  *header = (cairn_block_header){.rows = 0};
  cairn_decode_status status = check_seal(bytes, length, &header->byte_length, &header->crc);
  if (status != CAIRN_DECODE_OK) return status;
  *reader = (cairn_reader){
      .data = bytes, .length = header->byte_length - CAIRN_CRC_BYTES, .position = CAIRN_LENGTH_OFFSET + 4};
  memcpy(header->node, cairn_get_bytes(reader, 8), 8);
  memcpy(header->epoch, cairn_get_bytes(reader, 8), 8);
  header->first = cairn_get_word(reader, 8);
  header->first_time_ns = (int64_t)cairn_get_word(reader, 8);
  header->boot = (uint32_t)cairn_get_word(reader, 4);
  header->descriptor_version = (uint16_t)cairn_get_word(reader, 2);
  header->rows = (uint16_t)cairn_get_word(reader, 2);
  header->columns = cairn_get_byte(reader);
  header->stream_length = cairn_get_byte(reader);
  if (header->rows < 1 || header->rows > CAIRN_BLOCK_MAX_ROWS || header->columns < 1 ||
      header->columns > CAIRN_BLOCK_MAX_COLUMNS || !is_sequence(header->first, header->rows)) {
    return CAIRN_DECODE_BAD_HEADER;
  }
  const uint8_t *stream = cairn_get_bytes(reader, header->stream_length);
  if (stream == NULL || !is_stream((const char *)stream, header->stream_length)) return CAIRN_DECODE_BAD_HEADER;
  memcpy(header->stream, stream, header->stream_length);
  for (size_t c = 0; c < header->columns; c++) {
    if (!split_column_byte(cairn_get_byte(reader), &columns[c]) || reader->failed) return CAIRN_DECODE_BAD_HEADER;
  }
  return CAIRN_DECODE_OK;
}
