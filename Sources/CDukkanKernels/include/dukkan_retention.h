#ifndef DUKKAN_RETENTION_H
#define DUKKAN_RETENTION_H
#include <stddef.h>
#include <stdint.h>

/// Counts the customers who come back in each period after the period of their first row.
///
/// `periods` are the rows' periods, ascending for each customer; `first_rows` has a bit for each customer's first row, 64
/// rows a word. Cell `cohort * cell_count + k` of `counts` grows by one for each customer whose first row lies in period
/// `cohort` and who has a row in period `cohort + k`, so k = 0 counts the cohort. Periods from `period_count` on do not
/// count; one more cell, behind the others, is written and means nothing.
void dukkan_retention_first_time(const uint32_t *periods, const uint64_t *first_rows, size_t row_count,
                                 uint32_t period_count, uint32_t cell_count, int64_t *counts);

#endif
