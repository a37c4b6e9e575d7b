#include "vectors.h"
#include "processor.h"

#if defined(__x86_64__)
#define HARDWARE_CRC __attribute__((target("sse4.2")))
#define CRC_8(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define CRC_1(crc, byte) _mm_crc32_u8((crc), (byte))
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define HARDWARE_CRC
#define CRC_8(crc, word) __crc32cd((crc), (word))
#define CRC_1(crc, byte) __crc32cb((crc), (byte))
#endif

static const uint32_t polynomial = 0x82F63B78u;
/// table[k][b]: the checksum's state after byte b and k zero bytes.
static uint32_t table[8][256];

static uint64_t load_8(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

uint32_t dukkan_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *at = bytes;
    uint32_t state = ~crc;
    for (; count >= 8; count -= 8, at += 8) {
        const uint64_t word = load_8(at) ^ state;
        state = 0;
        for (int k = 0; k < 8; k++) state ^= table[7 - k][(word >> (8 * k)) & 255];
    }
    for (; count > 0; count--, at++) state = (state >> 8) ^ table[0][(state ^ *at) & 255];
    return ~state;
}

static uint32_t (*crc32c_form)(uint32_t, const void *, size_t) = dukkan_crc32c_portable;

#if defined(HARDWARE_CRC)
// One stream waits three cycles for each instruction. Three streams side by side keep the unit busy; their states are
// joined by moving a state over `lane_bytes` zero bytes, which is linear and so a table look-up for each of its bytes.
enum { lane_bytes = 512 };
static uint32_t over_lane[4][256];

static uint32_t move_over_lane(uint32_t state) {
    return over_lane[0][state & 255] ^ over_lane[1][(state >> 8) & 255] ^ over_lane[2][(state >> 16) & 255]
        ^ over_lane[3][state >> 24];
}

HARDWARE_CRC static void make_lane_table(void) {
    uint32_t moved[32];
    for (int bit = 0; bit < 32; bit++) {
        uint32_t state = 1u << bit;
        for (int i = 0; i < lane_bytes / 8; i++) state = CRC_8(state, 0);
        moved[bit] = state;
    }
    for (int k = 0; k < 4; k++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t state = 0;
            for (int bit = 0; bit < 8; bit++) {
                if (byte >> bit & 1) state ^= moved[8 * k + bit];
            }
            over_lane[k][byte] = state;
        }
    }
}

HARDWARE_CRC static uint32_t crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *at = bytes;
    uint32_t state = ~crc;
    for (; count >= 3 * lane_bytes; count -= 3 * lane_bytes, at += 3 * lane_bytes) {
        uint32_t second = 0, third = 0;
        for (int i = 0; i < lane_bytes; i += 8) {
            state = CRC_8(state, load_8(at + i));
            second = CRC_8(second, load_8(at + lane_bytes + i));
            third = CRC_8(third, load_8(at + 2 * lane_bytes + i));
        }
        state = move_over_lane(move_over_lane(state) ^ second) ^ third;
    }
    for (; count >= 8; count -= 8, at += 8) state = CRC_8(state, load_8(at));
    for (; count > 0; count--, at++) state = CRC_1(state, *at);
    return ~state;
}
#endif

#if defined(__x86_64__)
DUKKAN_V4_BEGIN

// Long messages are folded: a polynomial stands for its bits further behind, times a power of x modulo the polynomial of
// the checksum. Four times 64 bytes at a time; the last 64 bytes are a message with the same checksum.

/// Multipliers for the two halves of each 16 bytes that move them by 256 and by 64 bytes.
static uint64_t by_256[2], by_64[2];

/// x^power modulo the polynomial, highest power lowest, in the high half.
static uint64_t power_of_x(uint32_t power) {
    uint32_t value = 0x80000000u;
    for (; power > 0; power--) value = (value >> 1) ^ (value & 1 ? polynomial : 0);
    return (uint64_t)value << 32;
}

static void make_folding_multipliers(void) {
    // The product of two reversed numbers of 64 bits is one bit short of 128.
    by_256[0] = power_of_x(8 * 256 + 63);
    by_256[1] = power_of_x(8 * 256 - 1);
    by_64[0] = power_of_x(8 * 64 + 63);
    by_64[1] = power_of_x(8 * 64 - 1);
}

static inline __m512i fold(__m512i value, __m512i multipliers, __m512i next) {
    const __m512i low = _mm512_clmulepi64_epi128(value, multipliers, 0x00);
    const __m512i high = _mm512_clmulepi64_epi128(value, multipliers, 0x11);
    return _mm512_ternarylogic_epi64(low, high, next, 0x96);
}

static uint32_t crc32c_folding(uint32_t crc, const void *bytes, size_t count) {
    if (count < 512) return crc32c_hardware(crc, bytes, count);
    const uint8_t *at = bytes;
    __m512i lanes[4];
    for (int i = 0; i < 4; i++) lanes[i] = _mm512_loadu_si512(at + 64 * i);
    lanes[0] = _mm512_xor_si512(lanes[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)~crc)));
    const __m512i far = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)by_256));
    const __m512i near = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)by_64));
    for (at += 256, count -= 256; count >= 256; at += 256, count -= 256) {
        for (int i = 0; i < 4; i++) lanes[i] = fold(lanes[i], far, _mm512_loadu_si512(at + 64 * i));
    }
    __m512i last = lanes[0];
    for (int i = 1; i < 4; i++) last = fold(last, near, lanes[i]);
    for (; count >= 64; at += 64, count -= 64) last = fold(last, near, _mm512_loadu_si512(at));
    uint64_t rest[8];
    _mm512_storeu_si512(rest, last);
    uint32_t state = 0;
    for (int i = 0; i < 8; i++) state = CRC_8(state, rest[i]);
    return crc32c_hardware(~state, at, count);
}

DUKKAN_V4_END
#endif

__attribute__((constructor)) static void prepare_crc32c(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t state = byte;
        for (int bit = 0; bit < 8; bit++) state = (state >> 1) ^ (state & 1 ? polynomial : 0);
        table[0][byte] = state;
    }
    for (int k = 1; k < 8; k++) {
        for (int byte = 0; byte < 256; byte++) {
            table[k][byte] = (table[k - 1][byte] >> 8) ^ table[0][table[k - 1][byte] & 255];
        }
    }
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2")) return;
#endif
#if defined(HARDWARE_CRC)
    make_lane_table();
    crc32c_form = crc32c_hardware;
#endif
#if defined(__x86_64__)
    if (processor_level() >= 2) {
        make_folding_multipliers();
        crc32c_form = crc32c_folding;
    }
#endif
}

uint32_t dukkan_crc32c(uint32_t crc, const void *bytes, size_t count) { return crc32c_form(crc, bytes, count); }
