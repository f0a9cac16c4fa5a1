#ifndef CAIRN_PACKET_BITS_H
#define CAIRN_PACKET_BITS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A bounded writer and a bounded reader of bytes, little-endian words, LEB128 varints and bits (most significant first).
 * A full writer and an exhausted reader remember that (`failed`) and do nothing more; whoever uses them asks once, at the end.
 * Bits are written and read in runs: a run ends with cairn_put_align / cairn_get_align before anything else follows.
 */
typedef struct {
  uint8_t *data; /* the caller's */
  size_t capacity;
  size_t length;
  uint64_t pending;
  unsigned pending_bits; /* below 8 between calls */
  bool failed;
} cairn_writer;

typedef struct {
  const uint8_t *data; /* the caller's */
  size_t length;
  size_t position;
  uint64_t window;
  unsigned window_bits; /* below 8 between calls */
  bool failed;
} cairn_reader;

static inline void cairn_put_byte(cairn_writer *writer, uint8_t byte) {
  if (writer->length < writer->capacity) writer->data[writer->length++] = byte;
  else writer->failed = true;
}

static inline void cairn_put_bytes(cairn_writer *writer, const uint8_t *bytes, size_t count) {
  if (count > writer->capacity - writer->length) {
    writer->failed = true;
  } else if (count > 0) {
    memcpy(writer->data + writer->length, bytes, count);
    writer->length += count;
  }
}

/* `count` (1 to 8) bytes of a little-endian word. */
static inline void cairn_put_word(cairn_writer *writer, uint64_t word, unsigned count) {
  for (unsigned i = 0; i < count; i++) cairn_put_byte(writer, (uint8_t)(word >> (8 * i)));
}

static inline void cairn_put_varint(cairn_writer *writer, uint64_t value) {
  for (; value >= 0x80; value >>= 7) cairn_put_byte(writer, (uint8_t)(value | 0x80));
  cairn_put_byte(writer, (uint8_t)value);
}

static inline size_t cairn_varint_size(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) size++;
  return size;
}

/* The low `count` (0 to 64) bits of value; the bits above are ignored. */
static inline void cairn_put_bits(cairn_writer *writer, uint64_t value, unsigned count) {
  assert(count <= 64);
  if (count > 32) {
    cairn_put_bits(writer, value >> 32, count - 32);
    count = 32;
  }
  writer->pending = writer->pending << count | (value & ((UINT64_C(1) << count) - 1));
  writer->pending_bits += count;
  while (writer->pending_bits >= 8) {
    writer->pending_bits -= 8;
    cairn_put_byte(writer, (uint8_t)(writer->pending >> writer->pending_bits));
  }
}

/* Fills the last byte of a run with zero bits. */
static inline void cairn_put_align(cairn_writer *writer) {
  if (writer->pending_bits > 0) cairn_put_bits(writer, 0, 8 - writer->pending_bits);
  writer->pending = 0;
}

static inline uint8_t cairn_get_byte(cairn_reader *reader) {
  if (reader->position < reader->length) return reader->data[reader->position++];
  reader->failed = true;
  return 0;
}

/* Where `count` bytes lie, or NULL when there are fewer. */
static inline const uint8_t *cairn_get_bytes(cairn_reader *reader, size_t count) {
  if (count > reader->length - reader->position) {
    reader->failed = true;
    return NULL;
  }
  const uint8_t *bytes = reader->data + reader->position;
  reader->position += count;
  return bytes;
}

static inline uint64_t cairn_get_word(cairn_reader *reader, unsigned count) {
  uint64_t word = 0;
  for (unsigned i = 0; i < count; i++) word |= (uint64_t)cairn_get_byte(reader) << (8 * i);
  return word;
}

/* At most 10 bytes; a value past 64 bits fails. */
static inline uint64_t cairn_get_varint(cairn_reader *reader) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t byte = cairn_get_byte(reader);
    if (shift == 63 && byte > 1) break;
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  reader->failed = true;
  return 0;
}

static inline uint64_t cairn_get_bits(cairn_reader *reader, unsigned count) {
  assert(count <= 64);
  uint64_t high = 0;
  if (count > 32) {
    high = cairn_get_bits(reader, count - 32) << 32;
    count = 32;
  }
  while (reader->window_bits < count) {
    reader->window = reader->window << 8 | cairn_get_byte(reader);
    reader->window_bits += 8;
  }
  reader->window_bits -= count;
  return high | ((reader->window >> reader->window_bits) & ((UINT64_C(1) << count) - 1));
}

/* Counts one bits up to and without the zero that ends them, or up to `most`, after which no zero is read. */
static inline unsigned cairn_get_ones(cairn_reader *reader, unsigned most) {
  unsigned ones = 0;
  while (ones < most && cairn_get_bits(reader, 1) == 1) ones++;
  return ones;
}

/* Ends a run of bits: what is left of its last byte must be zero. */
static inline void cairn_get_align(cairn_reader *reader) {
  if ((reader->window & ((UINT64_C(1) << reader->window_bits) - 1)) != 0) reader->failed = true;
  reader->window = 0;
  reader->window_bits = 0;
}

/* Signed numbers as unsigned ones, small where their magnitude is small: 0, -1, 1, -2 … become 0, 1, 2, 3 … */
static inline uint64_t cairn_zigzag(uint64_t value) { return value << 1 ^ (0 - (value >> 63)); }
static inline uint64_t cairn_unzigzag(uint64_t code) { return code >> 1 ^ (0 - (code & 1)); }

#endif
