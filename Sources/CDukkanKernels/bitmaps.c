#include "dukkan_selection.h"
#include "processor.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline uint64_t deposited(uint64_t bits, uint64_t mask) {
    uint64_t result = 0;
    for (; mask != 0; mask &= mask - 1, bits >>= 1) result |= (bits & 1) * (mask & -mask);
    return result;
}

/// 64 bits from place `at` on.
static inline uint64_t bits_from(const uint64_t *words, size_t at) {
    const size_t shift = at & 63;
    return words[at / 64] >> shift | words[at / 64 + 1] << 1 << (63 - shift);
}

/// Bit i: whether an odd number of the bits 0 to i are set.
static inline uint64_t parities(uint64_t bits) {
    for (uint32_t shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
}

static inline uint64_t first_bits(size_t count) { return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1; }

#define SPREAD_BITS(deposit)                                                                                           \
    size_t taken = 0;                                                                                                  \
    for (size_t row = 0; row < count; row += 64) {                                                                     \
        const uint64_t mask = bits[row / 64];                                                                          \
        out[row / 64] = deposit(bits_from(in, taken), mask);                                                           \
        taken += (size_t)__builtin_popcountll(mask);                                                                   \
    }

/// A row's bit changes only where a run begins whose bit is not that of the run before: the changes are put to the starts,
/// and the parity of the changes so far is the bit.
#define FILL_FORWARD_BITS(deposit)                                                                                     \
    size_t taken = 0;                                                                                                  \
    uint64_t before = 0;                                                                                               \
    for (size_t row = 0; row < count; row += 64) {                                                                     \
        const uint64_t mask = starts[row / 64];                                                                        \
        const size_t runs = (size_t)__builtin_popcountll(mask);                                                        \
        const uint64_t values = bits_from(in, taken);                                                                  \
        const uint64_t changes = deposit(values ^ (values << 1 | before), mask);                                       \
        out[row / 64] = (parities(changes) ^ (0 - before)) & first_bits(count - row);                                  \
        if (runs > 0) before = values >> (runs - 1) & 1;                                                               \
        taken += runs;                                                                                                 \
    }

static inline uint64_t block_bit(size_t value, uint32_t block_shift) {
    const size_t block = value >> block_shift;
    return (uint64_t)1 << (block < 63 ? block : 63);
}

/// Whether a word has a bit is as good as random: what does not hold is overwritten.
static inline __attribute__((always_inline)) size_t find_spans(const uint64_t *words, const uint64_t *starts,
                                                               size_t word_count, size_t value_count,
                                                               uint32_t block_shift, dukkan_word_span *spans,
                                                               uint64_t *blocks) {
    size_t count = 0, before = 0;
    uint32_t follows = 0;
    uint64_t wanted = 0;
    dukkan_word_span span = {0, 0, 0};
    for (size_t word = 0; word < word_count; word++) {
        const uint32_t has_bits = words[word] != 0;
        const size_t first = word * 64 - before, last = first + 63 < value_count ? first + 63 : value_count;
        count += follows & (has_bits ^ 1);
        span.first = has_bits & (follows ^ 1) ? (uint32_t)word : span.first;
        span.before = has_bits & (follows ^ 1) ? (uint32_t)before : span.before;
        span.end = (uint32_t)word + 1;
        spans[count] = span;
        wanted |= (block_bit(first, block_shift) | block_bit(last, block_shift)) & (0 - (uint64_t)has_bits);
        follows = has_bits;
        before += (size_t)__builtin_popcountll(starts[word]);
    }
    *blocks = wanted;
    return count + follows;
}

static void spread_portable(const uint64_t *in, const uint64_t *bits, size_t count, uint64_t *out) {
    SPREAD_BITS(deposited)
}

static void fill_forward_portable(const uint64_t *in, const uint64_t *starts, size_t count, uint64_t *out) {
    FILL_FORWARD_BITS(deposited)
}

#if defined(__x86_64__)
#define V3 __attribute__((target("arch=x86-64-v3")))

V3 static void spread_v3(const uint64_t *in, const uint64_t *bits, size_t count, uint64_t *out) {
    SPREAD_BITS(_pdep_u64)
}

V3 static void fill_forward_v3(const uint64_t *in, const uint64_t *starts, size_t count, uint64_t *out) {
    FILL_FORWARD_BITS(_pdep_u64)
}

V3 static size_t find_spans_v3(const uint64_t *words, const uint64_t *starts, size_t word_count, size_t value_count,
                               uint32_t block_shift, dukkan_word_span *spans, uint64_t *blocks) {
    return find_spans(words, starts, word_count, value_count, block_shift, spans, blocks);
}

static int has_v3;

__attribute__((constructor)) static void look_at_processor(void) {
    has_v3 = processor_level() >= 1;
}
#endif

void dukkan_spread_bits(const uint64_t *in, const uint64_t *bits, size_t count, uint64_t *out) {
#if defined(__x86_64__)
    if (has_v3) {
        spread_v3(in, bits, count, out);
        return;
    }
#endif
    spread_portable(in, bits, count, out);
}

void dukkan_fill_forward_bits(const uint64_t *in, const uint64_t *starts, size_t count, uint64_t *out) {
#if defined(__x86_64__)
    if (has_v3) {
        fill_forward_v3(in, starts, count, out);
        return;
    }
#endif
    fill_forward_portable(in, starts, count, out);
}

size_t dukkan_word_spans(const uint64_t *words, const uint64_t *starts, size_t word_count, size_t value_count,
                         uint32_t block_shift, dukkan_word_span *spans, uint64_t *blocks) {
#if defined(__x86_64__)
    if (has_v3) return find_spans_v3(words, starts, word_count, value_count, block_shift, spans, blocks);
#endif
    return find_spans(words, starts, word_count, value_count, block_shift, spans, blocks);
}
