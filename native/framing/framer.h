#ifndef CAIRN_FRAMING_FRAMER_H
#define CAIRN_FRAMING_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Cuts a byte stream into frames of at most `max_bytes`. The same bytes give the same frames and counters however they are
 * cut into chunks.
 *   line: up to LF, one CR before it stripped. Empty lines are no frames.
 *   nmea: '$' or '!', an address of four capitals or digits at least, up to "*hh", ended by CR or LF; hh is the XOR of what lies
 *         between (NMEA 0183). A '$' inside starts anew; a byte outside printable ASCII ends it as bad. Given whole, without
 *         CR and LF.
 *   cobs: up to 0x00, decoded. Empty frames are none.
 */
typedef enum { CAIRN_FRAME_LINE, CAIRN_FRAME_NMEA, CAIRN_FRAME_COBS } cairn_frame_kind;

#define CAIRN_FRAME_MAX_BYTES (1u << 20)

typedef struct {
  uint64_t bytes;        /* all that came in */
  uint64_t frames;       /* given */
  uint64_t bad_checksum; /* nmea: wrong or no checksum, no end after it, a byte that no sentence holds; cobs: not well-formed */
  uint64_t too_long;     /* frames dropped for their length */
  uint64_t stray_bytes;  /* outside any frame: line noise, binary chatter between sentences, the head of a sentence cut by '$' */
} cairn_framer_counters;

typedef struct {
  cairn_frame_kind kind;
  uint8_t *buffer; /* the caller's, max_bytes + 1 */
  size_t max_bytes;
  size_t used;
  uint8_t state;     /* each kind's own */
  uint8_t sum;       /* nmea: XOR of the bytes so far */
  uint8_t stated;    /* nmea: the checksum after '*', as far as read */
  uint8_t code;      /* cobs: the current run's code */
  uint8_t remaining; /* cobs: bytes still to come in the run */
  cairn_framer_counters counters;
} cairn_framer;

/* max_bytes: 1 to CAIRN_FRAME_MAX_BYTES. `buffer` has max_bytes + 1 bytes and outlives the framer. */
void cairn_framer_init(cairn_framer *framer, cairn_frame_kind kind, uint8_t *buffer, size_t max_bytes);

/* Forgets a half frame; the counters stay. */
void cairn_framer_reset(cairn_framer *framer);

/*
 * Takes bytes from *bytes (which it moves on, up to `end`) until a frame is whole. True: the frame is framer->buffer, *length
 * long, until the next call. False: all bytes are taken.
 */
bool cairn_framer_next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length);

/* Each kind's own; used by dispatch.c only. */
bool cairn_line_next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length);
bool cairn_nmea_next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length);
bool cairn_cobs_next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length);

#endif
