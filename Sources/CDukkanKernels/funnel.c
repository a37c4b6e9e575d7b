// The funnel's inner loops, in C because clang makes conditional moves where swiftc makes branches: on random data a
// branch costs more than the row.
//
// Rows of the first step are the most frequent, and all that matters of them is which is the latest before another row:
// they are kept as a bitmap and never visited. The rows of later steps are visited in order. For each step the row is
// kept where the latest chain of that length started; a row that matches step k extends the chain kept for step k - 1 if
// that started later than the one kept for k, and within the window. Nothing branches on the data: the state is
// addressed by the step, and a row that extends nothing writes back what it read.

#include "dukkan_funnel.h"
#include "processor.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Bits of the rows that match the first step, and of those that match a later one.
typedef struct {
    uint64_t entries, later;
} step_bits;

static inline __attribute__((always_inline)) step_bits bits_of_bytes(const uint8_t *masks, size_t count) {
    step_bits bits = {0, 0};
#if defined(__SSE2__)
    if (count >= 64) {
        const __m128i one = _mm_set1_epi8(1), zero = _mm_setzero_si128();
        for (int i = 0; i < 4; i++) {
            const __m128i lane = _mm_loadu_si128((const __m128i *)(const void *)(masks + 16 * i));
            const __m128i none = _mm_cmpeq_epi8(_mm_andnot_si128(one, lane), zero);
            bits.entries |= (uint64_t)(uint16_t)_mm_movemask_epi8(_mm_slli_epi16(lane, 7)) << (16 * i);
            bits.later |= (uint64_t)(uint16_t)_mm_movemask_epi8(none) << (16 * i);
        }
        bits.later = ~bits.later;
        return bits;
    }
#endif
    for (size_t i = 0; i < count && i < 64; i++) {
        bits.entries |= (uint64_t)(masks[i] & 1) << i;
        bits.later |= (uint64_t)(masks[i] > 1) << i;
    }
    return bits;
}

typedef step_bits (*bits_reader)(const uint8_t *masks, size_t count);

#if defined(__x86_64__)
#define V4 __attribute__((target("arch=x86-64-v4")))

V4 static inline __attribute__((always_inline)) step_bits bits_of_bytes_v4(const uint8_t *masks, size_t count) {
    const __mmask64 present = count >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1;
    const __m512i lane = _mm512_maskz_loadu_epi8(present, masks);
    const step_bits bits = {_mm512_test_epi8_mask(lane, _mm512_set1_epi8(1)),
                            _mm512_test_epi8_mask(lane, _mm512_set1_epi8(-2))};
    return bits;
}
#endif

static inline __attribute__((always_inline)) step_bits bits_of_words(const uint32_t *masks, size_t count) {
    step_bits bits = {0, 0};
    for (size_t i = 0; i < count && i < 64; i++) {
        bits.entries |= (uint64_t)(masks[i] & 1) << i;
        bits.later |= (uint64_t)(masks[i] > 1) << i;
    }
    return bits;
}

// The place of the highest bit; 0 when there is none.
static inline __attribute__((always_inline)) uint32_t highest(uint64_t bits) { return 63 - (uint32_t)__builtin_clzll(bits | 1); }

static inline __attribute__((always_inline)) size_t scan(const dukkan_funnel_rows *rows,
                                                         const dukkan_funnel_scratch *scratch, const uint8_t *bytes,
                                                         bits_reader read_bytes, const uint32_t *wide) {
    const int64_t *const times = rows->times;
    const size_t row_count = rows->row_count, words = dukkan_funnel_state_words(rows->step_count);
    const size_t pairs = dukkan_funnel_pairs_offset(rows->step_count);
    const int64_t window = rows->has_window ? rows->window : 0;
    // Up to this time nothing is too early for the window.
    const int64_t unlimited_to = rows->has_window ? INT64_MIN + rows->window : INT64_MAX;
    uint32_t last_entry = 0, last_first = 0, customer_first = UINT32_MAX;
    size_t next = 0;
    for (size_t base = 0; base < row_count; base += 64) {
        const step_bits bits =
            bytes ? read_bytes(bytes + base, row_count - base) : bits_of_words(wide + base, row_count - base);
        const uint64_t first = scratch->first_rows[base / 64];
        scratch->entries[base / 64] = bits.entries;
        scratch->last_entries[base / 64] = last_entry;
        uint64_t later = bits.later;
        while (later) {
            const uint32_t i = (uint32_t)__builtin_ctzll(later), row = (uint32_t)base + i, number = row + 1;
            later &= later - 1;
            const uint64_t below = ((uint64_t)1 << i) - 1;
            const uint64_t entries_before = bits.entries & below, firsts = first & (below * 2 + 1);
            const uint32_t entry = entries_before ? (uint32_t)base + highest(entries_before) + 1 : last_entry;
            const uint32_t own_first = firsts ? (uint32_t)base + highest(firsts) : last_first;
            next += own_first != customer_first;
            customer_first = own_first;
            const size_t active = next - 1;
            scratch->active_first_rows[active] = own_first;

            const int64_t time = times[row];
            const uint32_t following = row + (number < row_count);
            if (__builtin_expect((row > own_first && times[row - 1] == time) ||
                                     (following != row && times[following] == time), 0)) {
                scratch->active_ties[active] = 1;
            }
            uint32_t *const state = scratch->states + active * words;
            uint64_t *const reached = (uint64_t *)(void *)(state + pairs);
            const int64_t limit = time <= unlimited_to ? INT64_MIN : time - window;
            state[0] = entry > own_first ? entry : 0;
            // The last step comes first: the row must not serve two steps of one chain.
            uint32_t steps = bytes ? bytes[row] : wide[row];
            do {
                const uint32_t k = 31 - (uint32_t)__builtin_clz(steps);
                steps &= ~((uint32_t)1 << k);
                const uint32_t start = state[k - 1], kept = state[k];
                const int64_t start_time = times[start - (start != 0)];
                const uint32_t extends = (uint32_t)(start > kept) & (uint32_t)(start_time >= limit);
                const uint64_t pair = (uint64_t)start << 32 | number;
                state[k] = extends ? start : kept;
                // While nothing is kept the pair is 0. Masks, as a conditional here would be made a branch.
                reached[k] |= pair & -(uint64_t)(extends & (uint32_t)(kept == 0));
            } while (steps > 1);
        }
        last_entry = bits.entries ? (uint32_t)base + highest(bits.entries) + 1 : last_entry;
        last_first = first ? (uint32_t)base + highest(first) : last_first;
    }
    scratch->active_first_rows[next] = UINT32_MAX;
    return next;
}

static inline __attribute__((always_inline)) size_t scan_any(const dukkan_funnel_rows *rows,
                                                             const dukkan_funnel_scratch *scratch,
                                                             bits_reader read_bytes) {
    return rows->byte_masks ? scan(rows, scratch, rows->byte_masks, read_bytes, 0)
                            : scan(rows, scratch, 0, read_bytes, rows->word_masks);
}

// The levels where few customers are active: goes from entry to entry instead of from customer to customer.
static inline __attribute__((always_inline)) void sparse_levels(
    const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch, const uint32_t *row_starts,
    size_t customer_count, size_t active_count, int64_t open_after, uint8_t *levels, const uint8_t *active_levels,
    uint32_t *active_customers) {
    const uint32_t base = row_starts[0];
    memset(levels, 0, customer_count);
    size_t customer = 0;
    for (size_t word = 0; word * 64 < rows->row_count; word++) {
        for (uint64_t entries = scratch->entries[word]; entries; entries &= entries - 1) {
            const uint32_t row = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(entries);
            while (row_starts[customer + 1] - base <= row) customer++;
            // The latest entry comes last.
            levels[customer] = (uint8_t)(1 | (uint32_t)(rows->times[row] > open_after) << 7);
        }
    }
    customer = 0;
    for (size_t active = 0; active < active_count; active++) {
        const uint32_t first = scratch->active_first_rows[active];
        while (row_starts[customer + 1] - base <= first) customer++;
        active_customers[active] = (uint32_t)customer;
        if (active_levels[active]) levels[customer] = (uint8_t)((levels[customer] & 0x80) | active_levels[active]);
    }
}

static inline __attribute__((always_inline)) void active_levels_any(const dukkan_funnel_rows *rows,
                                                                    const dukkan_funnel_scratch *scratch,
                                                                    size_t active_count, uint8_t *active_levels) {
    const size_t words = dukkan_funnel_state_words(rows->step_count);
    for (size_t active = 0; active < active_count; active++) {
        const uint32_t *state = scratch->states + active * words;
        uint32_t level = 0;
        for (uint32_t k = 1; k < rows->step_count; k++) level += state[k] != 0;
        active_levels[active] = (uint8_t)(level + (level != 0));
    }
    active_levels[active_count] = 0;
}

static inline __attribute__((always_inline)) void levels_any(
    const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch, const uint32_t *row_starts,
    size_t customer_count, size_t active_count, int64_t open_after, uint8_t *levels, uint8_t *active_levels,
    uint32_t *active_customers) {
    active_levels_any(rows, scratch, active_count, active_levels);
    const uint32_t base = row_starts[0];
    if (active_count * 8 < customer_count) {
        sparse_levels(rows, scratch, row_starts, customer_count, active_count, open_after, levels, active_levels,
                      active_customers);
        return;
    }
    size_t active = 0;
    for (size_t customer = 0; customer < customer_count; customer++) {
        const uint32_t first = row_starts[customer] - base, end = row_starts[customer + 1] - base;
        const uint32_t last = end - (end != 0);
        const uint64_t entries = scratch->entries[last / 64] & (~(uint64_t)0 >> (63 - last % 64));
        const uint32_t entry = entries ? last / 64 * 64 + highest(entries) + 1 : scratch->last_entries[last / 64];
        const uint32_t has_entry = entry > first && end > first;
        const uint32_t is_active = scratch->active_first_rows[active] == first && end > first;
        const uint32_t is_open = has_entry & (uint32_t)(rows->times[entry - (entry != 0)] > open_after);
        const uint32_t deeper = active_levels[active] & -is_active;
        active_customers[active] = (uint32_t)customer;
        levels[customer] = (uint8_t)((deeper ? deeper : has_entry) | is_open << 7);
        active += is_active;
    }
}

static inline uint64_t extracted(uint64_t bits, uint64_t mask) {
    uint64_t result = 0;
    for (uint32_t place = 0; mask != 0; mask &= mask - 1, place++) {
        result |= (bits >> __builtin_ctzll(mask) & 1) << place;
    }
    return result;
}

static inline uint64_t deposited(uint64_t bits, uint64_t mask) {
    uint64_t result = 0;
    for (; mask != 0; mask &= mask - 1, bits >>= 1) result |= (bits & 1) * (mask & -mask);
    return result;
}

// Four tables, because neighbours often have the same level, and adding to one place waits for the add before.
static inline void count_active_levels(const uint8_t *levels, size_t count, uint32_t step_count, uint64_t *reached) {
    uint32_t tables[4][DUKKAN_FUNNEL_STEPS_MAX + 1];
    memset(tables, 0, sizeof tables);
    for (size_t i = 0; i < count; i++) tables[i & 3][levels[i]]++;
    for (uint32_t l = 2; l <= step_count; l++) {
        reached[l - 1] += (uint64_t)tables[0][l] + tables[1][l] + tables[2][l] + tables[3][l];
    }
}

// Counts customers by level without a look at each: an entry is its customer's last where the next bit among those of
// entries and first rows is a first row. From the last word to the first, so that the next bit is known.
#define COUNT_LEVELS(extract, deposit)                                                                                 \
    active_levels_any(rows, scratch, active_count, active_levels);                                                     \
    count_active_levels(active_levels, active_count, rows->step_count, reached);                                       \
    uint64_t deeper = 0, with_entry = 0, next_is_first = 1;                                                            \
    for (uint32_t k = 1; k < rows->step_count; k++) deeper += reached[k];                                              \
    size_t active = active_count;                                                                                      \
    for (size_t word = rows->row_count / 64 + 1; word-- > 0;) {                                                        \
        const uint64_t entries = word * 64 < rows->row_count ? scratch->entries[word] : 0;                             \
        const uint64_t firsts = scratch->first_rows[word], both = entries | firsts;                                    \
        if (both == 0) continue;                                                                                       \
        const uint64_t following =                                                                                     \
            extract(firsts, both) >> 1 | next_is_first << (__builtin_popcountll(both) - 1);                            \
        const uint64_t last = extract(entries, both) & following;                                                      \
        next_is_first = firsts >> __builtin_ctzll(both) & 1;                                                           \
        with_entry += (uint64_t)__builtin_popcountll(last);                                                            \
        uint64_t late = entries & late_rows[word] ? deposit(last, both) & late_rows[word] : 0;                         \
        for (; late; late &= ~((uint64_t)1 << highest(late))) {                                                        \
            const uint32_t own_first = first_row_before(scratch->first_rows, word, highest(late));                     \
            while (active > 0 && scratch->active_first_rows[active - 1] > own_first) active--;                         \
            const int is_active = active > 0 && scratch->active_first_rows[active - 1] == own_first;                   \
            const uint32_t level = is_active ? active_levels[active - 1] : 0;                                          \
            open[level ? level - 1 : 0]++;                                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    reached[0] = with_entry - deeper;

// The latest first row up to bit `i` of a word; row 0 is one.
static inline uint32_t first_row_before(const uint64_t *first_rows, size_t word, uint32_t i) {
    uint64_t firsts = first_rows[word] & (~(uint64_t)0 >> (63 - i));
    while (firsts == 0 && word > 0) firsts = first_rows[--word];
    return (uint32_t)(word * 64) + highest(firsts);
}

// The same loops once more for processors that count leading zeros and shift by any register in one step.

static size_t scan_base(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch) {
    return scan_any(rows, scratch, bits_of_bytes);
}

static void levels_base(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch,
                        const uint32_t *row_starts, size_t customer_count, size_t active_count, int64_t open_after,
                        uint8_t *levels, uint8_t *active_levels, uint32_t *active_customers) {
    levels_any(rows, scratch, row_starts, customer_count, active_count, open_after, levels, active_levels,
               active_customers);
}

static void count_levels_base(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch,
                              size_t active_count, const uint64_t *late_rows, uint8_t *active_levels,
                              uint64_t *reached, uint64_t *open) {
    COUNT_LEVELS(extracted, deposited)
}

#if defined(__x86_64__)
__attribute__((target("arch=x86-64-v3"))) static size_t scan_v3(const dukkan_funnel_rows *rows,
                                                                 const dukkan_funnel_scratch *scratch) {
    return scan_any(rows, scratch, bits_of_bytes);
}

V4 static size_t scan_v4(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch) {
    return scan_any(rows, scratch, bits_of_bytes_v4);
}

__attribute__((target("arch=x86-64-v3"))) static void
levels_v3(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch, const uint32_t *row_starts,
          size_t customer_count, size_t active_count, int64_t open_after, uint8_t *levels, uint8_t *active_levels,
          uint32_t *active_customers) {
    levels_any(rows, scratch, row_starts, customer_count, active_count, open_after, levels, active_levels,
               active_customers);
}

__attribute__((target("arch=x86-64-v3"))) static void
count_levels_v3(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch, size_t active_count,
                const uint64_t *late_rows, uint8_t *active_levels, uint64_t *reached, uint64_t *open) {
    COUNT_LEVELS(_pext_u64, _pdep_u64)
}

static int has_v3, has_v4;

__attribute__((constructor)) static void look_at_processor(void) {
    has_v3 = processor_level() >= 1;
    has_v4 = processor_level() >= 2;
}
#else
enum { has_v3 = 0, has_v4 = 0 };
#define scan_v3 scan_base
#define scan_v4 scan_base
#define levels_v3 levels_base
#define count_levels_v3 count_levels_base
#endif

size_t dukkan_funnel_scan(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch) {
    return (has_v4 ? scan_v4 : has_v3 ? scan_v3 : scan_base)(rows, scratch);
}

void dukkan_funnel_levels(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch,
                          const uint32_t *row_starts, size_t customer_count, size_t active_count, int64_t open_after,
                          uint8_t *levels, uint8_t *active_levels, uint32_t *active_customers) {
    if (has_v3) {
        levels_v3(rows, scratch, row_starts, customer_count, active_count, open_after, levels, active_levels,
                  active_customers);
    } else {
        levels_base(rows, scratch, row_starts, customer_count, active_count, open_after, levels, active_levels,
                    active_customers);
    }
}

void dukkan_funnel_count_levels(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch,
                                size_t active_count, const uint64_t *late_rows, uint8_t *active_levels,
                                uint64_t *reached, uint64_t *open) {
    (has_v3 ? count_levels_v3 : count_levels_base)(rows, scratch, active_count, late_rows, active_levels, reached,
                                                   open);
}

void dukkan_funnel_gaps(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch,
                        const uint8_t *active_levels, const uint32_t *active_customers, size_t active_count,
                        uint32_t least_level, const uint32_t *customer_slots, int64_t *const *gaps,
                        uint32_t *const *gap_slots, size_t *counts) {
    const size_t words = dukkan_funnel_state_words(rows->step_count);
    const size_t pairs = dukkan_funnel_pairs_offset(rows->step_count);
    const int64_t *times = rows->times;
    for (size_t active = 0; active < active_count; active++) {
        const uint32_t level = active_levels[active];
        if (level < least_level) continue;
        const uint64_t *reached = (const uint64_t *)(const void *)(scratch->states + active * words + pairs);
        const uint32_t start = (uint32_t)(reached[level - 1] >> 32);
        uint32_t row = start - 1;
        for (uint32_t k = 1; k < level; k++) {
            const int64_t before = times[row];
            if ((uint32_t)(reached[k] >> 32) == start) {
                // The first chain of all to complete the step is this one.
                row = (uint32_t)reached[k] - 1;
            } else if (rows->byte_masks) {
                do { row++; } while (!(rows->byte_masks[row] >> k & 1));
            } else {
                do { row++; } while (!(rows->word_masks[row] >> k & 1));
            }
            gaps[k - 1][counts[k - 1]] = times[row] - before;
            if (customer_slots) gap_slots[k - 1][counts[k - 1]] = customer_slots[active_customers[active]];
            counts[k - 1]++;
        }
    }
}

// Whether a row of another table lies within the window after an entry. Both lists ascend.
static inline int may_convert(const int64_t *entries, size_t entry_count, const dukkan_funnel_table *table,
                              size_t customer, int has_window, int64_t window) {
    const size_t end = table->row_starts[customer + 1];
    size_t row = table->row_starts[customer], entry = 0;
    for (; row < end; row++) {
        const int64_t time = table->times[row];
        while (entry + 1 < entry_count && entries[entry + 1] <= time) entry++;
        // The difference may leave 64 signed bits, not 64 unsigned ones.
        if (entries[entry] <= time && (!has_window || (uint64_t)time - (uint64_t)entries[entry] <= (uint64_t)window)) {
            return 1;
        }
    }
    return 0;
}

// Bit of each entry that a row of the table follows within the window. Both lists ascend.
static inline uint32_t converting(const int64_t *entries, size_t entry_count, const dukkan_funnel_table *table,
                                  size_t customer, int has_window, int64_t window) {
    const size_t end = table->row_starts[customer + 1];
    size_t row = table->row_starts[customer];
    uint32_t bits = 0;
    for (size_t entry = 0; entry < entry_count; entry++) {
        while (row < end && table->times[row] < entries[entry]) row++;
        if (row == end) break;
        const uint64_t gap = (uint64_t)table->times[row] - (uint64_t)entries[entry];
        bits |= (uint32_t)(!has_window || gap <= (uint64_t)window) << entry;
    }
    return bits;
}

// One run: the chosen entries and all rows of the table, in order; at one time the entries first.
static inline void merge_run(const dukkan_funnel_table *own, size_t first, size_t last, uint32_t chosen,
                             const dukkan_funnel_table *table, size_t customer, dukkan_funnel_runs *runs) {
    const size_t end = table->row_starts[customer + 1];
    size_t row = table->row_starts[customer], rows = runs->row_count;
    for (size_t entry = first; entry < last; entry++) {
        if (!(chosen >> (entry - first) & 1)) continue;
        for (; row < end && table->times[row] < own->times[entry]; row++, rows++) {
            runs->times[rows] = table->times[row];
            runs->masks[rows] = table->masks[row];
        }
        runs->times[rows] = own->times[entry];
        runs->masks[rows++] = 1;
    }
    for (; row < end; row++, rows++) {
        runs->times[rows] = table->times[row];
        runs->masks[rows] = table->masks[row];
    }
    runs->row_count = rows;
}

// Counts a run of one entry.
static inline void count_entry(dukkan_funnel_runs *runs, uint32_t slot, int64_t time) {
    const size_t at = (size_t)slot * runs->step_count;
    runs->reached[at]++;
    runs->open[at] += time > runs->open_after;
}

// Whether the slots of all entries can be counted; slot of a value is value + 1, modulo 2^32.
static inline int has_slots(const uint32_t *values, size_t count, dukkan_funnel_runs *runs) {
    uint32_t greatest = 0;
    for (size_t i = 0; i < count; i++) greatest = values[i] + 1 > greatest ? values[i] + 1 : greatest;
    if (greatest < runs->slot_count) return 1;
    runs->slots_needed = (size_t)greatest + 1;
    return 0;
}

// The runs of a customer of two tables, one for each value of her entries; 0 when there is no room for them.
static inline int runs_by_value(const dukkan_funnel_table *tables, size_t customer, int has_window, int64_t window,
                                dukkan_funnel_runs *runs) {
    const dukkan_funnel_table *own = &tables[0], *other = &tables[1];
    const size_t first = own->row_starts[customer], last = own->row_starts[customer + 1], count = last - first;
    const size_t other_count = other->row_starts[customer + 1] - other->row_starts[customer];
    if (runs->row_capacity - runs->row_count < count * (1 + other_count)) return 0;
    const uint32_t going_on = converting(own->times + first, count, other, customer, has_window, window);
    for (size_t entry = first; entry < last; entry++) {
        uint32_t equal = 0;
        for (size_t e = first; e < last; e++) equal |= (uint32_t)(own->values[e] == own->values[entry]) << (e - first);
        // The last entry of a value stands for it.
        if (equal >> (entry - first) != 1) continue;
        if (!(equal & going_on)) {
            count_entry(runs, own->values[entry] + 1, own->times[entry]);
            continue;
        }
        runs->slots[runs->run_count++] = own->values[entry] + 1;
        merge_run(own, first, last, equal, other, customer, runs);
        runs->row_starts[runs->run_count] = (uint32_t)runs->row_count;
    }
    return 1;
}

// The runs of one customer who has rows in the first table; 0 where it is not for this loop to make them.
static inline __attribute__((always_inline)) int take_entries(const dukkan_funnel_table *tables, size_t table_count,
                                                              size_t customer, int only_entries, int form,
                                                              int has_window, int64_t window, uint32_t no_value,
                                                              dukkan_funnel_runs *runs) {
    const dukkan_funnel_table own = tables[0];
    const size_t first = own.row_starts[customer], last = own.row_starts[customer + 1];
    uint32_t steps = 1;
    if (!only_entries) {
        steps = 0;
        for (size_t row = first; row < last; row++) steps |= own.masks[row];
        // Without an entry nobody is counted.
        if (!(steps & 1)) return 1;
    }
    if (steps != 1 || (form == DUKKAN_ENTRIES_BY_VALUE && last - first > DUKKAN_ENTRIES_COMPARED_MAX)) return 0;
    int may_go_on = 0;
    for (size_t t = 1; t < table_count && !may_go_on; t++) {
        may_go_on = may_convert(own.times + first, last - first, &tables[t], customer, has_window, window);
    }
    const int has_values = form == DUKKAN_ENTRIES_BY_VALUE && own.values;
    if (has_values && !has_slots(own.values + first, last - first, runs)) return 0;
    if (may_go_on) {
        const int is_made = form == DUKKAN_ENTRIES_BY_VALUE && own.values && table_count == 2 &&
                            runs_by_value(tables, customer, has_window, window, runs);
        return is_made;
    }
    if (form == DUKKAN_ENTRIES_DROPPED) return 1;
    if (!has_values) {
        count_entry(runs, no_value + 1, own.times[last - 1]);
        return 1;
    }
    for (size_t row = first; row < last; row++) {
        const uint32_t value = own.values[row];
        uint32_t comes_again = 0;
        for (size_t later = row + 1; later < last; later++) comes_again |= own.values[later] == value;
        // Added always, and nothing where a later entry has the value.
        const size_t at = (size_t)(value + 1) * runs->step_count;
        runs->reached[at] += !comes_again;
        runs->open[at] += !comes_again & (own.times[row] > runs->open_after);
    }
    return 1;
}

size_t dukkan_funnel_entries(const dukkan_funnel_table *tables, size_t table_count, size_t customer, size_t end,
                             int form, int has_window, int64_t window, uint32_t no_value, dukkan_funnel_runs *runs) {
    // Customers looked at together: those with rows are listed without a branch for each.
    enum { TOGETHER = 64 };
    uint32_t present[TOGETHER];
    const dukkan_funnel_table own = tables[0];
    while (customer < end) {
        const size_t stop = end - customer < TOGETHER ? end : customer + TOGETHER;
        size_t present_count = 0;
        uint32_t first_row = own.row_starts[customer], all_steps = 0;
        for (size_t c = customer; c < stop; c++) {
            const uint32_t next_row = own.row_starts[c + 1];
            present[present_count] = (uint32_t)c;
            present_count += next_row != first_row;
            first_row = next_row;
        }
        for (size_t row = own.row_starts[customer]; row < first_row; row++) all_steps |= own.masks[row];
        for (size_t i = 0; i < present_count; i++) {
            if (!take_entries(tables, table_count, present[i], all_steps == 1, form, has_window, window, no_value,
                              runs)) {
                return present[i];
            }
        }
        customer = stop;
    }
    return end;
}
