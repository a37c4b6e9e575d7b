#ifndef DUKKAN_CSV_H
#define DUKKAN_CSV_H

#include <stddef.h>
#include <stdint.h>

/// Where a scan of separated text stands. Begin each text with `inside` = 0 and `can_open` = 1.
typedef struct {
    uint8_t separator;
    uint8_t quote;
    /// 0 when no character quotes.
    uint8_t has_quote;
    /// Whether the next byte lies within quotes.
    uint8_t inside;
    /// Whether a quote as the next byte opens a quoted field: at the start of a field, or right behind a closing quote.
    uint8_t can_open;
} dk_csv_state;

/// Finds separators and newlines that do not lie within quotes in `bytes[from ..< to]` and writes their places, ascending.
///
/// Stops early when fewer than 64 places are left; `*next` is where to go on. Returns how many places were written. A
/// quote counts only at the start of a field or inside a quoted one; elsewhere it is an ordinary character.
/// Reads up to 63 bytes past `to`. `to` is below 2^32.
size_t dk_csv_index(const uint8_t *bytes, size_t from, size_t to, dk_csv_state *state, uint32_t *places,
                    size_t capacity, size_t *next);

/// Place behind the last newline in `bytes[from ..< to]` that does not lie within quotes, 0 when there is none.
///
/// Reads up to 63 bytes past `to`.
size_t dk_csv_last_row_end(const uint8_t *bytes, size_t from, size_t to, dk_csv_state *state);

/// Where `dk_csv_rows` puts the fields of rows.
typedef struct {
    /// Place and length of the field of row r in slot s at `s * slot_stride + r`.
    uint32_t *starts;
    uint32_t *lengths;
    size_t slot_stride;
    /// Place of each row, and where it ends without its newline.
    uint32_t *row_starts;
    uint32_t *row_ends;
    /// Added to the length of a field that stood within quotes.
    uint32_t quoted;
} dk_csv_fields;

/// Takes rows of `field_count` fields whose places are all known, as long as they are simple: no field has quotes within
/// its quotes, and none is missing or too many. `slots` has for each field its slot, or -1 for one that is left out.
///
/// The first row begins at `*row_start`, which moves on, and becomes row `row` of `fields`; at most `row_max` are taken.
/// Returns their number. Reads up to seven bytes past the last place.
size_t dk_csv_rows(const uint8_t *bytes, const uint32_t *places, size_t place_count, const int32_t *slots,
                   size_t field_count, const dk_csv_state *state, const dk_csv_fields *fields, size_t row,
                   size_t row_max, uint32_t *row_start);

/// Number of bytes equal to `byte`.
size_t dk_count_byte(const uint8_t *bytes, size_t count, uint8_t byte);

#endif
