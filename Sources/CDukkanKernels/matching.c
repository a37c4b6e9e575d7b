#include "dukkan_matching.h"
#include "processor.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define DUKKAN_V4                                                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,popcnt,bmi,bmi2")))
#endif

// Each form does whole groups of 64 rows from row 0 and returns the row that it stopped at; the portable loops go on.

#if defined(__x86_64__)

static int has_v4;

__attribute__((constructor)) static void look_at_processor(void) {
    has_v4 = processor_level() >= 2;
}

DUKKAN_V4 static inline __m512i bytes_of_codes(const uint32_t *codes) {
    const __m128i a = _mm512_cvtepi32_epi8(_mm512_loadu_si512(codes));
    const __m128i b = _mm512_cvtepi32_epi8(_mm512_loadu_si512(codes + 16));
    const __m128i c = _mm512_cvtepi32_epi8(_mm512_loadu_si512(codes + 32));
    const __m128i d = _mm512_cvtepi32_epi8(_mm512_loadu_si512(codes + 48));
    const __m256i low = _mm256_set_m128i(b, a), high = _mm256_set_m128i(d, c);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

DUKKAN_V4 static size_t masks_of_codes_v4(const uint32_t *codes, size_t count, const uint8_t *table,
                                           size_t table_count, const uint64_t *validity, uint8_t *masks) {
    if (table_count > 128) return 0;
    uint8_t padded[128] = {0};
    __builtin_memcpy(padded, table, table_count);
    const __m512i low = _mm512_loadu_si512(padded), high = _mm512_loadu_si512(padded + 64);
    size_t row = 0;
    for (; row + 64 <= count; row += 64) {
        const __mmask64 valid = validity ? validity[row / 64] : ~(uint64_t)0;
        const __m512i places = bytes_of_codes(codes + row);
        _mm512_storeu_si512(masks + row, _mm512_maskz_permutex2var_epi8(valid, low, places, high));
    }
    return row;
}

DUKKAN_V4 static size_t keep_masks_v4(uint8_t *masks, size_t count, const uint64_t *bits) {
    size_t row = 0;
    for (; row + 64 <= count; row += 64) {
        _mm512_storeu_si512(masks + row, _mm512_maskz_loadu_epi8(bits[row / 64], masks + row));
    }
    return row;
}

DUKKAN_V4 static size_t numbers_of_codes_v4(const uint32_t *codes, size_t count, const uint32_t *table,
                                             size_t table_count, const uint64_t *validity, uint32_t absent,
                                             uint32_t *numbers) {
    const __m512i none = _mm512_set1_epi32((int32_t)absent);
    uint32_t padded[32] = {0};
    const int is_small = table_count <= 32;
    if (is_small) __builtin_memcpy(padded, table, table_count * 4);
    const __m512i low = _mm512_loadu_si512(padded), high = _mm512_loadu_si512(padded + 16);
    size_t row = 0;
    for (; row + 64 <= count; row += 64) {
        uint64_t valid = validity ? validity[row / 64] : ~(uint64_t)0;
        for (size_t i = 0; i < 64; i += 16, valid >>= 16) {
            const __m512i places = _mm512_loadu_si512(codes + row + i);
            const __mmask16 present = (__mmask16)valid;
            const __m512i found = is_small
                                      ? _mm512_mask_mov_epi32(none, present, _mm512_permutex2var_epi32(low, places, high))
                                      : _mm512_mask_i32gather_epi32(none, present, places, table, 4);
            _mm512_storeu_si512(numbers + row + i, found);
        }
    }
    return row;
}

DUKKAN_V4 static size_t matching_bytes_v4(const uint8_t *masks, size_t count, uint64_t *bits, size_t *found) {
    size_t row = 0, total = 0;
    for (; row + 64 <= count; row += 64) {
        const __m512i lanes = _mm512_loadu_si512(masks + row);
        const uint64_t word = _mm512_test_epi8_mask(lanes, lanes);
        bits[row / 64] = word;
        total += (size_t)__builtin_popcountll(word);
    }
    *found = total;
    return row;
}

DUKKAN_V4 static size_t compact_8_v4(const uint8_t *values, const uint64_t *bits, size_t count, uint8_t *out,
                                      size_t *found) {
    size_t row = 0, kept = 0;
    for (; row + 64 <= count; row += 64) {
        const uint64_t word = bits[row / 64];
        _mm512_storeu_si512(out + kept, _mm512_maskz_compress_epi8(word, _mm512_loadu_si512(values + row)));
        kept += (size_t)__builtin_popcountll(word);
    }
    *found = kept;
    return row;
}

DUKKAN_V4 static size_t ranks_v4(const uint64_t *bits, const uint32_t *rows, size_t count, const uint32_t *before,
                                  uint32_t *ranks) {
    const __m512i ones = _mm512_set1_epi64(-1), low_bits = _mm512_set1_epi64(63);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m256i row = _mm256_loadu_si256((const __m256i *)(const void *)(rows + i));
        const __m256i word = _mm256_srli_epi32(row, 6);
        const __m512i shift = _mm512_and_epi64(_mm512_cvtepu32_epi64(row), low_bits);
        const __m512i below = _mm512_andnot_epi64(_mm512_sllv_epi64(ones, shift), _mm512_i32gather_epi64(word, bits, 8));
        const __m256i inside = _mm512_cvtepi64_epi32(_mm512_popcnt_epi64(below));
        const __m256i base = _mm256_i32gather_epi32((const int *)before, word, 4);
        _mm256_storeu_si256((__m256i *)(void *)(ranks + i), _mm256_add_epi32(base, inside));
    }
    return i;
}

#endif

static inline uint64_t bit_of(const uint64_t *bits, size_t row) { return bits[row / 64] >> (row & 63) & 1; }

void dukkan_masks_of_codes(const uint32_t *codes, size_t count, const uint8_t *table, size_t table_count,
                           const uint64_t *validity, uint8_t *masks) {
    size_t row = 0;
#if defined(__x86_64__)
    if (has_v4) row = masks_of_codes_v4(codes, count, table, table_count, validity, masks);
#endif
    if (!validity) {
        for (; row < count; row++) masks[row] = table[codes[row]];
        return;
    }
    for (; row < count; row++) masks[row] = table[codes[row]] & (uint8_t)(0 - bit_of(validity, row));
}

void dukkan_keep_masks(uint8_t *masks, size_t count, const uint64_t *bits) {
    size_t row = 0;
#if defined(__x86_64__)
    if (has_v4) row = keep_masks_v4(masks, count, bits);
#endif
    for (; row < count; row++) masks[row] &= (uint8_t)(0 - bit_of(bits, row));
}

void dukkan_numbers_of_codes(const uint32_t *codes, size_t count, const uint32_t *table, size_t table_count,
                             const uint64_t *validity, uint32_t absent, uint32_t *numbers) {
    size_t row = 0;
#if defined(__x86_64__)
    if (has_v4) row = numbers_of_codes_v4(codes, count, table, table_count, validity, absent, numbers);
#endif
    if (!validity) {
        for (; row < count; row++) numbers[row] = table[codes[row]];
        return;
    }
    for (; row < count; row++) {
        const uint32_t present = 0 - (uint32_t)bit_of(validity, row);
        numbers[row] = (table[codes[row]] & present) | (absent & ~present);
    }
}

size_t dukkan_matching_bytes(const uint8_t *masks, size_t count, uint64_t *bits) {
    size_t row = 0, found = 0;
#if defined(__x86_64__)
    if (has_v4) row = matching_bytes_v4(masks, count, bits, &found);
#endif
    for (; row < count; row += 64) {
        const size_t end = count - row < 64 ? count - row : 64;
        uint64_t word = 0;
        for (size_t i = 0; i < end; i++) word |= (uint64_t)(masks[row + i] != 0) << i;
        bits[row / 64] = word;
        found += (size_t)__builtin_popcountll(word);
    }
    return found;
}

size_t dukkan_matching_words(const uint32_t *masks, size_t count, uint64_t *bits) {
    size_t found = 0;
    for (size_t row = 0; row < count; row += 64) {
        const size_t end = count - row < 64 ? count - row : 64;
        uint64_t word = 0;
        for (size_t i = 0; i < end; i++) word |= (uint64_t)(masks[row + i] != 0) << i;
        bits[row / 64] = word;
        found += (size_t)__builtin_popcountll(word);
    }
    return found;
}

#define DUKKAN_COMPACT_REST                                                                                            \
    for (; row < count; row += 64) {                                                                                   \
        uint64_t word = bits[row / 64];                                                                                \
        while (word) {                                                                                                 \
            out[kept++] = values[row + (size_t)__builtin_ctzll(word)];                                                 \
            word &= word - 1;                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    return kept;

size_t dukkan_compact_8(const uint8_t *values, const uint64_t *bits, size_t count, uint8_t *out) {
    size_t row = 0, kept = 0;
#if defined(__x86_64__)
    if (has_v4) row = compact_8_v4(values, bits, count, out, &kept);
#endif
    DUKKAN_COMPACT_REST
}

void dukkan_ranks(const uint64_t *bits, size_t row_count, const uint32_t *rows, size_t count, uint32_t *before,
                  uint32_t *ranks) {
    uint32_t total = 0;
    const size_t word_count = (row_count + 63) / 64;
    for (size_t w = 0; w < word_count; w++) {
        before[w] = total;
        total += (uint32_t)__builtin_popcountll(bits[w]);
    }
    // A row behind the last word has no word to look into.
    while (count > 0 && rows[count - 1] == row_count) ranks[--count] = total;
    size_t i = 0;
#if defined(__x86_64__)
    if (has_v4) i = ranks_v4(bits, rows, count, before, ranks);
#endif
    for (; i < count; i++) {
        const uint64_t below = bits[rows[i] / 64] & (((uint64_t)1 << (rows[i] & 63)) - 1);
        ranks[i] = before[rows[i] / 64] + (uint32_t)__builtin_popcountll(below);
    }
}

void dukkan_count_bytes(const uint8_t *values, size_t count, uint8_t first_value, size_t value_count,
                        uint64_t *counts) {
    for (size_t v = 0; v < value_count; v++) {
        const uint8_t wanted = (uint8_t)(first_value + v);
        for (size_t from = 0; from < count; from += 255) {
            const size_t end = count - from < 255 ? count - from : 255;
            uint8_t found = 0;
            for (size_t i = 0; i < end; i++) found += (uint8_t)(values[from + i] == wanted);
            counts[v] += found;
        }
    }
}

// Unites from the places `at` on, until `limit` keys are written or none is left; moves the places on.
static inline __attribute__((always_inline)) size_t unite(const dukkan_key_lane *lanes, size_t lane_count, size_t *at,
                                                          size_t united, size_t limit, int64_t *keys) {
    static const int64_t no_key = 0;
    const int64_t *from[DUKKAN_KEY_LANES_MAX];
    size_t remaining = 0;
    for (size_t t = 0; t < lane_count; t++) {
        from[t] = lanes[t].count ? lanes[t].keys : &no_key;
        remaining += lanes[t].count - at[t];
    }
    for (; remaining > 0 && united < limit; united++) {
        int64_t key[DUKKAN_KEY_LANES_MAX];
        int64_t least = INT64_MAX;
        for (size_t t = 0; t < lane_count; t++) {
            const size_t is_past = at[t] == lanes[t].count;
            const int64_t own = from[t][at[t] - (is_past & (at[t] != 0))];
            key[t] = is_past ? INT64_MAX : own;
            least = key[t] < least ? key[t] : least;
        }
        keys[united] = least;
        for (size_t t = 0; t < lane_count; t++) {
            lanes[t].united[united] = lanes[t].starts[at[t]];
            const size_t taken = (size_t)(key[t] == least) & (size_t)(at[t] != lanes[t].count);
            at[t] += taken;
            remaining -= taken;
        }
    }
    return united;
}

#if defined(__x86_64__)
// One lane's first rows for eight united keys, all of them the largest lane's: the lane has the same eight, none, or some of
// them. Returns how many it has, or -1 where it has one that is not among the eight and not greater than all.
DUKKAN_V4 static inline int place_eight_v4(const dukkan_key_lane *lane, size_t at, __m512i eight, int64_t last,
                                           uint32_t *united) {
    const int64_t *keys = lane->keys + at;
    const uint32_t *starts = lane->starts + at;
    const size_t left = lane->count - at;
    if (left >= 8 && _mm512_cmpeq_epi64_mask(_mm512_loadu_si512(keys), eight) == 0xFF) {
        _mm256_storeu_si256((__m256i *)(void *)united, _mm256_loadu_si256((const __m256i *)(const void *)starts));
        return 8;
    }
    __m256i rows = _mm256_set1_epi32((int32_t)starts[0]);
    int taken = 0;
    while ((size_t)taken < left && keys[taken] <= last) {
        const uint32_t place = _mm512_cmpeq_epi64_mask(eight, _mm512_set1_epi64(keys[taken]));
        if (place == 0) return -1;
        taken++;
        // The keys behind this one start at the lane's next rows.
        const __mmask8 behind = (__mmask8)~(place | (place - 1));
        rows = _mm256_mask_mov_epi32(rows, behind, _mm256_set1_epi32((int32_t)starts[taken]));
    }
    _mm256_storeu_si256((__m256i *)(void *)united, rows);
    return taken;
}

// Eight keys of the largest lane at a time, as long as the others have no key besides them.
DUKKAN_V4 static size_t unite_v4(const dukkan_key_lane *lanes, size_t lane_count, size_t largest, size_t *at,
                                 int64_t *keys) {
    size_t united = 0;
    while (at[largest] + 8 <= lanes[largest].count) {
        const int64_t *own = lanes[largest].keys + at[largest];
        const __m512i eight = _mm512_loadu_si512(own);
        int taken[DUKKAN_KEY_LANES_MAX];
        int is_whole = 1;
        for (size_t t = 0; t < lane_count && is_whole; t++) {
            taken[t] = place_eight_v4(&lanes[t], at[t], eight, own[7], lanes[t].united + united);
            is_whole = taken[t] >= 0;
        }
        if (is_whole) {
            _mm512_storeu_si512(keys + united, eight);
            for (size_t t = 0; t < lane_count; t++) at[t] += (size_t)taken[t];
            united += 8;
        } else {
            united = unite(lanes, lane_count, at, united, united + 8, keys);
        }
    }
    return united;
}
#endif

size_t dukkan_unite_keys(const dukkan_key_lane *lanes, size_t lane_count, int64_t *keys) {
    size_t at[DUKKAN_KEY_LANES_MAX] = {0};
    size_t united = 0;
#if defined(__x86_64__)
    if (has_v4) {
        size_t largest = 0;
        for (size_t t = 1; t < lane_count; t++) largest = lanes[t].count > lanes[largest].count ? t : largest;
        united = unite_v4(lanes, lane_count, largest, at, keys);
    }
#endif
    switch (lane_count) {
    case 2: united = unite(lanes, 2, at, united, SIZE_MAX, keys); break;
    case 3: united = unite(lanes, 3, at, united, SIZE_MAX, keys); break;
    default: united = unite(lanes, lane_count, at, united, SIZE_MAX, keys); break;
    }
    for (size_t t = 0; t < lane_count; t++) lanes[t].united[united] = lanes[t].starts[lanes[t].count];
    return united;
}
