#include "dukkan_aggregation.h"
#include "processor.h"

#include <string.h>

// The functions that have a form for each level of the processor.
struct aggregation_kernels {
    void (*add_code_digit)(uint32_t *restrict, const uint32_t *restrict, size_t, uint32_t);
    void (*add_integer_digit)(uint32_t *restrict, const int64_t *restrict, size_t, uint32_t, int64_t);
    void (*add_null_digit)(uint32_t *restrict, const uint64_t *restrict, size_t, uint32_t);
    int (*number_periods)(const int64_t *restrict, size_t, int64_t, uint32_t, double, uint64_t, uint32_t *restrict);
    void (*mark_changes)(const uint32_t *restrict, const uint64_t *restrict, size_t, uint64_t *restrict);
    void (*number_runs)(const uint64_t *, const uint64_t *, size_t, uint32_t *restrict);
};

#define SUFFIXED(name) name##_base
#include "aggregation.inc"
static const struct aggregation_kernels kernels_base = AGGREGATION_TABLE;
#undef SUFFIXED
#undef AGGREGATION_TABLE
static const struct aggregation_kernels *kernels = &kernels_base;

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define SUFFIXED(name) name##_v3
#include "aggregation.inc"
static const struct aggregation_kernels kernels_v3 = AGGREGATION_TABLE;
#undef SUFFIXED
#undef AGGREGATION_TABLE
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#define SUFFIXED(name) name##_v4
#include "aggregation.inc"
static const struct aggregation_kernels kernels_v4 = AGGREGATION_TABLE;
#undef SUFFIXED
#undef AGGREGATION_TABLE
#pragma clang attribute pop

__attribute__((constructor)) static void choose_aggregation(void) {
    const int level = processor_level();
    if (level >= 1) kernels = &kernels_v3;
    if (level >= 2) kernels = &kernels_v4;
}
#endif

void dukkan_add_code_digit(uint32_t *numbers, const uint32_t *codes, size_t count, uint32_t radix) {
    kernels->add_code_digit(numbers, codes, count, radix);
}

void dukkan_add_integer_digit(uint32_t *numbers, const int64_t *values, size_t count, uint32_t radix, int64_t low) {
    kernels->add_integer_digit(numbers, values, count, radix, low);
}

void dukkan_add_null_digit(uint32_t *numbers, const uint64_t *validity, size_t count, uint32_t added) {
    kernels->add_null_digit(numbers, validity, count, added);
}

int dukkan_number_periods(const int64_t *times, size_t count, int64_t first, uint64_t length, uint64_t span,
                          uint32_t *numbers) {
    const uint32_t shift = (uint32_t)__builtin_ctzll(length);
    return kernels->number_periods(times, count, first, shift, 1.0 / (double)(length >> shift), span, numbers);
}

void dukkan_mark_changes(const uint32_t *groups, const uint64_t *first_rows, size_t count, uint64_t *marks) {
    kernels->mark_changes(groups, first_rows, count, marks);
}

// Both counts are added to as one word: the number of rows in its high half.
static inline void add_row(dukkan_group_cell *cell, int64_t value, uint64_t valid) {
    uint64_t counts;
    memcpy(&counts, &cell->valid, 8);
    counts += valid | (uint64_t)1 << 32;
    memcpy(&cell->valid, &counts, 8);
    cell->sum = (int64_t)((uint64_t)cell->sum + (uint64_t)value);
}

// `copies` is a constant where it is called.
static inline __attribute__((always_inline)) void add_rows(const uint32_t *groups, const int64_t *values,
                                                           const uint64_t *validity, size_t count, size_t copies,
                                                           dukkan_group_cell *cells) {
    size_t row = 0;
    for (; row + 64 <= count; row += 64) {
        uint64_t valid = validity != NULL ? validity[row / 64] : ~(uint64_t)0;
        for (size_t i = 0; i < 64; i += 4, valid >>= 4) {
            for (size_t k = 0; k < 4; k++) {
                add_row(cells + (size_t)groups[row + i + k] * copies + k % copies, values[row + i + k], valid >> k & 1);
            }
        }
    }
    for (; row < count; row++) {
        const uint64_t valid = validity != NULL ? validity[row / 64] >> (row & 63) & 1 : 1;
        add_row(cells + (size_t)groups[row] * copies, values[row], valid);
    }
}

void dukkan_add_to_groups(const uint32_t *groups, const int64_t *values, const uint64_t *validity, size_t count,
                          size_t copies, dukkan_group_cell *cells) {
    if (copies == 4) {
        add_rows(groups, values, validity, count, 4, cells);
    } else {
        add_rows(groups, values, validity, count, 1, cells);
    }
}

static inline __attribute__((always_inline)) void count_rows(const uint32_t *groups, const uint64_t *validity,
                                                             size_t count, size_t copies, uint32_t *counts) {
    size_t row = 0;
    for (; row + 64 <= count; row += 64) {
        uint64_t valid = validity != NULL ? validity[row / 64] : ~(uint64_t)0;
        for (size_t i = 0; i < 64; i += 4, valid >>= 4) {
            for (size_t k = 0; k < 4; k++) {
                counts[(size_t)groups[row + i + k] * copies + k % copies] +=
                    validity != NULL ? (uint32_t)(valid >> k & 1) : 1;
            }
        }
    }
    for (; row < count; row++) {
        counts[(size_t)groups[row] * copies] +=
            validity != NULL ? (uint32_t)(validity[row / 64] >> (row & 63) & 1) : 1;
    }
}

void dukkan_count_groups(const uint32_t *groups, const uint64_t *validity, size_t count, size_t copies,
                         uint32_t *counts) {
    if (copies == 4) {
        count_rows(groups, validity, count, 4, counts);
    } else {
        count_rows(groups, validity, count, 1, counts);
    }
}

uint32_t dukkan_count_marked_customers(const uint32_t *groups, const uint64_t *marks, const uint64_t *first_rows,
                                       size_t count, uint32_t serial, uint32_t *last, int64_t *counts) {
    for (size_t row = 0; row < count; row += 64) {
        const uint64_t firsts = first_rows[row / 64];
        for (uint64_t rest = marks[row / 64]; rest != 0; rest &= rest - 1) {
            const uint32_t bit = (uint32_t)__builtin_ctzll(rest);
            const uint32_t group = groups[row + bit];
            serial += firsts >> bit & 1;
            counts[group] += last[group] != serial;
            last[group] = serial;
        }
    }
    return serial;
}

void dukkan_count_marks(const uint32_t *groups, const uint64_t *marks, size_t count, int64_t *counts) {
    for (size_t row = 0; row < count; row += 64) {
        for (uint64_t rest = marks[row / 64]; rest != 0; rest &= rest - 1) {
            counts[groups[row + (size_t)__builtin_ctzll(rest)]]++;
        }
    }
}

void dukkan_count_row_customers(const uint32_t *groups, const uint32_t *customers, size_t count, uint32_t base,
                                uint32_t *last, int64_t *counts) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t group = groups != NULL ? groups[i] : 0, serial = base + customers[i];
        counts[group] += last[group] != serial;
        last[group] = serial;
    }
}

void dukkan_number_runs(const uint64_t *first_rows, const uint64_t *selected, size_t count, uint32_t *runs) {
    kernels->number_runs(first_rows, selected, count, runs);
}
