// Retention where every row is a start and a return: in C for its conditional moves, as the funnel.

#include "dukkan_retention.h"

void dukkan_retention_first_time(const uint32_t *periods, const uint64_t *first_rows, size_t row_count,
                                 uint32_t period_count, uint32_t cell_count, int64_t *counts) {
    const size_t nowhere = (size_t)period_count * cell_count;
    uint32_t cohort = 0, last = UINT32_MAX;
    for (size_t base = 0; base < row_count; base += 64) {
        const size_t count = row_count - base < 64 ? row_count - base : 64;
        uint64_t first = first_rows[base / 64];
        for (size_t i = 0; i < count; i++) {
            const uint32_t period = periods[base + i], is_first = (uint32_t)first & 1;
            first >>= 1;
            cohort = is_first ? period : cohort;
            const uint32_t k = period - cohort;
            const uint32_t is_new = is_first | (uint32_t)(period != last);
            const uint32_t counts_here =
                (uint32_t)(k < cell_count) & (uint32_t)(cohort < period_count) & (uint32_t)(period < period_count);
            last = period;
            const size_t cell = counts_here ? (size_t)cohort * cell_count + k : nowhere;
            counts[cell] += is_new;
        }
    }
}
