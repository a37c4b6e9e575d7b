#include <string.h>

#include "dukkan_aggregation.h"
#include "processor.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static size_t integers_portable(const int64_t *in, const uint64_t *bits, size_t count, int64_t *out) {
    size_t found = 0;
    for (size_t row = 0; row < count; row += 64) {
        for (uint64_t rest = bits[row / 64]; rest != 0; rest &= rest - 1) {
            out[found++] = in[row + (size_t)__builtin_ctzll(rest)];
        }
    }
    return found;
}

static size_t codes_portable(const uint32_t *in, const uint64_t *bits, size_t count, uint32_t *out) {
    size_t found = 0;
    for (size_t row = 0; row < count; row += 64) {
        for (uint64_t rest = bits[row / 64]; rest != 0; rest &= rest - 1) {
            out[found++] = in[row + (size_t)__builtin_ctzll(rest)];
        }
    }
    return found;
}

static inline uint64_t extracted(uint64_t word, uint64_t mask) {
    uint64_t result = 0;
    for (uint32_t place = 0; mask != 0; mask &= mask - 1, place++) {
        result |= (word >> __builtin_ctzll(mask) & 1) << place;
    }
    return result;
}

/// Appends the extracted bits of each word to those before, `extract` being the processor's or the portable form.
#define COMPRESS_BITS(extract)                                                                                         \
    uint64_t held = 0;                                                                                                 \
    size_t found = 0;                                                                                                  \
    for (size_t word = 0; word < (count + 63) / 64; word++) {                                                          \
        const uint64_t mask = bits[word], taken = extract(in[word], mask);                                             \
        const size_t at = found & 63, length = (size_t)__builtin_popcountll(mask);                                     \
        held |= taken << at;                                                                                           \
        if (at + length >= 64) {                                                                                       \
            out[found / 64] = held;                                                                                    \
            held = at == 0 ? 0 : taken >> (64 - at);                                                                   \
        }                                                                                                              \
        found += length;                                                                                               \
    }                                                                                                                  \
    if ((found & 63) != 0) out[found / 64] = held;                                                                     \
    return found;

static size_t bits_portable(const uint64_t *in, const uint64_t *bits, size_t count, uint64_t *out) {
    COMPRESS_BITS(extracted)
}

#if defined(__x86_64__)

#define V4 __attribute__((target("arch=x86-64-v4")))

// Compressed in a register and stored whole: the form that stores only the chosen lanes is slow on many processors.

V4 static size_t integers_v4(const int64_t *in, const uint64_t *bits, size_t count, int64_t *out) {
    int64_t *to = out;
    for (size_t row = 0; row < count; row += 64) {
        const uint64_t word = bits[row / 64];
        if (word == 0) continue;
        for (uint32_t i = 0; i < 64; i += 8) {
            const __mmask8 mask = (__mmask8)(word >> i);
            // Past the last row nothing may be read.
            const __m512i values = _mm512_maskz_loadu_epi64(mask, in + row + i);
            _mm512_storeu_si512(to, _mm512_maskz_compress_epi64(mask, values));
            to += __builtin_popcount(mask);
        }
    }
    return (size_t)(to - out);
}

V4 static size_t codes_v4(const uint32_t *in, const uint64_t *bits, size_t count, uint32_t *out) {
    uint32_t *to = out;
    for (size_t row = 0; row < count; row += 64) {
        const uint64_t word = bits[row / 64];
        if (word == 0) continue;
        for (uint32_t i = 0; i < 64; i += 8) {
            const __mmask8 mask = (__mmask8)(word >> i);
            const __m256i values = _mm256_maskz_loadu_epi32(mask, in + row + i);
            _mm256_storeu_si256((__m256i *)(void *)to, _mm256_maskz_compress_epi32(mask, values));
            to += __builtin_popcount(mask);
        }
    }
    return (size_t)(to - out);
}

__attribute__((target("arch=x86-64-v3"))) static size_t bits_v3(const uint64_t *in, const uint64_t *bits, size_t count,
                                                                 uint64_t *out) {
    COMPRESS_BITS(_pext_u64)
}

static int has_v3, has_v4;

__attribute__((constructor)) static void look_at_processor(void) {
    has_v3 = processor_level() >= 1;
    has_v4 = processor_level() >= 2;
}

#endif

size_t dukkan_compress_integers(const int64_t *in, const uint64_t *bits, size_t count, int64_t *out) {
#if defined(__x86_64__)
    if (has_v4) return integers_v4(in, bits, count, out);
#endif
    return integers_portable(in, bits, count, out);
}

size_t dukkan_compress_codes(const uint32_t *in, const uint64_t *bits, size_t count, uint32_t *out) {
#if defined(__x86_64__)
    if (has_v4) return codes_v4(in, bits, count, out);
#endif
    return codes_portable(in, bits, count, out);
}

size_t dukkan_compress_bits(const uint64_t *in, const uint64_t *bits, size_t count, uint64_t *out) {
#if defined(__x86_64__)
    if (has_v3) return bits_v3(in, bits, count, out);
#endif
    return bits_portable(in, bits, count, out);
}
