#include "fuzz/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_framing(CAIRN_FRAME_LINE, data, size); }
