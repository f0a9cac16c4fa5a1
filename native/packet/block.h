#ifndef CAIRN_PACKET_BLOCK_H
#define CAIRN_PACKET_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A block: rows of one stream from one boot, columnar, sealed by a CRC-32C. Bytes: docs/wire-format.md §1. Nothing here
 * allocates: memory is the caller's. Encoding is deterministic: the same rows give the same bytes on every machine.
 */
#define CAIRN_BLOCK_VERSION 1
#define CAIRN_BLOCK_MAX_BYTES (1u << 20)
#define CAIRN_BLOCK_MAX_ROWS 4096u
#define CAIRN_BLOCK_MAX_COLUMNS 64u
#define CAIRN_STREAM_MAX_BYTES 49u
#define CAIRN_TEXT_MAX_BYTES 4096u
#define CAIRN_SCALE_MAX 9u
#define CAIRN_ENUM_MAX 65535u
#define CAIRN_INTEGER_MAX ((INT64_C(1) << 53) - 1)

typedef enum { CAIRN_F64, CAIRN_DECIMAL, CAIRN_INT, CAIRN_ENUM, CAIRN_UTF8, CAIRN_BYTES } cairn_kind;
#define CAIRN_KINDS 6u

enum { CAIRN_GOOD, CAIRN_SUSPECT, CAIRN_STALE, CAIRN_FAULT };

typedef struct {
  uint8_t kind;  /* cairn_kind */
  uint8_t scale; /* CAIRN_DECIMAL only, 0 to CAIRN_SCALE_MAX; else 0 */
} cairn_column;

typedef struct {
  uint8_t node[8];
  uint8_t epoch[8];
  uint64_t first; /* sequence of the first row; that of the last is at most 2^53 - 1 */
  int64_t first_time_ns;
  uint32_t boot;
  uint16_t descriptor_version;
  uint16_t rows;
  uint8_t columns;
  uint8_t stream_length;
  char stream[CAIRN_STREAM_MAX_BYTES]; /* [a-z0-9.-], no NUL */
  uint32_t byte_length;                /* of the whole block; set by encoding and decoding, as is crc */
  uint32_t crc;
} cairn_block_header;

/* A value of a utf8 or bytes column. Absent: data is NULL. */
typedef struct {
  const uint8_t *data;
  uint32_t length;
} cairn_text;

/* rows × columns, row by row; texts: rows × columns of kind utf8 or bytes, in their order. NULL when there is no such column. */
typedef struct {
  const int64_t *times_ns;
  const double *values;
  const uint8_t *quality;
  const cairn_text *texts;
} cairn_rows;

typedef struct {
  int64_t *times_ns;
  double *values;   /* NaN where absent, and in utf8 and bytes columns */
  uint8_t *quality;
  cairn_text *texts; /* they point into the block's bytes */
} cairn_rows_out;

/* About 230 KiB, so that nothing lies on the stack or is allocated: one for each call that may run at the same time. */
typedef struct {
  uint64_t numbers[CAIRN_BLOCK_MAX_ROWS];
  uint64_t work[2 * CAIRN_BLOCK_MAX_ROWS];
  uint64_t other[CAIRN_BLOCK_MAX_ROWS];
  uint64_t corrections[CAIRN_BLOCK_MAX_ROWS];
  cairn_text distinct[CAIRN_BLOCK_MAX_ROWS];
  uint16_t slots[2 * CAIRN_BLOCK_MAX_ROWS];
} cairn_scratch;

/* Why rows can't become a block: always the caller's doing. */
typedef enum {
  CAIRN_ENCODE_OK,
  CAIRN_ENCODE_ROWS,      /* not 1 to 4096 rows */
  CAIRN_ENCODE_COLUMNS,   /* not 1 to 64 columns, or a column of no known kind or scale */
  CAIRN_ENCODE_STREAM,    /* not 1 to 49 bytes of [a-z0-9.-] */
  CAIRN_ENCODE_SEQUENCE,  /* first or last sequence past 2^53 - 1 */
  CAIRN_ENCODE_QUALITY,   /* not 0 to 3 */
  CAIRN_ENCODE_VALUE,     /* not a number that the column can keep */
  CAIRN_ENCODE_TEXT,      /* absent although its quality isn't fault, over 4096 bytes, or not UTF-8 */
  CAIRN_ENCODE_TOO_LARGE, /* over 1 MiB, or over the capacity given */
} cairn_encode_status;

typedef struct {
  cairn_encode_status status;
  size_t row; /* for QUALITY, VALUE and TEXT; column for COLUMNS too */
  size_t column;
} cairn_encode_result;

/* In the order in which a reader meets them; the names of DecodeErrorKind in types.ts. */
typedef enum {
  CAIRN_DECODE_OK,
  CAIRN_DECODE_SHORT,
  CAIRN_DECODE_BAD_MAGIC,
  CAIRN_DECODE_BAD_VERSION,
  CAIRN_DECODE_BAD_CRC,
  CAIRN_DECODE_BAD_HEADER,
  CAIRN_DECODE_BAD_COLUMN,
  CAIRN_DECODE_TOO_LARGE,
} cairn_decode_status;

/* Seals rows: fills header->byte_length, crc and first_time_ns (from the rows). `out` has room for `capacity` bytes. */
cairn_encode_result cairn_block_encode(cairn_block_header *header, const cairn_column *columns, const cairn_rows *rows,
                                       cairn_scratch *scratch, uint8_t *out, size_t capacity);

/* The header of the block at the start of `bytes`, its CRC checked. Bytes behind the block are not looked at. */
cairn_decode_status cairn_block_decode_header(const uint8_t *bytes, size_t length, cairn_block_header *header,
                                              cairn_column columns[CAIRN_BLOCK_MAX_COLUMNS]);

/* The rows too; `out` has room for what the header says (decode it first). On failure the contents of `out` mean nothing. */
cairn_decode_status cairn_block_decode(const uint8_t *bytes, size_t length, const cairn_rows_out *out,
                                       cairn_scratch *scratch);

static inline bool cairn_is_text(uint8_t kind) { return kind == CAIRN_UTF8 || kind == CAIRN_BYTES; }

static inline size_t cairn_count_texts(const cairn_column *columns, size_t count) {
  size_t texts = 0;
  for (size_t c = 0; c < count; c++) texts += cairn_is_text(columns[c].kind);
  return texts;
}

#endif
