#include "dukkan_runs.h"
#include "processor.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

void dukkan_merge_run_customers(const dukkan_run_customer *a, size_t a_count, const dukkan_run_customer *b,
                                size_t b_count, dukkan_run_customer *out) {
    const dukkan_run_customer *const a_end = a + a_count;
    const dukkan_run_customer *const b_end = b + b_count;
    // Which list is next is as good as random: both pointers move without a branch.
    while (a != a_end && b != b_end) {
        const size_t takes_b = b->key < a->key;
        const dukkan_run_customer *const least = takes_b ? b : a;
        *out++ = *least;
        b += takes_b;
        a += 1 - takes_b;
    }
    if (a != a_end) memcpy(out, a, (size_t)(a_end - a) * sizeof *a);
    if (b != b_end) memcpy(out, b, (size_t)(b_end - b) * sizeof *b);
}

void dukkan_key_bounds(const int64_t *keys, size_t count, int64_t *least, int64_t *greatest) {
    int64_t low = keys[0], high = keys[0];
    for (size_t i = 1; i < count; i++) {
        low = keys[i] < low ? keys[i] : low;
        high = keys[i] > high ? keys[i] : high;
    }
    *least = low;
    *greatest = high;
}

void dukkan_sort_run_customers(const int64_t *const *keys, const size_t *counts, size_t run_count, int64_t least,
                               size_t range, uint32_t *heads, dukkan_run_customer *out) {
    const uint64_t base = (uint64_t)least;
    for (size_t run = 0; run < run_count; run++) {
        for (size_t i = 0; i < counts[run]; i++) heads[(uint64_t)keys[run][i] - base]++;
    }
    uint32_t before = 0;
    for (size_t key = 0; key <= range; key++) {
        const uint32_t count = heads[key];
        heads[key] = before;
        before += count;
    }
    for (size_t run = 0; run < run_count; run++) {
        for (size_t i = 0; i < counts[run]; i++) {
            const int64_t key = keys[run][i];
            const dukkan_run_customer customer = {key, (uint32_t)run, (uint32_t)i};
            out[heads[(uint64_t)key - base]++] = customer;
        }
    }
}

dukkan_row_order dukkan_order_rows(const dukkan_run_customer *entries, size_t count, const uint32_t *const *starts,
                                   int64_t *keys, uint32_t *first_rows, dukkan_row_run *runs) {
    dukkan_row_order order = {0, 0, 0};
    int64_t key = count > 0 ? entries[0].key : 0;
    uint32_t first = 0;
    // Whether a customer is the one before, and whether she has rows, is as good as random: what holds is overwritten.
    for (size_t i = 0; i < count; i++) {
        const size_t is_next = entries[i].key != key;
        key = entries[i].key;
        order.customers += is_next;
        first = is_next ? (uint32_t)order.rows : first;
        keys[order.customers] = key;
        first_rows[order.customers] = first;
        const uint32_t *const own = starts[entries[i].run] + entries[i].place;
        const dukkan_row_run run = {own[0], own[1] - own[0], entries[i].run};
        runs[order.runs] = run;
        order.runs += run.count != 0;
        order.rows += run.count;
    }
    order.customers += count > 0;
    first_rows[order.customers] = (uint32_t)order.rows;
    return order;
}

dukkan_row_order dukkan_order_close_rows(const int64_t *const *keys, const uint32_t *const *starts,
                                         const size_t *counts, size_t list_count, int64_t least, size_t range,
                                         uint64_t *cells, int64_t *united, uint32_t *first_rows,
                                         dukkan_row_run *runs) {
    const uint64_t base = (uint64_t)least;
    // Of each key the lists in the high half, the rows in the low one.
    for (size_t list = 0; list < list_count; list++) {
        const int64_t *const own = keys[list];
        const uint32_t *const first = starts[list];
        for (size_t i = 0; i < counts[list]; i++) {
            cells[(uint64_t)own[i] - base] += (uint64_t)1 << 32 | (first[i + 1] - first[i]);
        }
    }
    dukkan_row_order order = {0, 0, 0};
    // Whether a key has a customer is as good as random: what holds of one without is overwritten.
    for (size_t key = 0; key <= range; key++) {
        const uint64_t cell = cells[key];
        united[order.customers] = (int64_t)(base + key);
        first_rows[order.customers] = (uint32_t)order.rows;
        cells[key] = order.runs;
        order.customers += cell != 0;
        order.runs += cell >> 32;
        order.rows += (uint32_t)cell;
    }
    first_rows[order.customers] = (uint32_t)order.rows;
    for (size_t list = 0; runs && list < list_count; list++) {
        const int64_t *const own = keys[list];
        const uint32_t *const first = starts[list];
        for (size_t i = 0; i < counts[list]; i++) {
            const dukkan_row_run run = {first[i], first[i + 1] - first[i], (uint32_t)list};
            runs[cells[(uint64_t)own[i] - base]++] = run;
        }
    }
    return order;
}

// Where a run ends is as good as random: 128 bytes are copied at once, and what is copied beyond a run is overwritten by
// the next. Vectors of 64 bytes take a third to a half of the time that those of 16 take.

#define COPY_RUNS(TYPE, COPY)                                                                                          \
    for (size_t i = 0; i < count; i++) {                                                                               \
        const TYPE *const from = sources[runs[i].source] + runs[i].first;                                              \
        const uint32_t length = runs[i].count;                                                                         \
        for (uint32_t at = 0; at < length; at += 128 / sizeof(TYPE)) COPY(out + at, from + at);                        \
        out += length;                                                                                                 \
    }

static inline __attribute__((always_inline)) void copy_128(void *to, const void *from) { memcpy(to, from, 128); }

#define COPY_FORMS(SUFFIX, ATTRIBUTES, COPY)                                                                           \
    ATTRIBUTES static void copy_words_##SUFFIX(const uint64_t *const *sources, const dukkan_row_run *runs,             \
                                               size_t count, uint64_t *out) {                                          \
        COPY_RUNS(uint64_t, COPY)                                                                                      \
    }                                                                                                                  \
    ATTRIBUTES static void copy_codes_##SUFFIX(const uint32_t *const *sources, const dukkan_row_run *runs,             \
                                               size_t count, uint32_t *out) {                                          \
        COPY_RUNS(uint32_t, COPY)                                                                                      \
    }

COPY_FORMS(base, , copy_128)

#if defined(__x86_64__)
#define V3 __attribute__((target("arch=x86-64-v3")))
#define V4 __attribute__((target("arch=x86-64-v4")))

V3 static inline __attribute__((always_inline)) void copy_128_v3(void *to, const void *from) {
    for (int i = 0; i < 4; i++) _mm256_storeu_si256((__m256i *)to + i, _mm256_loadu_si256((const __m256i *)from + i));
}

V4 static inline __attribute__((always_inline)) void copy_128_v4(void *to, const void *from) {
    const __m512i low = _mm512_loadu_si512(from), high = _mm512_loadu_si512((const char *)from + 64);
    _mm512_storeu_si512(to, low);
    _mm512_storeu_si512((char *)to + 64, high);
}

COPY_FORMS(v3, V3, copy_128_v3)
COPY_FORMS(v4, V4, copy_128_v4)

static int level;

__attribute__((constructor)) static void look_at_processor(void) { level = processor_level(); }
#else
enum { level = 0 };
#define copy_words_v3 copy_words_base
#define copy_words_v4 copy_words_base
#define copy_codes_v3 copy_codes_base
#define copy_codes_v4 copy_codes_base
#endif

void dukkan_copy_run_words(const uint64_t *const *sources, const dukkan_row_run *runs, size_t count, uint64_t *out) {
    (level >= 2 ? copy_words_v4 : level == 1 ? copy_words_v3 : copy_words_base)(sources, runs, count, out);
}

void dukkan_copy_run_codes(const uint32_t *const *sources, const dukkan_row_run *runs, size_t count, uint32_t *out) {
    (level >= 2 ? copy_codes_v4 : level == 1 ? copy_codes_v3 : copy_codes_base)(sources, runs, count, out);
}

void dukkan_copy_run_bits(const uint64_t *const *sources, const dukkan_row_run *runs, size_t count, size_t at,
                          uint64_t *out) {
    out += at >> 6;
    uint32_t held = at & 63;
    uint64_t word = held ? *out & (((uint64_t)1 << held) - 1) : 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t *const in = sources[runs[i].source];
        uint64_t from = runs[i].first;
        uint32_t left = runs[i].count;
        while (left) {
            const uint32_t taken = left < 64 ? left : 64;
            const uint32_t shift = from & 63;
            uint64_t bits = in ? in[from >> 6] >> shift : ~(uint64_t)0;
            if (in && shift) bits |= in[(from >> 6) + 1] << (64 - shift);
            if (taken < 64) bits &= ((uint64_t)1 << taken) - 1;
            word |= bits << held;
            if (held + taken >= 64) {
                *out++ = word;
                word = held ? bits >> (64 - held) : 0;
                held = held + taken - 64;
            } else {
                held += taken;
            }
            from += taken;
            left -= taken;
        }
    }
    if (held) *out = word;
}
