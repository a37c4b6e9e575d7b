#include "tail.h"
#include "vectors.h"

#if defined(__x86_64__)
DUKKAN_V4_BEGIN

#define DUKKAN_AVX512 1
#define SUFFIXED(name) name##_v4
#include "unpack_vertical.inc"

// Eight horizontally packed values take `width` bytes, sixteen 2 * width: the places of the bits within a group are the
// same in all groups, and one byte permutation brings each value into its lane.

/// The bytes from `in` on, zeros behind `end`.
static inline __m512i load_until(const uint8_t *in, const uint8_t *end) {
    const size_t rest = (size_t)(end - in);
    return rest >= 64 ? _mm512_loadu_si512(in) : _mm512_maskz_loadu_epi8(((__mmask64)1 << rest) - 1, in);
}

/// For each of eight lanes of 64 bits, the bytes that its value starts in.
static inline __m512i bytes_of_8(uint32_t width, __m512i *shifts) {
    const __m512i bits = _mm512_mullo_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), _mm512_set1_epi64(width));
    *shifts = _mm512_and_si512(bits, _mm512_set1_epi64(7));
    const __m512i first = _mm512_srli_epi64(bits, 3);
    const __m512i to_all = _mm512_set_epi64(0x3838383838383838, 0x3030303030303030, 0x2828282828282828,
                                            0x2020202020202020, 0x1818181818181818, 0x1010101010101010,
                                            0x0808080808080808, 0);
    return _mm512_add_epi8(_mm512_permutexvar_epi8(to_all, first), _mm512_set1_epi64(0x0706050403020100));
}

/// The same for sixteen lanes of 32 bits.
static inline __m512i bytes_of_16(uint32_t width, __m512i *shifts) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i bits = _mm512_mullo_epi32(lanes, _mm512_set1_epi32((int)width));
    *shifts = _mm512_and_si512(bits, _mm512_set1_epi32(7));
    const __m512i to_all = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(0x04040404));
    const __m512i first = _mm512_permutexvar_epi8(to_all, _mm512_srli_epi32(bits, 3));
    return _mm512_add_epi8(first, _mm512_set1_epi32(0x03020100));
}

static void unpack_tail_integers(const uint8_t *in, size_t count, uint32_t width, uint64_t reference, int64_t *out) {
    if (width == 0 || width > 57) {
        unpack_tail_integers_scalar(in, count, width, reference, out);
        return;
    }
    __m512i shifts;
    const __m512i bytes = bytes_of_8(width, &shifts);
    const __m512i masks = _mm512_set1_epi64((int64_t)low_bits(width));
    const __m512i references = _mm512_set1_epi64((int64_t)reference);
    const uint8_t *end = in + (count * width + 7) / 8;
    for (size_t i = 0; i < count; i += 8, in += width) {
        const __m512i words = _mm512_permutexvar_epi8(bytes, load_until(in, end));
        const __m512i values = _mm512_and_si512(_mm512_srlv_epi64(words, shifts), masks);
        const __mmask8 stored = count - i >= 8 ? 0xFF : (__mmask8)((1u << (count - i)) - 1);
        _mm512_mask_storeu_epi64(out + i, stored, _mm512_add_epi64(values, references));
    }
}

static void unpack_tail_codes(const uint8_t *in, size_t count, uint32_t width, uint32_t reference, uint32_t *out) {
    if (width == 0 || width > 57) {
        unpack_tail_codes_scalar(in, count, width, reference, out);
        return;
    }
    __m512i shifts;
    const uint8_t *end = in + (count * width + 7) / 8;
    if (width <= 25) {
        const __m512i bytes = bytes_of_16(width, &shifts);
        const __m512i masks = _mm512_set1_epi32((int)low_bits(width));
        const __m512i references = _mm512_set1_epi32((int)reference);
        for (size_t i = 0; i < count; i += 16, in += 2 * width) {
            const __m512i words = _mm512_permutexvar_epi8(bytes, load_until(in, end));
            const __m512i values = _mm512_and_si512(_mm512_srlv_epi32(words, shifts), masks);
            const __mmask16 stored = count - i >= 16 ? 0xFFFF : (__mmask16)((1u << (count - i)) - 1);
            _mm512_mask_storeu_epi32(out + i, stored, _mm512_add_epi32(values, references));
        }
        return;
    }
    const __m512i bytes = bytes_of_8(width, &shifts);
    const __m512i masks = _mm512_set1_epi64((int64_t)low_bits(width));
    const __m512i references = _mm512_set1_epi64((int64_t)reference);
    for (size_t i = 0; i < count; i += 8, in += width) {
        const __m512i words = _mm512_permutexvar_epi8(bytes, load_until(in, end));
        const __m512i values = _mm512_and_si512(_mm512_srlv_epi64(words, shifts), masks);
        const __mmask8 stored = count - i >= 8 ? 0xFF : (__mmask8)((1u << (count - i)) - 1);
        _mm512_mask_cvtepi64_storeu_epi32(out + i, stored, _mm512_add_epi64(values, references));
    }
}

void dukkan_put_unpacking_v4(struct dukkan_kernels *kernels) {
    kernels->unpack_integers = unpack_integers_v4;
    kernels->unpack_codes = unpack_codes_v4;
    kernels->unpack_tail_integers = unpack_tail_integers;
    kernels->unpack_tail_codes = unpack_tail_codes;
}

DUKKAN_V4_END
#endif
