#ifndef DUKKAN_RUNS_H
#define DUKKAN_RUNS_H

#include <stddef.h>
#include <stdint.h>

/// A customer of one of several runs: her key, the number of the run and her place in it.
typedef struct {
    int64_t key;
    uint32_t run;
    uint32_t place;
} dukkan_run_customer;

/// Merges two lists that ascend by key; of equal keys those of `a` come first. `out` overlaps neither.
void dukkan_merge_run_customers(const dukkan_run_customer *a, size_t a_count, const dukkan_run_customer *b,
                                size_t b_count, dukkan_run_customer *out);

/// Puts the customers of several lists in order by key, of equal keys by list, which each list need not be.
///
/// `heads` has `range + 1` entries, all 0, where every key lies from `least` to `least + range`. For keys that lie close
/// together: O(keys + range).
void dukkan_sort_run_customers(const int64_t *const *keys, const size_t *counts, size_t run_count, int64_t least,
                               size_t range, uint32_t *heads, dukkan_run_customer *out);

/// The least and the greatest of `count` keys, which are at least one.
void dukkan_key_bounds(const int64_t *keys, size_t count, int64_t *least, int64_t *greatest);

/// Consecutive rows of one of several sources.
typedef struct {
    uint32_t first;
    uint32_t count;
    uint32_t source;
} dukkan_row_run;

/// Customers, runs and rows.
typedef struct {
    size_t customers;
    size_t runs;
    size_t rows;
} dukkan_row_order;

/// The rows of customers that stand in order by key and list, one list's rows of a customer behind the other's: each
/// customer's key and first row, and at the end that of nobody, and the runs of rows that are not empty.
///
/// `starts[r][p]` is the first row of customer p of list r, and `starts[r][p + 1]` the one behind her last. `keys` and `runs`
/// have room for one entry each more than `count`, `first_rows` for one more.
dukkan_row_order dukkan_order_rows(const dukkan_run_customer *entries, size_t count, const uint32_t *const *starts,
                                   int64_t *keys, uint32_t *first_rows, dukkan_row_run *runs);

/// The same for lists as they lie, put in order by counting: each customer's key and first row, and for each list's rows of
/// a customer a run, which may be empty.
///
/// `counts[r]` customers has list r, each key of which lies from `least` to `least + range`; `cells` has `range + 1`
/// entries, all 0. `runs` has an entry for each customer of each list, `keys` and `first_rows` one more; without `runs` it
/// tells only how many rows there are of each. Fewer than 2^32 customers and rows. For keys that lie close together:
/// O(customers + range).
dukkan_row_order dukkan_order_close_rows(const int64_t *const *keys, const uint32_t *const *starts,
                                         const size_t *counts, size_t list_count, int64_t least, size_t range,
                                         uint64_t *cells, int64_t *united, uint32_t *first_rows,
                                         dukkan_row_run *runs);

// Copy the values of the rows of all runs side by side; `sources` has the values of each source. They read and write up to
// 128 bytes past the last value.

void dukkan_copy_run_words(const uint64_t *const *sources, const dukkan_row_run *runs, size_t count, uint64_t *out);
void dukkan_copy_run_codes(const uint32_t *const *sources, const dukkan_row_run *runs, size_t count, uint32_t *out);

/// The same for bits, lowest first, behind the first `at` bits of `out`; a source of NULL has ones only. Reads one word past
/// the last row's, and writes the bits above the last row's as 0.
void dukkan_copy_run_bits(const uint64_t *const *sources, const dukkan_row_run *runs, size_t count, size_t at,
                          uint64_t *out);

#endif
