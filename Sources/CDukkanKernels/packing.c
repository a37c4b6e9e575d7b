#include "vectors.h"

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
