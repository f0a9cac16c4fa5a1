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
