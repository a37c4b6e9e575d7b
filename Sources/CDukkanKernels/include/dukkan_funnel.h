#ifndef DUKKAN_FUNNEL_H
#define DUKKAN_FUNNEL_H
#include <stddef.h>
#include <stdint.h>

/// Steps of a funnel at most: a row's steps are bits of 32.
enum { DUKKAN_FUNNEL_STEPS_MAX = 32 };

/// The rows of one morsel, in order by customer and time, as the funnel kernel scans them; fewer than 2^32 - 1.
typedef struct {
    size_t row_count;
    const int64_t *times;
    /// Bit k: the row matches step k. One of the two is set, `byte_masks` for at most 8 steps.
    const uint8_t *byte_masks;
    const uint32_t *word_masks;
    uint32_t step_count;
    uint8_t has_window;
    /// Most microseconds from a chain's start to a later row, inclusive; not negative.
    int64_t window;
} dukkan_funnel_rows;

/// What the scan works on and leaves behind. Rows are numbered from 1, 0 is none.
typedef struct {
    /// Bit of each customer's first row, 64 rows a word, `row_count / 64 + 1` words. Given.
    const uint64_t *first_rows;
    /// Bits of the rows that match step 0, and the last such row before each word; as many words.
    uint64_t *entries;
    uint32_t *last_entries;
    /// For each customer with a row of a later step, in order: her first row, counted from 0; afterwards UINT32_MAX.
    /// Room for one more than there are customers.
    uint32_t *active_first_rows;
    /// For each of those, given as 0: whether two of her matching rows may have one time. If so her state is not valid.
    uint8_t *active_ties;
    /// For each of those, given as 0, `dukkan_funnel_state_words` words: for each step the row where the kept chain of
    /// that length started; padding to an even number; for each step a 64-bit word, in its low half the row that first
    /// completed the step, in its high half the row where that chain started. Of step 0 nothing is held.
    uint32_t *states;
} dukkan_funnel_scratch;

static inline size_t dukkan_funnel_pairs_offset(uint32_t step_count) { return ((size_t)step_count + 1) / 2 * 2; }

static inline size_t dukkan_funnel_state_words(uint32_t step_count) {
    return dukkan_funnel_pairs_offset(step_count) + (size_t)step_count * 2;
}

/// Runs the customers' rows through the funnel and returns how many customers are active: have a row of a later step.
size_t dukkan_funnel_scan(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch);

/// Writes the level of each customer after a scan, and in bit 7 whether her latest start is later than `open_after`.
///
/// `row_starts` has `customer_count + 1` entries, relative to the first row. `active_levels` (room for one more than are
/// active) gets the level of each active customer, `active_customers` (as long) her number.
void dukkan_funnel_levels(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch,
                          const uint32_t *row_starts, size_t customer_count, size_t active_count, int64_t open_after,
                          uint8_t *levels, uint8_t *active_levels, uint32_t *active_customers);

/// Counts the customers of each level after a scan, where nobody asks who they are and no customer's state is invalid.
///
/// `reached[l - 1]` gets the customers whose level is l, `open[l - 1]` those of them whose latest start is one of
/// `late_rows`, a bit a row; both have `step_count` entries and are 0 before. `active_levels` as in
/// `dukkan_funnel_levels`.
void dukkan_funnel_count_levels(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch,
                                size_t active_count, const uint64_t *late_rows, uint8_t *active_levels,
                                uint64_t *reached, uint64_t *open);

/// Follows the reported chain of each active customer of at least `least_level`, which is 2 or more: from its start each
/// step at the first row that serves it.
///
/// `gaps[k]` gets the microseconds from step k to step k + 1 of those who reached that, from place `counts[k]` on, which is
/// moved on; `gap_slots[k]` at the same places `customer_slots` of the customer, where that is given. There is room for one
/// entry more than there are active customers.
void dukkan_funnel_gaps(const dukkan_funnel_rows *rows, const dukkan_funnel_scratch *scratch,
                        const uint8_t *active_levels, const uint32_t *active_customers, size_t active_count,
                        uint32_t least_level, const uint32_t *customer_slots, int64_t *const *gaps,
                        uint32_t *const *gap_slots, size_t *counts);

/// The rows of one table that match a step, by customer.
typedef struct {
    const uint32_t *row_starts;
    const int64_t *times;
    const uint8_t *masks;
    /// The value of each row; null: all rows have `no_value`.
    const uint32_t *values;
} dukkan_funnel_table;

/// What becomes of a customer who cannot get past the first step.
enum {
    /// Nothing.
    DUKKAN_ENTRIES_DROPPED,
    /// One run with her last entry, under `no_value`.
    DUKKAN_ENTRIES_WHOLE,
    /// A run for each value of her entries, with the last that has it; of two tables also the runs of customers who do get
    /// past the first step: for a value that may, its entries and all rows of the second table.
    DUKKAN_ENTRIES_BY_VALUE,
};

/// Entries up to which a customer's values are compared each with each.
enum { DUKKAN_ENTRIES_COMPARED_MAX = 32 };

/// Runs of rows, written from the counts on, and counts of runs that need no look: those of one entry reach the first step.
typedef struct {
    uint32_t *row_starts;
    int64_t *times;
    uint32_t *masks;
    uint32_t *slots;
    size_t row_count, run_count;
    /// Rows that there is room for, and one more; as many runs.
    size_t row_capacity;
    /// At slot * step_count the runs of one entry under the slot's value, and those of them later than `open_after`.
    int64_t *reached, *open;
    size_t step_count;
    /// Slots that there is room for, and set by the function where it stops for want of it: as many as it needs.
    size_t slot_count, slots_needed;
    int64_t open_after;
} dukkan_funnel_runs;

/// Makes the runs of customers `customer` up to `end` who cannot get past the first step: who have nothing but entries in the
/// first table and no row of another table within `window` after an entry (`has_window` 0: after the first entry).
/// Customers without an entry are passed over. A run that consists of one entry is counted instead.
///
/// Stops at the first customer whose runs it cannot make: who may get further, has more than DUKKAN_ENTRIES_COMPARED_MAX
/// entries to compare, or for whom there is no room; returns her number, else `end`.
size_t dukkan_funnel_entries(const dukkan_funnel_table *tables, size_t table_count, size_t customer, size_t end,
                             int form, int has_window, int64_t window, uint32_t no_value, dukkan_funnel_runs *runs);

#endif
