#ifndef CAIRN_BINDING_PACKET_H
#define CAIRN_BINDING_PACKET_H

#include "binding/values.h"
#include "packet/block.h"

/* Taken once an environment: calls of one environment run one at a time on its thread. Pages are resident once touched. */
typedef struct {
  cairn_scratch scratch;
  uint8_t out[CAIRN_BLOCK_MAX_BYTES];
} cairn_packet_state;

/* By cairn_kind: the `kind` of ColumnType in types.ts. */
extern const char *const cairn_kind_names[CAIRN_KINDS];

/* Arguments and the state that the function was registered with; false with an exception pending. */
bool cairn_take_packet_args(napi_env env, napi_callback_info info, cairn_args *args, cairn_packet_state **state);

napi_value cairn_encode_block(napi_env env, napi_callback_info info);
napi_value cairn_check_block(napi_env env, napi_callback_info info);
napi_value cairn_decode_block(napi_env env, napi_callback_info info);

/* Texts of rows on their way in: copied, so that nothing that JavaScript does meanwhile can move them. */
typedef struct {
  cairn_text *texts; /* rows × text columns; NULL when there are none */
  uint8_t *bytes;
} cairn_text_copies;

/* `value`: the rows' `texts`. False with an exception pending. Whatever the outcome, cairn_free_texts ends it. */
bool cairn_take_texts(napi_env env, napi_value value, const cairn_block_header *header, const cairn_column *columns,
                      cairn_text_copies *copies);
void cairn_free_texts(cairn_text_copies *copies);

#endif
