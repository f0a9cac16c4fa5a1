#include "framing/framer.h"

#include <assert.h>

void cairn_framer_init(cairn_framer *framer, cairn_frame_kind kind, uint8_t *buffer, size_t max_bytes) {
  assert(max_bytes >= 1 && max_bytes <= CAIRN_FRAME_MAX_BYTES);
  *framer = (cairn_framer){.kind = kind, .buffer = buffer, .max_bytes = max_bytes};
}

void cairn_framer_reset(cairn_framer *framer) {
  framer->used = 0;
  framer->state = 0;
  framer->sum = 0;
  framer->stated = 0;
  framer->code = 0;
  framer->remaining = 0;
}

static bool next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length) {
  switch (framer->kind) {
    case CAIRN_FRAME_LINE: return cairn_line_next(framer, bytes, end, length);
    case CAIRN_FRAME_NMEA: return cairn_nmea_next(framer, bytes, end, length);
    case CAIRN_FRAME_COBS: return cairn_cobs_next(framer, bytes, end, length);
  }
  assert(!"a kind that doesn't exist");
  return false;
}

bool cairn_framer_next(cairn_framer *framer, const uint8_t **bytes, const uint8_t *end, size_t *length) {
  const uint8_t *start = *bytes;
  bool found = *bytes < end && next(framer, bytes, end, length);
  framer->counters.bytes += (uint64_t)(*bytes - start);
  framer->counters.frames += found;
  return found;
}
