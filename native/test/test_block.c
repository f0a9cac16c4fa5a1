/* Blocks at their bounds: the largest, the smallest, too large, cut, and wild columns under a right CRC. */
#undef NDEBUG
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/block.h"
#include "packet/crc32c.h"
#include "packet/texts.h"

enum { ROWS = CAIRN_BLOCK_MAX_ROWS, COLUMNS = CAIRN_BLOCK_MAX_COLUMNS };

static cairn_scratch scratch;
static uint8_t block[CAIRN_BLOCK_MAX_BYTES];
static int64_t times_ns[ROWS], times_back[ROWS];
static double values[ROWS * COLUMNS], values_back[ROWS * COLUMNS];
static uint8_t quality[ROWS * COLUMNS], quality_back[ROWS * COLUMNS];
static cairn_text texts[ROWS * 2], texts_back[ROWS * COLUMNS];
static cairn_column columns[COLUMNS];
static const cairn_rows ROWS_IN = {times_ns, values, quality, texts};
static const cairn_rows_out ROWS_OUT = {times_back, values_back, quality_back, texts_back};
static uint64_t state = 0x9E3779B97F4A7C15u;

static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static cairn_block_header header_of(size_t rows, size_t column_count) {
  cairn_block_header header = {.rows = (uint16_t)rows, .columns = (uint8_t)column_count, .stream_length = 1};
  header.stream[0] = 's';
  return header;
}

static void fill(uint8_t kind, double (*value)(size_t i)) {
  for (size_t c = 0; c < COLUMNS; c++) columns[c] = (cairn_column){.kind = kind};
  for (size_t i = 0; i < ROWS; i++) times_ns[i] = (int64_t)i * 10000000;
  for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++) values[i] = value(i);
  memset(quality, 0, sizeof quality);
}

static double small(size_t i) { return (double)(i % 7); }

static double noise(size_t i) {
  uint64_t bits = next_random();
  double value;
  memcpy(&value, &bits, sizeof value);
  (void)i;
  return value;
}

static void the_largest_comes_back(void) {
  fill(CAIRN_INT, small);
  for (size_t i = 0; i < sizeof quality; i++) quality[i] = i % 3 == 0 ? CAIRN_SUSPECT : CAIRN_GOOD;
  cairn_block_header header = header_of(ROWS, COLUMNS);
  assert(cairn_block_encode(&header, columns, &ROWS_IN, &scratch, block, sizeof block).status == CAIRN_ENCODE_OK);
  assert(cairn_block_decode(block, header.byte_length, &ROWS_OUT, &scratch) == CAIRN_DECODE_OK);
  assert(memcmp(values, values_back, sizeof values) == 0);
  assert(memcmp(quality, quality_back, sizeof quality) == 0);
  assert(memcmp(times_ns, times_back, sizeof times_ns) == 0);
}

/* Into memory of every length: either too large, or the same bytes; never a byte past the end. */
static void a_small_buffer_is_refused(void) {
  fill(CAIRN_F64, noise);
  cairn_block_header header = header_of(3, 2);
  assert(cairn_block_encode(&header, columns, &ROWS_IN, &scratch, block, sizeof block).status == CAIRN_ENCODE_OK);
  size_t length = header.byte_length;
  for (size_t capacity = 0; capacity <= length; capacity++) {
    uint8_t *exact = malloc(capacity > 0 ? capacity : 1);
    assert(exact != NULL);
    cairn_encode_status status = cairn_block_encode(&header, columns, &ROWS_IN, &scratch, exact, capacity).status;
    assert(status == (capacity < length ? CAIRN_ENCODE_TOO_LARGE : CAIRN_ENCODE_OK));
    assert(capacity < length || memcmp(exact, block, length) == 0);
    free(exact);
  }
  header = header_of(ROWS, COLUMNS);
  assert(cairn_block_encode(&header, columns, &ROWS_IN, &scratch, block, sizeof block).status == CAIRN_ENCODE_TOO_LARGE);
}

static void texts_share_their_bytes(void) {
  static uint8_t long_text[CAIRN_TEXT_MAX_BYTES];
  columns[0] = (cairn_column){.kind = CAIRN_UTF8};
  columns[1] = (cairn_column){.kind = CAIRN_BYTES};
  memset(quality, 0, sizeof quality);
  memset(long_text, 'x', sizeof long_text);
  for (size_t row = 0; row < ROWS; row++) {
    texts[2 * row] = (cairn_text){.data = long_text, .length = sizeof long_text};
    texts[2 * row + 1] = (cairn_text){.data = (const uint8_t *)&texts[2 * row], .length = row % 5};
  }
  cairn_block_header header = header_of(ROWS, 2);
  assert(cairn_block_encode(&header, columns, &ROWS_IN, &scratch, block, sizeof block).status == CAIRN_ENCODE_OK);
  assert(cairn_block_decode(block, header.byte_length, &ROWS_OUT, &scratch) == CAIRN_DECODE_OK);
  for (size_t i = 0; i < 2 * ROWS; i++) {
    assert(texts_back[i].length == texts[i].length);
    assert(memcmp(texts_back[i].data, texts[i].data, texts[i].length) == 0);
    assert(texts_back[i].data >= block && texts_back[i].data <= block + header.byte_length);
  }
  assert(header.byte_length < 2 * CAIRN_TEXT_MAX_BYTES + 4096 * 4);
}

/* RFC 3629 §4 and the classic malformed forms. */
static void utf8_is_checked(void) {
  static const struct {
    const char *bytes;
    bool good;
  } CASES[] = {
      {"", true}, {"a", true}, {"\xC2\xB5", true}, {"\xE2\x82\xAC", true}, {"\xF0\x9F\x98\x80", true},
      {"\xF4\x8F\xBF\xBF", true}, {"\x80", false}, {"\xC0\x80", false}, {"\xC1\xBF", false}, {"\xE0\x9F\xBF", false},
      {"\xED\xA0\x80", false}, {"\xF0\x8F\xBF\xBF", false}, {"\xF4\x90\x80\x80", false}, {"\xF5\x80\x80\x80", false},
      {"\xE2\x82", false}, {"\xC2", false}, {"\xE2\x28\xA1", false}, {"\xFF", false},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    assert(cairn_is_utf8((const uint8_t *)CASES[i].bytes, strlen(CASES[i].bytes)) == CASES[i].good);
  }
}

/* A half away from zero is rounded, the nearest double comes back, and past 2^53 - 1 is refused. */
static void decimals_round_as_stated(void) {
  static const struct {
    double in, out;
    uint8_t scale;
  } CASES[] = {{0.5, 1, 0},         {-0.5, -1, 0},         {2.5, 3, 0},       {21.345678, 21.35, 2}, {-1.005, -1, 1},
               {0.1, 0.1, 9},       {1e9 - 1e-6, 999999999.999999, 6},        {-0.0, 0, 3},
               {9007199254740991, 9007199254740991, 0}, {9007199254740.991, 9007199254740.991, 3}};
  memset(quality, 0, sizeof quality);
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    columns[0] = (cairn_column){.kind = CAIRN_DECIMAL, .scale = CASES[i].scale};
    values[0] = CASES[i].in;
    cairn_block_header header = header_of(1, 1);
    assert(cairn_block_encode(&header, columns, &ROWS_IN, &scratch, block, sizeof block).status == CAIRN_ENCODE_OK);
    assert(cairn_block_decode(block, header.byte_length, &ROWS_OUT, &scratch) == CAIRN_DECODE_OK);
    assert(values_back[0] == CASES[i].out && !signbit(values_back[0]) == !(CASES[i].out < 0));
  }
  static const double REFUSED[] = {9007199254740992.0, -9007199254740992.0, INFINITY, NAN, 1e300};
  for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
    columns[0] = (cairn_column){.kind = CAIRN_DECIMAL};
    values[0] = REFUSED[i];
    cairn_block_header header = header_of(1, 1);
    cairn_encode_result result = cairn_block_encode(&header, columns, &ROWS_IN, &scratch, block, sizeof block);
    assert(result.status == CAIRN_ENCODE_VALUE && result.row == 0 && result.column == 0);
  }
}

static void seal(uint8_t *bytes, size_t length) {
  for (unsigned i = 0; i < 4; i++) bytes[4 + i] = (uint8_t)(length >> (8 * i));
  uint32_t crc = cairn_crc32c(0, bytes, length - 4);
  for (unsigned i = 0; i < 4; i++) bytes[length - 4 + i] = (uint8_t)(crc >> (8 * i));
}

/* What a forger could make: any byte changed, or a column cut, and the CRC right again. No reading past the exact memory. */
static void wild_blocks_end(void) {
  columns[0] = (cairn_column){.kind = CAIRN_UTF8};
  columns[1] = (cairn_column){.kind = CAIRN_F64};
  memset(quality, 0, sizeof quality);
  for (size_t row = 0; row < 20; row++) {
    texts[row] = (cairn_text){.data = (const uint8_t *)"tag-0tag-1", .length = 5 * (row % 3)};
    quality[2 * row] = row % 4;
    values[2 * row + 1] = (double)row / 3;
  }
  cairn_block_header header = header_of(20, 2);
  assert(cairn_block_encode(&header, columns, &ROWS_IN, &scratch, block, sizeof block).status == CAIRN_ENCODE_OK);
  size_t refused = 0;
  for (int round = 0; round < 30000; round++) {
    size_t length = round % 2 ? header.byte_length : 60 + next_random() % (header.byte_length - 60);
    uint8_t *exact = malloc(length);
    assert(exact != NULL);
    memcpy(exact, block, length);
    exact[next_random() % length] = (uint8_t)next_random();
    seal(exact, length);
    refused += cairn_block_decode(exact, length, &ROWS_OUT, &scratch) != CAIRN_DECODE_OK;
    free(exact);
  }
  assert(refused > 10000);
}

int main(void) {
  the_largest_comes_back();
  a_small_buffer_is_refused();
  texts_share_their_bytes();
  utf8_is_checked();
  decimals_round_as_stated();
  wild_blocks_end();
  puts("block: ok");
  return 0;
}
