#ifndef DUKKAN_TAIL_H
#define DUKKAN_TAIL_H
#include "vectors.h"

// Horizontally packed values one by one: the whole of the portable form, and the last values of the others.

static inline uint64_t load_8(const uint8_t *in) {
    uint64_t word;
    memcpy(&word, in, 8);
    return word;
}

/// Up to eight bytes from `in`, zeros after the last.
static inline uint64_t load_up_to_8(const uint8_t *in, const uint8_t *end) {
    uint64_t word = 0;
    memcpy(&word, in, end - in >= 8 ? 8 : (size_t)(end - in));
    return word;
}

static inline uint64_t value_near_end(const uint8_t *in, const uint8_t *end, size_t i, uint32_t width, uint64_t mask) {
    const size_t bit = i * width;
    const uint32_t shift = bit & 7;
    const uint8_t *at = in + (bit >> 3);
    uint64_t value = load_up_to_8(at, end) >> shift;
    if (shift + width > 64) value |= load_up_to_8(at + 8, end) << (64 - shift);
    return value & mask;
}

/// Values of which eight bytes from the byte of their first bit are there, and hold the whole value.
static inline size_t count_of_plain_loads(size_t count, uint32_t width) {
    const size_t byte_count = (count * width + 7) / 8;
    if (width == 0 || width > 57 || byte_count < 8) return 0;
    const size_t plain = ((byte_count - 8) * 8 + 7) / width + 1;
    return plain < count ? plain : count;
}

static inline void unpack_tail_integers_scalar(const uint8_t *in, size_t count, uint32_t width, uint64_t reference,
                                               int64_t *out) {
    const uint64_t mask = low_bits(width);
    const uint8_t *end = in + (count * width + 7) / 8;
    const size_t plain = count_of_plain_loads(count, width);
    size_t i = 0;
    for (size_t bit = 0; i < plain; i++, bit += width) {
        out[i] = (int64_t)((load_8(in + (bit >> 3)) >> (bit & 7) & mask) + reference);
    }
    for (; i < count; i++) out[i] = (int64_t)(value_near_end(in, end, i, width, mask) + reference);
}

static inline void unpack_tail_codes_scalar(const uint8_t *in, size_t count, uint32_t width, uint32_t reference,
                                            uint32_t *out) {
    const uint64_t mask = low_bits(width);
    const uint8_t *end = in + (count * width + 7) / 8;
    const size_t plain = count_of_plain_loads(count, width);
    size_t i = 0;
    for (size_t bit = 0; i < plain; i++, bit += width) {
        out[i] = (uint32_t)(load_8(in + (bit >> 3)) >> (bit & 7) & mask) + reference;
    }
    for (; i < count; i++) out[i] = (uint32_t)value_near_end(in, end, i, width, mask) + reference;
}

#endif
