/*
 * Every rule of docs/wire-format.md that a block can break, broken once, under a right CRC: each is refused with its own kind. The
 * blocks are put together by hand from that page. Next to each stands its nearest sound neighbour, which must be read.
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/block.h"
#include "packet/crc32c.h"

enum { HEAD = 52, BODY_MAX = 5000 }; /* header with a name of one byte and one column */

static cairn_scratch scratch;
static int64_t times_ns[CAIRN_BLOCK_MAX_ROWS];
static double values[CAIRN_BLOCK_MAX_ROWS];
static uint8_t quality[CAIRN_BLOCK_MAX_ROWS];
static cairn_text texts[CAIRN_BLOCK_MAX_ROWS];
static const cairn_rows_out OUT = {times_ns, values, quality, texts};

/* A header of two rows, one column, stream "s"; everything else 0. */
static void put_head(uint8_t *block, uint8_t rows, uint8_t column_byte) {
  memset(block, 0, HEAD);
  memcpy(block, "CRN\x01", 4);
  block[46] = rows;
  block[48] = 1;
  block[49] = 1;
  block[50] = 's';
  block[51] = column_byte;
}

static void seal(uint8_t *block, size_t length) {
  for (unsigned i = 0; i < 4; i++) block[4 + i] = (uint8_t)(length >> (8 * i));
  uint32_t crc = cairn_crc32c(0, block, length - 4);
  for (unsigned i = 0; i < 4; i++) block[length - 4 + i] = (uint8_t)(crc >> (8 * i));
}

static cairn_decode_status decode(uint8_t *block, size_t length) {
  uint8_t *exact = malloc(length);
  assert(exact != NULL);
  memcpy(exact, block, length);
  cairn_decode_status status = cairn_block_decode(exact, length, &OUT, &scratch);
  free(exact);
  return status;
}

/* A block of `rows` with one column of the given column byte, and all that follows up to the CRC. */
static cairn_decode_status with_body(uint8_t rows, uint8_t column_byte, const char *body, size_t size) {
  static uint8_t block[HEAD + BODY_MAX + 4];
  put_head(block, rows, column_byte);
  memcpy(block + HEAD, body, size);
  seal(block, HEAD + size + 4);
  return decode(block, HEAD + size + 4);
}

#define BODY(rows, column_byte, body) with_body(rows, column_byte, body, sizeof body - 1)
#define GOOD(rows, column_byte, body) assert(BODY(rows, column_byte, body) == CAIRN_DECODE_OK)
#define BAD(rows, column_byte, body) assert(BODY(rows, column_byte, body) == CAIRN_DECODE_BAD_COLUMN)

#define TIMES "\xFD\x00" /* order 1, k 63, 0: all rows at once */
#define ALL_GOOD "\x00"
#define TEN_BYTES "\x80\x80\x80\x80\x80\x80\x80\x80\x80"

static void integers(void) {
  GOOD(2, 0x20, TIMES ALL_GOOD "\xFC\x02");
  assert(values[0] == 1 && values[1] == 1);
  GOOD(2, 0x20, TIMES ALL_GOOD "\x03\x02\x02\xFE\x00\x02"); /* o = 1, g = 2, y = 0, 1 */
  assert(values[0] == 1 && values[1] == 3);
  BAD(2, 0x20, TIMES ALL_GOOD "\x03\x01\x02\xFE\x00\x02");     /* a unit of 1 */
  BAD(2, 0x20, TIMES ALL_GOOD "\x03\x00\x02\xFE\x00\x02");     /* a unit of 0 */
  BAD(2, 0x20, TIMES ALL_GOOD "\x03\x02\x02\x03\x02\x02\xFC"); /* a unit within a unit */
  BAD(2, 0x20, TIMES ALL_GOOD "\xFF\x02\x02");                 /* order 3 with a k */
  GOOD(2, 0x20, TIMES ALL_GOOD "\xFE\x02\x02");
  BAD(1, 0x20, TIMES ALL_GOOD "\xFE\x02\x02"); /* order 2 of one number */
  GOOD(2, 0x20, TIMES ALL_GOOD "\x00\x02\x00");
  BAD(2, 0x20, TIMES ALL_GOOD "\x00\x02\x01"); /* two residuals of one bit each, then a one */
  BAD(2, 0x20, TIMES ALL_GOOD "\xFC");         /* cut */
  BAD(2, 0x20, TIMES ALL_GOOD "\xFC\x02\x00"); /* more than the columns */
  BAD(2, 0x00, TIMES ALL_GOOD "\xFC" TEN_BYTES "\x02"); /* a varint of 65 bits */
  GOOD(2, 0x0E, TIMES ALL_GOOD "\xFC" TEN_BYTES "\x01");
}

static void bounds_of_kinds(void) {
  GOOD(2, 0x30, TIMES ALL_GOOD "\xFC\xFE\xFF\x07"); /* 65535 zigzagged */
  assert(values[0] == 65535);
  BAD(2, 0x30, TIMES ALL_GOOD "\xFC\x80\x80\x08"); /* 65536 */
  BAD(2, 0x30, TIMES ALL_GOOD "\xFC\x01");         /* -1 */
  GOOD(2, 0x20, TIMES ALL_GOOD "\xFC\xFE\xFF\xFF\xFF\xFF\xFF\xFF\x1F"); /* 2^53 - 1 */
  assert(values[0] == 9007199254740991.0);
  BAD(2, 0x20, TIMES ALL_GOOD "\xFC\x80\x80\x80\x80\x80\x80\x80\x20"); /* 2^53 */
  BAD(2, 0x12, TIMES ALL_GOOD "\xFC\x80\x80\x80\x80\x80\x80\x80\x20");
  BAD(2, 0x02, TIMES ALL_GOOD "\xFC\x80\x80\x80\x80\x80\x80\x80\x20");
  BAD(2, 0x20, TIMES ALL_GOOD "\xFC\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x1F"); /* -2^53 */
}

static void times_and_quality(void) {
  BAD(2, 0x20, "\xFD\x02" ALL_GOOD "\xFC\x02"); /* the first row isn't at the header's time */
  GOOD(2, 0x20, TIMES "\x01\x04" "\xFC\x02");
  GOOD(2, 0x20, TIMES "\x01\x03\x02" "\xFC\x02");
  assert(quality[0] == CAIRN_FAULT && quality[1] == CAIRN_STALE && values[0] != values[0] && values[1] == 1);
  BAD(2, 0x20, TIMES "\x02" "\xFC\x02");     /* no such form */
  BAD(2, 0x20, TIMES "\x01\x08" "\xFC\x02"); /* a run of three for two values */
  BAD(2, 0x20, TIMES "\x01\x00");            /* a value without a run */
}

static void doubles(void) {
  GOOD(2, 0x0A, TIMES ALL_GOOD "\x01\xFC\x06\xFC\x02"); /* 3 / 10, and one ulp: 0.1 + 0.2 */
  assert(values[0] == 0.1 + 0.2 && values[0] != 0.3);
  BAD(2, 0x0A, TIMES ALL_GOOD "\x0A\xFC\x06\xFC\x02"); /* scale 10 */
  BAD(2, 0x0A, TIMES ALL_GOOD "\x01\xFC\x06");         /* no corrections */
  GOOD(2, 0x0F, TIMES ALL_GOOD "\x3F\xF0\0\0\0\0\0\0\x00");
  assert(values[0] == 1 && values[1] == 1);
  BAD(2, 0x0F, TIMES ALL_GOOD "\x3F\xF0\0\0\0\0\0\0\x80");     /* a window before any was given */
  GOOD(2, 0x0F, TIMES ALL_GOOD "\x3F\xF0\0\0\0\0\0\0\xC0\x04"); /* z = 0, L = 1: the sign */
  assert(values[1] == -1);
  BAD(2, 0x0F, TIMES ALL_GOOD "\x3F\xF0\0\0\0\0\0\0\xFF\x80\0\0\0\0\0\0"); /* z = 31, L = 49: past bit 64 */
}

static void text_columns(void) {
  GOOD(2, 0x40, TIMES ALL_GOOD "\xFE\x00\x02\xFC\x02" "ab"); /* indexes 0, 1; lengths 1, 1 */
  assert(texts[1].length == 1 && texts[0].length == 1);
  BAD(2, 0x40, TIMES ALL_GOOD "\xFE\x00\x04\xFC\x02" "ab"); /* indexes 0, 2 */
  BAD(2, 0x40, TIMES ALL_GOOD "\xFE\x00\x04\xFC\x02" "a");
  BAD(2, 0x40, TIMES ALL_GOOD "\xFC\x02\xFC\x02" "ab");     /* the first index is 1 */
  BAD(2, 0x40, TIMES ALL_GOOD "\xFE\x00\x02\xFC\x02" "a");  /* bytes cut */
  BAD(2, 0x40, TIMES ALL_GOOD "\xFE\x00\x02\xFC\x01" "ab"); /* a length of -1 */
  BAD(2, 0x40, TIMES ALL_GOOD "\xFE\x00\x02\xFC\x02" "a\xFF");
  GOOD(2, 0x50, TIMES ALL_GOOD "\xFE\x00\x02\xFC\x02" "a\xFF");
  static char body[BODY_MAX] = TIMES ALL_GOOD "\xFC\x00\xFC\x80\x40"; /* one text of 4096 bytes */
  assert(with_body(2, 0x50, body, 8 + 4096) == CAIRN_DECODE_OK && texts[0].length == 4096);
  body[6] = (char)0x82; /* 4097 */
  assert(with_body(2, 0x50, body, 8 + 4097) == CAIRN_DECODE_BAD_COLUMN);
}

/* The sound block with one byte of its header changed. */
static cairn_decode_status with_byte(size_t offset, uint8_t byte) {
  uint8_t block[HEAD + 9];
  put_head(block, 2, 0x20);
  memcpy(block + HEAD, TIMES ALL_GOOD "\xFC\x02", 5);
  block[offset] = byte;
  seal(block, sizeof block);
  return decode(block, sizeof block);
}

static void headers(void) {
  assert(with_byte(50, 'z') == CAIRN_DECODE_OK);
  assert(with_byte(0, 'c') == CAIRN_DECODE_BAD_MAGIC);
  assert(with_byte(3, 2) == CAIRN_DECODE_BAD_VERSION);
  assert(with_byte(3, 0) == CAIRN_DECODE_BAD_VERSION);
  assert(with_byte(31, 0x20) == CAIRN_DECODE_BAD_HEADER); /* first is 2^61 */
  assert(with_byte(46, 0) == CAIRN_DECODE_BAD_HEADER);    /* no row */
  assert(with_byte(47, 0x10) == CAIRN_DECODE_BAD_HEADER); /* 4098 rows */
  assert(with_byte(48, 0) == CAIRN_DECODE_BAD_HEADER);
  assert(with_byte(48, 65) == CAIRN_DECODE_BAD_HEADER);
  assert(with_byte(49, 0) == CAIRN_DECODE_BAD_HEADER);
  assert(with_byte(49, 50) == CAIRN_DECODE_BAD_HEADER);
  assert(with_byte(50, 'S') == CAIRN_DECODE_BAD_HEADER);
  assert(with_byte(50, 0) == CAIRN_DECODE_BAD_HEADER);
  static const uint8_t COLUMN_BYTES[] = {0x0B, 0x0D, 0x1A, 0x21, 0x31, 0x41, 0x51, 0x60, 0xF0};
  for (size_t i = 0; i < sizeof COLUMN_BYTES; i++) assert(with_byte(51, COLUMN_BYTES[i]) == CAIRN_DECODE_BAD_HEADER);
}

/* The last row's sequence may be 2^53 - 1, and not one more. */
static void sequences(void) {
  uint8_t block[HEAD + 9];
  put_head(block, 2, 0x20);
  memcpy(block + HEAD, TIMES ALL_GOOD "\xFC\x02", 5);
  memcpy(block + 24, "\xFE\xFF\xFF\xFF\xFF\xFF\x1F\x00", 8);
  seal(block, sizeof block);
  assert(decode(block, sizeof block) == CAIRN_DECODE_OK);
  block[24] = 0xFF;
  seal(block, sizeof block);
  assert(decode(block, sizeof block) == CAIRN_DECODE_BAD_HEADER);
}

static void lengths(void) {
  uint8_t block[HEAD + 9];
  put_head(block, 2, 0x20);
  memcpy(block + HEAD, TIMES ALL_GOOD "\xFC\x02", 5);
  seal(block, sizeof block);
  assert(decode(block, sizeof block) == CAIRN_DECODE_OK);
  for (size_t length = 1; length < sizeof block; length++) assert(decode(block, length) == CAIRN_DECODE_SHORT);
  block[4] = 53;
  assert(decode(block, sizeof block) == CAIRN_DECODE_BAD_HEADER);
  block[4] = sizeof block + 1;
  assert(decode(block, sizeof block) == CAIRN_DECODE_SHORT);
  memcpy(block + 4, "\x01\x00\x10\x00", 4); /* 2^20 + 1 */
  assert(decode(block, sizeof block) == CAIRN_DECODE_TOO_LARGE);
}

int main(void) {
  integers();
  bounds_of_kinds();
  times_and_quality();
  doubles();
  text_columns();
  headers();
  sequences();
  lengths();
  puts("refusals: ok");
  return 0;
}
