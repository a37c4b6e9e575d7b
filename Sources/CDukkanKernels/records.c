#include "dukkan_records.h"

#include <string.h>

uint32_t dukkan_record_width(const int64_t *values, size_t count) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) bits |= (uint64_t)(values[i] ^ (values[i] >> 63));
    return bits < (1u << 7) ? 1 : bits < (1u << 15) ? 2 : bits < (1u << 31) ? 4 : 8;
}

#define PUT(type)                                    \
    for (size_t i = 0; i < count; i++) {             \
        const type value = (type)values[i];          \
        memcpy(field, &value, sizeof(type));         \
        field += stride;                             \
    }                                                \
    return

void dukkan_record_put_words(const int64_t *values, size_t count, uint32_t width, uint8_t *field, size_t stride) {
    switch (width) {
    case 1: PUT(int8_t);
    case 2: PUT(int16_t);
    case 4: PUT(int32_t);
    default: PUT(int64_t);
    }
}

void dukkan_record_put_codes(const uint32_t *values, size_t count, uint32_t width, uint8_t *field, size_t stride) {
    switch (width) {
    case 1: PUT(uint8_t);
    case 2: PUT(uint16_t);
    default: PUT(uint32_t);
    }
}

void dukkan_record_clear_nulls(const uint64_t *valid, size_t from, size_t count, uint32_t bit, uint8_t *bytes) {
    for (size_t i = 0; i < count;) {
        const size_t at = from + i, rest = 64 - (at & 63), length = count - i < rest ? count - i : rest;
        const uint64_t nulls = ~(valid[at >> 6] >> (at & 63));
        for (size_t k = 0; k < length; k++) bytes[i + k] &= (uint8_t)~((nulls >> k & 1) << bit);
        i += length;
    }
}

void dukkan_record_put_bytes(const uint8_t *values, size_t count, uint8_t *field, size_t stride) {
    for (size_t i = 0; i < count; i++) field[i * stride] = values[i];
}

void dukkan_record_places(const uint32_t *rows, size_t count, const uint8_t *const *pieces, uint32_t shift,
                          size_t stride, const uint8_t **places) {
    const uint32_t mask = ((uint32_t)1 << shift) - 1;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *place = pieces[rows[i] >> shift] + (size_t)(rows[i] & mask) * stride;
        places[i] = place;
        __builtin_prefetch(place);
        __builtin_prefetch(place + stride - 1);
    }
}

#define GET(out, type)                                    \
    for (size_t i = 0; i < count; i++) {                  \
        type value;                                       \
        memcpy(&value, places[i] + offset, sizeof(type)); \
        out[i] = value;                                   \
    }                                                     \
    return

void dukkan_record_words(const uint8_t *const *places, size_t count, size_t offset, uint32_t width, int64_t *values) {
    switch (width) {
    case 1: GET(values, int8_t);
    case 2: GET(values, int16_t);
    case 4: GET(values, int32_t);
    default: GET(values, int64_t);
    }
}

void dukkan_record_codes(const uint8_t *const *places, size_t count, size_t offset, uint32_t width, uint32_t *codes) {
    switch (width) {
    case 1: GET(codes, uint8_t);
    case 2: GET(codes, uint16_t);
    default: GET(codes, uint32_t);
    }
}

void dukkan_record_bits(const uint8_t *const *places, size_t count, size_t offset, uint32_t bit, uint64_t *words) {
    for (size_t start = 0; start < count; start += 64) {
        const size_t length = count - start < 64 ? count - start : 64;
        uint64_t word = 0;
        for (size_t i = 0; i < length; i++) {
            word |= (uint64_t)((places[start + i][offset] >> bit) & 1) << i;
        }
        words[start / 64] = word;
    }
}
