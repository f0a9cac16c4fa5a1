#include "framing/framer.h"

/*
 * HUNTING: between sentences. ADDRESS: the first characters after the start. BODY: up to '*'. HIGH, LOW: the checksum's digits. END: CR
 * or LF must follow.
 */
enum { HUNTING, ADDRESS, BODY, HIGH, LOW, END };

/*
 * A talker's address has five characters, a proprietary one 'P' and three or more (NMEA 0183 §6.2.1). Without them, a ',' that noise
 * makes a '$' would begin a sentence that the checksum's eight bits let pass one time in 256.
 */
#define ADDRESS_MIN 4

static int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  return -1;
}

/* What a sentence may hold (NMEA 0183 §6.1). A NUL, which a break on the line reads as, would leave the checksum right. */
static bool is_valid(uint8_t byte) { return byte >= 0x20 && byte <= 0x7E; }

static bool is_of_address(uint8_t byte) { return (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9'); }

static void start(cairn_framer *framer, uint8_t byte) {
  cairn_framer_reset(framer);
  framer->buffer[framer->used++] = byte;
  framer->state = ADDRESS;
}

static void bad(cairn_framer *framer) {
  framer->counters.bad_checksum++;
  cairn_framer_reset(framer);
}

/* The byte's place in a sentence that has begun. */
static void advance(cairn_framer *framer, uint8_t byte) {
  int digit = hex_digit(byte);
  framer->buffer[framer->used++] = byte;
  if (framer->state == ADDRESS) {
    framer->sum ^= byte;
    if (!is_of_address(byte)) bad(framer);
    else if (framer->used == 1 + ADDRESS_MIN) framer->state = BODY;
  } else if (framer->state == BODY && byte == '*') {
    framer->state = HIGH;
  } else if (framer->state == BODY) {
    framer->sum ^= byte;
  } else if (framer->state == END || digit < 0) {
    bad(framer);
  } else {
    framer->stated = (uint8_t)(framer->stated << 4 | digit);
    framer->state++;
  }
}

/* CR or LF inside a sentence: its end, right or wrong. */
static bool end_sentence(cairn_framer *framer, size_t *length) {
  bool good = framer->state == END && framer->sum == framer->stated;
  *length = framer->used;
  if (good) cairn_framer_reset(framer);
  else bad(framer);
  return good;
}

static void too_long(cairn_framer *framer) {
  framer->counters.too_long++;
  cairn_framer_reset(framer);
}

bool cairn_nmea_next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length) {
  while (*bytes < end) {
    uint8_t byte = *(*bytes)++;
    bool is_end = byte == '\r' || byte == '\n';
    if (byte == '$' || (byte == '!' && framer->state == HUNTING)) {
      framer->counters.stray_bytes += framer->used;
      start(framer, byte);
    } else if (framer->state == HUNTING) {
      framer->counters.stray_bytes += !is_end;
    } else if (is_end) {
      if (end_sentence(framer, length)) return true;
    } else if (!is_valid(byte)) {
      bad(framer);
    } else if (framer->used == framer->max_bytes) {
      too_long(framer);
    } else {
      advance(framer, byte);
    }
  }
  return false;
}
