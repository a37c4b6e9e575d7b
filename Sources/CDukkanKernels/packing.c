#include <string.h>

#include "dukkan_kernels.h"

static uint64_t low_bits(uint32_t width) { return width == 64 ? ~(uint64_t)0 : ((uint64_t)1 << width) - 1; }

void dukkan_pack(const uint64_t *in, uint32_t width, uint8_t *out) {
    const uint64_t mask = low_bits(width);
    memset(out, 0, (size_t)width * 128);
    if (width == 0) return;
    if (width <= 32) {
        uint32_t bit = 0;
        for (int row = 0; row < 32; row++, bit += width) {
            const uint32_t shift = bit & 31;
            for (int lane = 0; lane < 32; lane++) {
                uint8_t *at = out + ((bit >> 5) * 32 + lane) * 4;
                const uint64_t value = in[row * 32 + lane] & mask;
                uint32_t word;
                memcpy(&word, at, 4);
                word |= (uint32_t)(value << shift);
                memcpy(at, &word, 4);
                if (shift + width > 32) {
                    word = (uint32_t)(value >> (32 - shift));
                    memcpy(at + 128, &word, 4);
                }
            }
        }
    } else {
        uint32_t bit = 0;
        for (int row = 0; row < 64; row++, bit += width) {
            const uint32_t shift = bit & 63;
            for (int lane = 0; lane < 16; lane++) {
                uint8_t *at = out + ((bit >> 6) * 16 + lane) * 8;
                const uint64_t value = in[row * 16 + lane] & mask;
                uint64_t word;
                memcpy(&word, at, 8);
                word |= value << shift;
                memcpy(at, &word, 8);
                if (shift + width > 64) {
                    word = value >> (64 - shift);
                    memcpy(at + 128, &word, 8);
                }
            }
        }
    }
}

void dukkan_pack_tail(const uint64_t *in, size_t count, uint32_t width, uint8_t *out) {
    const uint64_t mask = low_bits(width);
    uint64_t word = 0;
    uint32_t filled = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t value = in[i] & mask;
        word |= value << filled;
        if (filled + width >= 64) {
            memcpy(out, &word, 8);
            out += 8;
            const uint32_t used = 64 - filled;
            word = used == 64 ? 0 : value >> used;
            filled = filled + width - 64;
        } else {
            filled += width;
        }
    }
    for (; filled > 0; filled = filled > 8 ? filled - 8 : 0, word >>= 8) *out++ = (uint8_t)word;
}

/// Up to eight bytes from `in`, zeros after the last.
static uint64_t load_up_to_8(const uint8_t *in, const uint8_t *end) {
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
static size_t count_of_plain_loads(size_t count, uint32_t width) {
    const size_t byte_count = (count * width + 7) / 8;
    if (width == 0 || width > 57 || byte_count < 8) return 0;
    const size_t plain = ((byte_count - 8) * 8 + 7) / width + 1;
    return plain < count ? plain : count;
}

#define UNPACK_TAIL(Output)                                                                                            \
    const uint64_t mask = low_bits(width);                                                                             \
    const uint8_t *end = in + (count * width + 7) / 8;                                                                 \
    const size_t plain = count_of_plain_loads(count, width);                                                           \
    size_t bit = 0;                                                                                                    \
    size_t i = 0;                                                                                                      \
    for (; i < plain; i++, bit += width) {                                                                             \
        uint64_t word;                                                                                                 \
        memcpy(&word, in + (bit >> 3), 8);                                                                             \
        out[i] = (Output)(((word >> (bit & 7)) & mask) + reference);                                                   \
    }                                                                                                                  \
    for (; i < count; i++) out[i] = (Output)(value_near_end(in, end, i, width, mask) + reference);

void dukkan_unpack_tail_integers(const uint8_t *in, size_t count, uint32_t width, uint64_t reference, int64_t *out) {
    UNPACK_TAIL(int64_t)
}

void dukkan_unpack_tail_codes(const uint8_t *in, size_t count, uint32_t width, uint32_t reference, uint32_t *out) {
    UNPACK_TAIL(uint32_t)
}
