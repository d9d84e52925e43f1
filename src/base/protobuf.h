/* protobuf.h - messages of Protocol Buffers, written field by field (https://protobuf.dev/programming-guides/encoding).
 *
 *     Protobuf value = {0}, summary = {0};
 *     protobuf_text(&value, 1, "loss");
 *     protobuf_float(&value, 2, 2.5f);
 *     protobuf_message(&summary, 1, &value);  // also empties `value` for the next
 *     protobuf_free(&value); protobuf_free(&summary); */
#ifndef BASE_PROTOBUF_H
#define BASE_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

/* Begin with {0}. */
typedef struct {
    unsigned char *bytes;
    size_t n_bytes, capacity;
} Protobuf;

void protobuf_free(Protobuf *message);
void protobuf_clear(Protobuf *message);  /* empty, its memory kept */

void protobuf_int(Protobuf *message, int field, int64_t value);  /* int32, int64, uint64, bool, enum */
void protobuf_float(Protobuf *message, int field, float value);
void protobuf_double(Protobuf *message, int field, double value);
void protobuf_bytes(Protobuf *message, int field, const void *bytes, size_t n_bytes);
void protobuf_text(Protobuf *message, int field, const char *text);
void protobuf_doubles(Protobuf *message, int field, const double *values, size_t n);  /* repeated, packed */
/* Appends `part` as a field and empties it. */
void protobuf_message(Protobuf *message, int field, Protobuf *part);

#endif
