#include "vectors.h"

#if defined(__x86_64__)
DUKKAN_V4_BEGIN

/// Bits of the first `count` of sixteen lanes.
static inline __mmask16 first_of_16(size_t count) { return (__mmask16)(count >= 16 ? 0xFFFF : (1u << count) - 1); }

static inline __mmask8 first_of_8(size_t count) { return (__mmask8)(count >= 8 ? 0xFF : (1u << count) - 1); }

static void select_range(const int64_t *values, size_t count, int64_t low, int64_t high, uint64_t *words) {
    const __m512i base = _mm512_set1_epi64(low);
    const __m512i span = _mm512_set1_epi64((int64_t)((uint64_t)high - (uint64_t)low));
    size_t row = 0;
    for (; row + 64 <= count; row += 64) {
        uint64_t word = 0;
        for (int i = 0; i < 64; i += 8) {
            const __m512i distances = _mm512_sub_epi64(_mm512_loadu_si512(values + row + i), base);
            word |= (uint64_t)_mm512_cmple_epu64_mask(distances, span) << i;
        }
        words[row / 64] = word;
    }
    uint64_t word = 0;
    for (size_t i = 0; row + i < count; i += 8) {
        const __mmask8 rows = first_of_8(count - row - i);
        const __m512i distances = _mm512_sub_epi64(_mm512_maskz_loadu_epi64(rows, values + row + i), base);
        word |= (uint64_t)_mm512_mask_cmple_epu64_mask(rows, distances, span) << i;
    }
    if (row < count) words[row / 64] = word;
}

static void select_code(const uint32_t *codes, size_t count, uint32_t code, uint64_t *words) {
    const __m512i wanted = _mm512_set1_epi32((int)code);
    size_t row = 0;
    for (; row + 64 <= count; row += 64) {
        uint64_t word = 0;
        for (int i = 0; i < 64; i += 16) {
            word |= (uint64_t)_mm512_cmpeq_epi32_mask(_mm512_loadu_si512(codes + row + i), wanted) << i;
        }
        words[row / 64] = word;
    }
    uint64_t word = 0;
    for (size_t i = 0; row + i < count; i += 16) {
        const __mmask16 rows = first_of_16(count - row - i);
        const __m512i some = _mm512_maskz_loadu_epi32(rows, codes + row + i);
        word |= (uint64_t)_mm512_mask_cmpeq_epi32_mask(rows, some, wanted) << i;
    }
    if (row < count) words[row / 64] = word;
}

/// At most 64 flags are the bits of one word, which VPMULTISHIFTQB shifts by each code.
static void select_few_flags(const uint32_t *codes, size_t count, const uint8_t *flags, size_t flag_count,
                             uint64_t *words) {
    uint64_t set = 0;
    for (size_t code = 0; code < flag_count; code++) set |= (uint64_t)flags[code] << code;
    const __m512i sets = _mm512_set1_epi64((int64_t)set);
    const __m512i ones = _mm512_set1_epi32(1);
    for (size_t row = 0; row < count; row += 64) {
        uint64_t word = 0;
        for (size_t i = 0; i < 64 && row + i < count; i += 16) {
            const __mmask16 rows = first_of_16(count - row - i);
            const __m512i some = _mm512_maskz_loadu_epi32(rows, codes + row + i);
            const __m512i shifted = _mm512_multishift_epi64_epi8(some, sets);
            word |= (uint64_t)_mm512_mask_test_epi32_mask(rows, shifted, ones) << i;
        }
        words[row / 64] = word;
    }
}

static size_t bit_places(const uint64_t *words, size_t word_count, uint32_t *out) {
    const __m512i sixteen = _mm512_set1_epi32(16);
    __m512i places = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const uint32_t *start = out;
    for (size_t w = 0; w < word_count; w++) {
        uint64_t word = words[w];
        for (int i = 0; i < 64; i += 16, word >>= 16) {
            const size_t found = (size_t)__builtin_popcountll(word & 0xFFFF);
            // Compressed in a register: into memory it takes many times as long.
            __m512i set = _mm512_maskz_compress_epi32((__mmask16)word, places);
            __asm__("" : "+v"(set));
            _mm512_mask_storeu_epi32(out, first_of_16(found), set);
            out += found;
            places = _mm512_add_epi32(places, sixteen);
        }
    }
    return (size_t)(out - start);
}

static void look_up_few_codes(uint32_t *values, size_t count, const uint32_t *table, size_t table_count) {
    __m512i quarters[4];
    for (size_t q = 0; q < 4; q++) {
        const size_t rest = table_count > 16 * q ? table_count - 16 * q : 0;
        quarters[q] = _mm512_maskz_loadu_epi32(first_of_16(rest), table + (rest > 0 ? 16 * q : 0));
    }
    const __m512i upper = _mm512_set1_epi32(32);
    for (size_t i = 0; i < count; i += 16) {
        const __mmask16 rows = first_of_16(count - i);
        const __m512i codes = _mm512_maskz_loadu_epi32(rows, values + i);
        __m512i found = _mm512_permutex2var_epi32(quarters[0], codes, quarters[1]);
        if (table_count > 32) {
            const __m512i others = _mm512_permutex2var_epi32(quarters[2], codes, quarters[3]);
            found = _mm512_mask_mov_epi32(found, _mm512_test_epi32_mask(codes, upper), others);
        }
        _mm512_mask_storeu_epi32(values + i, rows, found);
    }
}

static uint32_t maximum_code(const uint32_t *values, size_t count) {
    __m512i first = _mm512_setzero_si512(), second = first;
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        first = _mm512_max_epu32(first, _mm512_loadu_si512(values + i));
        second = _mm512_max_epu32(second, _mm512_loadu_si512(values + i + 16));
    }
    for (; i < count; i += 16) {
        first = _mm512_max_epu32(first, _mm512_maskz_loadu_epi32(first_of_16(count - i), values + i));
    }
    return _mm512_reduce_max_epu32(_mm512_max_epu32(first, second));
}

/// The forms for tables of any size.
static struct dukkan_kernels below;

static void select_flags(const uint32_t *codes, size_t count, const uint8_t *flags, size_t flag_count,
                         uint64_t *words) {
    (flag_count <= 64 ? select_few_flags : below.select_flags)(codes, count, flags, flag_count, words);
}

static void look_up_codes(uint32_t *values, size_t count, const uint32_t *table, size_t table_count) {
    (table_count <= 64 ? look_up_few_codes : below.look_up_codes)(values, count, table, table_count);
}

void dukkan_put_selection_v4(struct dukkan_kernels *kernels) {
    below = *kernels;
    kernels->select_range = select_range;
    kernels->select_code = select_code;
    kernels->select_flags = select_flags;
    kernels->bit_places = bit_places;
    kernels->look_up_codes = look_up_codes;
    kernels->maximum_code = maximum_code;
}

DUKKAN_V4_END
#endif
