#include "vectors.h"

#if defined(__x86_64__)
DUKKAN_V4_BEGIN

static inline __mmask8 first_of_8(size_t count) { return (__mmask8)(count >= 8 ? 0xFF : (1u << count) - 1); }

/// Lists of at most so many values have their widths counted eight at a time.
enum { width_list_max = 1024 };

/// The form for lists of any length.
static struct dukkan_kernels below;

/// The bit length of each value as a byte, then for each length a comparison of all bytes.
static int64_t count_widths(const int64_t *values, size_t count, uint32_t *counts) {
    if (count > width_list_max) return below.count_widths(values, count, counts);
    __m512i least = _mm512_set1_epi64(values[0]);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) least = _mm512_min_epi64(least, _mm512_loadu_si512(values + i));
    if (i < count) {
        least = _mm512_min_epi64(least, _mm512_mask_loadu_epi64(least, first_of_8(count - i), values + i));
    }
    const int64_t minimum = _mm512_reduce_min_epi64(least);

    uint8_t widths[width_list_max] __attribute__((aligned(64)));
    const __m512i base = _mm512_set1_epi64(minimum);
    __m512i all = _mm512_setzero_si512();
    for (i = 0; i < count; i += 8) {
        const __m512i found = _mm512_mask_loadu_epi64(base, first_of_8(count - i), values + i);
        const __m512i offsets = _mm512_sub_epi64(found, base);
        all = _mm512_or_si512(all, offsets);
        const __m512i lengths = _mm512_sub_epi64(_mm512_set1_epi64(64), _mm512_lzcnt_epi64(offsets));
        _mm_storel_epi64((__m128i *)(widths + i), _mm512_cvtepi64_epi8(lengths));
    }
    // Bytes up to a whole vector count as of width 0, and are taken off again.
    const size_t padded = (count + 63) / 64 * 64;
    for (; i < padded; i += 8) memset(widths + i, 0, 8);
    const uint64_t bits = (uint64_t)_mm512_reduce_or_epi64(all);
    const uint32_t widest = bits == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(bits);
    uint32_t above = (uint32_t)padded;
    memset(counts, 0, 65 * sizeof *counts);
    for (uint32_t width = 0; width < widest; width++) {
        uint64_t wider = 0;
        const __m512i limit = _mm512_set1_epi8((char)width);
        for (size_t at = 0; at < padded; at += 64) {
            wider += (uint64_t)__builtin_popcountll(_mm512_cmpgt_epu8_mask(_mm512_load_si512(widths + at), limit));
        }
        counts[width] = above - (uint32_t)wider;
        above = (uint32_t)wider;
    }
    counts[widest] = above;
    counts[0] -= (uint32_t)(padded - count);
    return minimum;
}

static size_t split_frequent(const int64_t *values, size_t count, int64_t value, uint8_t *bitmap, int64_t *rest) {
    const __m512i wanted = _mm512_set1_epi64(value);
    size_t rest_count = 0;
    for (size_t i = 0; i < count; i += 8) {
        const __mmask8 rows = first_of_8(count - i);
        const __m512i found = _mm512_maskz_loadu_epi64(rows, values + i);
        const __mmask8 differs = _mm512_mask_cmpneq_epi64_mask(rows, found, wanted);
        bitmap[i / 8] = differs;
        // No more than `rows` lanes from here on are there: the rest never overtakes the values.
        _mm512_mask_storeu_epi64(rest + rest_count, rows, _mm512_maskz_compress_epi64(differs, found));
        rest_count += (size_t)__builtin_popcount(differs);
    }
    return rest_count;
}

static size_t split_patches(const uint64_t *values, size_t count, uint32_t width, uint64_t *gaps, uint64_t *highs) {
    const __m512i eight = _mm512_set1_epi64(8);
    __m512i places = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    size_t patch_count = 0;
    for (size_t i = 0; i < count; i += 8) {
        const __mmask8 rows = first_of_8(count - i);
        const __m512i high = _mm512_srl_epi64(_mm512_maskz_loadu_epi64(rows, values + i), _mm_cvtsi32_si128((int)width));
        const __mmask8 wide = _mm512_test_epi64_mask(high, high);
        _mm512_mask_storeu_epi64(highs + patch_count, rows, _mm512_maskz_compress_epi64(wide, high));
        _mm512_mask_storeu_epi64(gaps + patch_count, rows, _mm512_maskz_compress_epi64(wide, places));
        patch_count += (size_t)__builtin_popcount(wide);
        places = _mm512_add_epi64(places, eight);
    }
    for (size_t i = patch_count; i-- > 1;) gaps[i] -= gaps[i - 1] + 1;
    return patch_count;
}

void dukkan_put_encoding_v4(struct dukkan_kernels *kernels) {
    below = *kernels;
    kernels->count_widths = count_widths;
    kernels->split_frequent = split_frequent;
    kernels->split_patches = split_patches;
}

DUKKAN_V4_END
#endif
