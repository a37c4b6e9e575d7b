#include "dukkan_csv.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/// Bit i is set where bytes[i] == byte, for 64 bytes.
static inline uint64_t equal_mask(const uint8_t *bytes, uint8_t byte) {
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi8((char)byte);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++) {
        __m128i block = _mm_loadu_si128((const __m128i *)(bytes + 16 * i));
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, wanted)) << (16 * i);
    }
    return mask;
#elif defined(__ARM_NEON) && defined(__aarch64__)
    const uint8x16_t wanted = vdupq_n_u8(byte);
    const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t a = vandq_u8(vceqq_u8(vld1q_u8(bytes), wanted), weights);
    uint8x16_t b = vandq_u8(vceqq_u8(vld1q_u8(bytes + 16), wanted), weights);
    uint8x16_t c = vandq_u8(vceqq_u8(vld1q_u8(bytes + 32), wanted), weights);
    uint8x16_t d = vandq_u8(vceqq_u8(vld1q_u8(bytes + 48), wanted), weights);
    uint8x16_t sum = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    sum = vpaddq_u8(sum, sum);
    return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
#else
    uint64_t mask = 0;
    for (int i = 0; i < 64; i++) mask |= (uint64_t)(bytes[i] == byte) << i;
    return mask;
#endif
}

/// Bit i is the parity of bits 0 to i.
static inline uint64_t prefix_parity(uint64_t bits) {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

/// The quotes one by one, for blocks with a quote in the middle of an unquoted field.
static uint64_t inside_by_walking(uint64_t quotes, uint64_t marks, const dk_csv_state *state, uint64_t *closes) {
    uint64_t inside_mask = 0;
    uint64_t opened_at = 0;
    int inside = state->inside;
    *closes = 0;
    while (quotes) {
        const int at = __builtin_ctzll(quotes);
        quotes &= quotes - 1;
        const uint64_t below = ((uint64_t)1 << at) - 1;
        if (inside) {
            inside_mask |= below & ~(((uint64_t)1 << opened_at) - 1);
            *closes |= (uint64_t)1 << at;
            inside = 0;
        } else if (at == 0 ? state->can_open : (int)(((marks | *closes) >> (at - 1)) & 1)) {
            inside = 1;
            opened_at = (uint64_t)at;
        }
    }
    if (inside) inside_mask |= ~(((uint64_t)1 << opened_at) - 1);
    return inside_mask;
}

/// Separators and newlines outside quotes in one block of `count` bytes, 1 to 64; the state moves on behind the block.
static inline uint64_t block_marks(const uint8_t *bytes, size_t count, dk_csv_state *state, uint64_t *newlines) {
    const uint64_t valid = count == 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1;
    const uint64_t ends = equal_mask(bytes, '\n') & valid;
    uint64_t marks = ends | (equal_mask(bytes, state->separator) & valid);
    const uint64_t quotes = state->has_quote ? equal_mask(bytes, state->quote) & valid : 0;
    if (quotes == 0) {
        if (state->inside) marks = 0;
        state->can_open = (uint8_t)((marks >> (count - 1)) & 1);
        *newlines = ends & marks;
        return marks;
    }
    uint64_t inside = prefix_parity(quotes) ^ (state->inside ? ~(uint64_t)0 : 0);
    uint64_t closes = quotes & ~inside;
    const uint64_t allowed = ((marks & ~inside) << 1) | (closes << 1) | state->can_open;
    if (quotes & inside & ~allowed) inside = inside_by_walking(quotes, marks, state, &closes);
    marks &= ~inside;
    state->inside = (uint8_t)((inside >> (count - 1)) & 1);
    state->can_open = (uint8_t)(((marks | closes) >> (count - 1)) & 1);
    *newlines = ends & marks;
    return marks;
}

size_t dk_csv_index(const uint8_t *bytes, size_t from, size_t to, dk_csv_state *state, uint32_t *places,
                    size_t capacity, size_t *next) {
    dk_csv_state current = *state;
    size_t written = 0;
    size_t at = from;
    while (at < to && written + 64 <= capacity) {
        const size_t count = to - at < 64 ? to - at : 64;
        uint64_t newlines;
        uint64_t marks = block_marks(bytes + at, count, &current, &newlines);
        while (marks) {
            places[written++] = (uint32_t)(at + (size_t)__builtin_ctzll(marks));
            marks &= marks - 1;
        }
        at += count;
    }
    *state = current;
    *next = at;
    return written;
}

size_t dk_csv_last_row_end(const uint8_t *bytes, size_t from, size_t to, dk_csv_state *state) {
    dk_csv_state current = *state;
    size_t last = 0;
    const int hides = current.inside || (current.has_quote && memchr(bytes + from, current.quote, to - from));
    if (!hides && from < to) {
        // Without quotes every newline ends a row.
        for (last = to; last > from && bytes[last - 1] != '\n';) last--;
        state->can_open = bytes[to - 1] == '\n' || bytes[to - 1] == current.separator;
        return last > from ? last : 0;
    }
    for (size_t at = from; at < to;) {
        const size_t count = to - at < 64 ? to - at : 64;
        uint64_t newlines;
        (void)block_marks(bytes + at, count, &current, &newlines);
        if (newlines) last = at + 64 - (size_t)__builtin_clzll(newlines);
        at += count;
    }
    *state = current;
    return last;
}

/// Whether none of the bytes equals `byte`.
static inline int lacks(const uint8_t *bytes, size_t count, uint8_t byte) {
    const uint64_t ones = 0x0101010101010101u;
    for (size_t at = 0; at < count; at += 8) {
        uint64_t word;
        memcpy(&word, bytes + at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        word ^= ones * byte;
        uint64_t found = (word - ones) & ~word & (ones << 7);
        // What lies behind the bytes does not count. The lowest mark is never a false one.
        if (count - at < 8) found &= ((uint64_t)1 << (8 * (count - at))) - 1;
        if (found) return 0;
    }
    return 1;
}

size_t dk_csv_rows(const uint8_t *bytes, const uint32_t *places, size_t place_count, const int32_t *slots,
                   size_t field_count, const dk_csv_state *state, const dk_csv_fields *fields, size_t row,
                   size_t row_max, uint32_t *row_start) {
    const uint8_t separator = state->separator;
    // No byte equals 256: then there are no quotes.
    const uint32_t quote = state->has_quote ? state->quote : 256;
    const size_t first_row = row, row_end = row + row_max;
    uint32_t begin = *row_start;
    for (; row < row_end && place_count >= field_count; row++) {
        uint32_t start = begin;
        for (size_t field = 0; field < field_count; field++) {
            const uint32_t place = places[field];
            const int is_last = field + 1 == field_count;
            if ((bytes[place] == separator) == is_last) goto irregular;
            const int32_t slot = slots[field];
            if (slot >= 0) {
                uint32_t length = place - start;
                if (is_last && length > 0 && bytes[place - 1] == '\r') length--;
                uint32_t from = start;
                if (length > 0 && bytes[start] == quote) {
                    if (length < 2 || bytes[start + length - 1] != quote) goto irregular;
                    from = start + 1;
                    length -= 2;
                    if (!lacks(bytes + from, length, (uint8_t)quote)) goto irregular;
                    length |= fields->quoted;
                }
                fields->starts[(size_t)slot * fields->slot_stride + row] = from;
                fields->lengths[(size_t)slot * fields->slot_stride + row] = length;
            }
            start = place + 1;
        }
        fields->row_starts[row] = begin;
        fields->row_ends[row] = start - 1;
        begin = start;
        places += field_count;
        place_count -= field_count;
    }
irregular:
    *row_start = begin;
    return row - first_row;
}

size_t dk_count_byte(const uint8_t *bytes, size_t count, uint8_t byte) {
    size_t found = 0;
    size_t at = 0;
    for (; at + 64 <= count; at += 64) found += (size_t)__builtin_popcountll(equal_mask(bytes + at, byte));
    for (; at < count; at++) found += bytes[at] == byte;
    return found;
}
