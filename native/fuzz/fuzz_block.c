#include <stdlib.h>
#include <string.h>

#include "packet/block.h"
#include "packet/crc32c.h"

/*
 * The input is a block whose length and CRC are set right here, so that the columns are reached. Whatever decodes is encoded
 * again, and must then decode to the same rows. (Other bytes may mean the same rows; the encoder's are the canonical ones.)
 */
enum { CELLS_MAX = 1 << 14 };

typedef struct {
  int64_t times_ns[CAIRN_BLOCK_MAX_ROWS];
  double values[CELLS_MAX];
  uint8_t quality[CELLS_MAX];
  cairn_text texts[CELLS_MAX];
} rows;

static cairn_scratch scratch;
static rows first, second;
static uint8_t sealed[CAIRN_BLOCK_MAX_BYTES];

static void require(int condition) {
  if (!condition) abort();
}

static void seal(uint8_t *bytes, size_t length) {
  for (unsigned i = 0; i < 4; i++) bytes[4 + i] = (uint8_t)(length >> (8 * i));
  uint32_t crc = cairn_crc32c(0, bytes, length - 4);
  for (unsigned i = 0; i < 4; i++) bytes[length - 4 + i] = (uint8_t)(crc >> (8 * i));
}

static cairn_decode_status decode(const uint8_t *bytes, size_t length, rows *rows) {
  cairn_rows_out out = {rows->times_ns, rows->values, rows->quality, rows->texts};
  return cairn_block_decode(bytes, length, &out, &scratch);
}

static void same_texts(size_t count) {
  for (size_t i = 0; i < count; i++) {
    const cairn_text *a = &first.texts[i], *b = &second.texts[i];
    require((a->data == NULL) == (b->data == NULL) && a->length == b->length);
    require(a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
  }
}

/* Bit by bit. */
static void encode_again(cairn_block_header *header, const cairn_column *columns) {
  cairn_rows in = {first.times_ns, first.values, first.quality, first.texts};
  size_t cells = (size_t)header->rows * header->columns, text_columns = 0;
  cairn_encode_result result = cairn_block_encode(header, columns, &in, &scratch, sealed, sizeof sealed);
  require(result.status == CAIRN_ENCODE_OK);
  require(decode(sealed, header->byte_length, &second) == CAIRN_DECODE_OK);
  require(memcmp(first.times_ns, second.times_ns, header->rows * sizeof *first.times_ns) == 0);
  require(memcmp(first.values, second.values, cells * sizeof *first.values) == 0);
  require(memcmp(first.quality, second.quality, cells) == 0);
  for (size_t c = 0; c < header->columns; c++) text_columns += cairn_is_text(columns[c].kind);
  same_texts(text_columns * header->rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cairn_block_header header;
  cairn_column columns[CAIRN_BLOCK_MAX_COLUMNS];
  if (size < 60 || size > 1 << 16) return 0;
  uint8_t *bytes = malloc(size);
  require(bytes != NULL);
  memcpy(bytes, data, size);
  seal(bytes, size);
  if (cairn_block_decode_header(bytes, size, &header, columns) == CAIRN_DECODE_OK &&
      (size_t)header.rows * header.columns <= CELLS_MAX && decode(bytes, size, &first) == CAIRN_DECODE_OK) {
    encode_again(&header, columns);
  }
  free(bytes);
  return 0;
}
