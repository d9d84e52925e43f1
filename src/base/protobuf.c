#include "base/protobuf.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

typedef enum { WIRE_VARINT = 0, WIRE_64_BITS = 1, WIRE_BYTES = 2, WIRE_32_BITS = 5 } WireType;

void protobuf_free(Protobuf *message)
{
    free(message->bytes);
    *message = (Protobuf){0};
}

void protobuf_clear(Protobuf *message)
{
    message->n_bytes = 0;
}

static void put(Protobuf *message, const void *bytes, size_t n_bytes)
{
    if (message->n_bytes + n_bytes > message->capacity) {
        message->capacity = 2 * (message->n_bytes + n_bytes) + 64;
        message->bytes = mem_realloc(message->bytes, message->capacity);
    }
    if (n_bytes > 0)
        memcpy(message->bytes + message->n_bytes, bytes, n_bytes);
    message->n_bytes += n_bytes;
}

/* Seven bits a byte, the lowest first; the eighth says that more follow. */
static void put_varint(Protobuf *message, uint64_t value)
{
    unsigned char bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (unsigned char)((value & 127) | (value > 127 ? 128 : 0));
        n++;
        value >>= 7;
    } while (value);
    put(message, bytes, n);
}

static void put_key(Protobuf *message, int field, WireType type)
{
    put_varint(message, (uint64_t)field << 3 | type);
}

/* `value`'s lowest n_bytes, the lowest first. */
static void put_fixed(Protobuf *message, uint64_t value, size_t n_bytes)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < n_bytes; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    put(message, bytes, n_bytes);
}

static uint64_t double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void protobuf_int(Protobuf *message, int field, int64_t value)
{
    put_key(message, field, WIRE_VARINT);
    put_varint(message, (uint64_t)value);
}

void protobuf_float(Protobuf *message, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(message, field, WIRE_32_BITS);
    put_fixed(message, bits, 4);
}

void protobuf_double(Protobuf *message, int field, double value)
{
    put_key(message, field, WIRE_64_BITS);
    put_fixed(message, double_bits(value), 8);
}

void protobuf_bytes(Protobuf *message, int field, const void *bytes, size_t n_bytes)
{
    put_key(message, field, WIRE_BYTES);
    put_varint(message, n_bytes);
    put(message, bytes, n_bytes);
}

void protobuf_text(Protobuf *message, int field, const char *text)
{
    protobuf_bytes(message, field, text, strlen(text));
}

void protobuf_doubles(Protobuf *message, int field, const double *values, size_t n)
{
    put_key(message, field, WIRE_BYTES);
    put_varint(message, 8 * n);
    for (size_t i = 0; i < n; i++)
        put_fixed(message, double_bits(values[i]), 8);
}

void protobuf_message(Protobuf *message, int field, Protobuf *part)
{
    protobuf_bytes(message, field, part->bytes, part->n_bytes);
    protobuf_clear(part);
}
