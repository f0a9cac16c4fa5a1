#ifndef CAIRN_PACKET_HEADER_H
#define CAIRN_PACKET_HEADER_H

#include "packet/bits.h"
#include "packet/block.h"

/* Where things lie in a block; all of docs/wire-format.md §1.1. */
#define CAIRN_LENGTH_OFFSET 4u
#define CAIRN_HEADER_FIXED_BYTES 50u
#define CAIRN_CRC_BYTES 4u
#define CAIRN_BLOCK_MIN_BYTES (CAIRN_HEADER_FIXED_BYTES + CAIRN_CRC_BYTES)

/* How the numbers of an f64 column are kept: the low half of its column byte. 0 to 9: as decimals of that scale. */
#define CAIRN_FLOAT_CORRECTED 10u /* a scale, decimals of it, and what to add to the bits of each */
#define CAIRN_FLOAT_BITS 14u      /* the IEEE 754 bits as integers */
#define CAIRN_FLOAT_XOR 15u

/* kind << 4 | scale or encoding: the column byte. */
typedef struct {
  cairn_column column;
  uint8_t encoding; /* f64 only */
} cairn_column_byte;

cairn_encode_result cairn_check_header(const cairn_block_header *header, const cairn_column *columns);

/* Everything up to the columns; the column bytes and the length are filled in later, at the offset returned and at LENGTH_OFFSET. */
size_t cairn_put_header(cairn_writer *writer, const cairn_block_header *header);

/* Checks length and CRC, then reads the header; on success the reader stands at the time column and ends before the CRC. */
cairn_decode_status cairn_get_header(const uint8_t *bytes, size_t length, cairn_reader *reader,
                                     cairn_block_header *header, cairn_column_byte columns[CAIRN_BLOCK_MAX_COLUMNS]);

#endif
