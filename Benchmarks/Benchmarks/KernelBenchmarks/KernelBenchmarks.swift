import Benchmark
import DukkanKernelSources

extension BenchmarkMetric {
    static let speed = BenchmarkMetric.custom("Values/µs", polarity: .prefersLarger, useScalingFactor: false)
    static let copySpeed = BenchmarkMetric.custom(
        "memcpy, values/µs", polarity: .prefersLarger, useScalingFactor: false)
    static let shareOfCopy = BenchmarkMetric.custom(
        "Speed, % of memcpy", polarity: .prefersLarger, useScalingFactor: false)
}

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.speed, .copySpeed, .shareOfCopy], warmupIterations: 5, maxDuration: .seconds(1), maxIterations: 300)
    decodingBenchmarks()
    selectionBenchmarks()
    writingBenchmarks()
}

/// Values of a call: what lies in the second cache with its output, as the blocks of a scan do.
let valueCount = 16_384

/// Times a kernel over ``valueCount`` values beside a copy of `outputByteCount` bytes, in turns.
func kernel(_ name: String, outputByteCount: Int, _ body: @escaping @Sendable (KernelMemory) -> Void) {
    Benchmark("kernel, \(name)") { (benchmark: Benchmark, memory: KernelMemory) in
        let clock = ContinuousClock()
        for _ in benchmark.scaledIterations {
            var own = Duration.zero, copy = Duration.zero
            for _ in 0..<20 {
                let start = clock.now
                body(memory)
                let middle = clock.now
                memory.copy(outputByteCount)
                own += middle - start
                copy += clock.now - middle
            }
            let count = Double(20 * valueCount)
            benchmark.measurement(.speed, Int(count / (own / .microseconds(1))))
            benchmark.measurement(.copySpeed, Int(count / (copy / .microseconds(1))))
            benchmark.measurement(.shareOfCopy, Int(100 * (copy / own)))
        }
    } setup: {
        KernelMemory()
    }
}

/// Input and output of all kernels, filled once.
final class KernelMemory: @unchecked Sendable {  // Sendable: one benchmark runs at a time.
    /// Whatever bits: packed values of any width.
    let packed = UnsafeMutablePointer<UInt8>.allocate(capacity: valueCount * 8 + 128)
    let integers = UnsafeMutablePointer<Int64>.allocate(capacity: valueCount + 64)
    let codes = UnsafeMutablePointer<UInt32>.allocate(capacity: valueCount + 64)
    /// One bit in three is set.
    let bits = UnsafeMutablePointer<UInt64>.allocate(capacity: valueCount / 64 + 8)
    /// Rows of customers of ten each.
    let starts = UnsafeMutablePointer<UInt32>.allocate(capacity: valueCount + 64)
    let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 4_096)
    let flags = UnsafeMutablePointer<UInt8>.allocate(capacity: 4_096 + 64)
    let outputIntegers = UnsafeMutablePointer<Int64>.allocate(capacity: valueCount + 64)
    let outputCodes = UnsafeMutablePointer<UInt32>.allocate(capacity: valueCount + 64)
    let outputDoubles = UnsafeMutablePointer<Double>.allocate(capacity: valueCount + 64)
    let outputWords = UnsafeMutablePointer<UInt64>.allocate(capacity: valueCount + 64)

    init() {
        var state: UInt64 = 42
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 20
        }
        for i in 0..<valueCount * 8 + 128 { packed[i] = UInt8(truncatingIfNeeded: next()) }
        for i in 0..<valueCount + 64 {
            integers[i] = Int64(next() % 1_000_000)
            codes[i] = UInt32(next() % 4_096)
            starts[i] = UInt32(min(i * 10, valueCount))
            outputIntegers[i] = 0
            outputCodes[i] = 0
            outputDoubles[i] = 0
            outputWords[i] = 0
        }
        for i in 0..<valueCount / 64 + 8 {
            bits[i] = i >= valueCount / 64 ? 0 : (0..<64).reduce(0) { $0 | (next() % 3 == 0 ? 1 << UInt64($1) : 0) }
        }
        // The first row begins a run.
        bits[0] |= 1
        for i in 0..<4_096 {
            table[i] = UInt32(next() % 4_096)
            flags[i] = next() % 5 == 0 ? 1 : 0
        }
    }

    func copy(_ byteCount: Int) {
        UnsafeMutableRawPointer(outputIntegers).copyMemory(from: packed, byteCount: byteCount)
        blackHole(outputIntegers[0])
    }
}

func decodingBenchmarks() {
    let integerBytes = valueCount * 8, codeBytes = valueCount * 4
    for width in [1, 3, 7, 8, 12, 17, 24, 33, 48] as [UInt32] {
        kernel("unpack \(width) bits to integers", outputByteCount: integerBytes) { memory in
            for block in 0..<valueCount / 1_024 {
                dukkan_unpack_integers(
                    memory.packed + block * Int(width) * 128, width, 5, memory.outputIntegers + block * 1_024)
            }
        }
    }
    for width in [1, 3, 7, 8, 12, 17, 24] as [UInt32] {
        kernel("unpack \(width) bits to codes", outputByteCount: codeBytes) { memory in
            for block in 0..<valueCount / 1_024 {
                dukkan_unpack_codes(
                    memory.packed + block * Int(width) * 128, width, 5, memory.outputCodes + block * 1_024)
            }
        }
    }
    kernel("scale integers", outputByteCount: integerBytes) {
        dukkan_scale($0.outputIntegers, valueCount, 1_000, 7)
    }
    kernel("running sums", outputByteCount: integerBytes) { memory in
        dukkan_running_sums(memory.outputIntegers, valueCount, 3)
    }
    kernel("values from differences within customers", outputByteCount: integerBytes) { memory in
        dukkan_customer_values(
            memory.integers, memory.integers, memory.bits, valueCount, 1, memory.outputIntegers)
    }
    kernel("mark the first rows of customers", outputByteCount: valueCount / 8) { memory in
        dukkan_mark_starts(memory.starts, valueCount / 10, memory.outputWords)
    }
    kernel("spread integers", outputByteCount: integerBytes) { memory in
        dukkan_spread_integers(memory.integers, memory.bits, valueCount, 0, memory.outputIntegers)
    }
    kernel("spread codes", outputByteCount: codeBytes) { memory in
        dukkan_spread_codes(memory.codes, memory.bits, valueCount, 0, memory.outputCodes)
    }
    kernel("fill integers forward", outputByteCount: integerBytes) { memory in
        dukkan_fill_forward_integers(memory.integers, memory.bits, valueCount, memory.outputIntegers)
    }
    kernel("fill codes forward", outputByteCount: codeBytes) { memory in
        dukkan_fill_forward_codes(memory.codes, memory.bits, valueCount, memory.outputCodes)
    }
    kernel("look up codes", outputByteCount: codeBytes) { memory in
        memory.outputCodes.update(from: memory.codes, count: valueCount)
        dukkan_look_up_codes(memory.outputCodes, valueCount, memory.table, 4_096)
    }
    kernel("divide to doubles", outputByteCount: integerBytes) { memory in
        dukkan_divide_to_doubles(memory.integers, valueCount, 100, memory.outputDoubles)
    }
    kernel("CRC32C of 8 bytes a value", outputByteCount: integerBytes) { memory in
        blackHole(dukkan_crc32c(0, memory.packed, valueCount * 8))
    }
}

func selectionBenchmarks() {
    kernel("select a range", outputByteCount: valueCount * 8) { memory in
        dukkan_select_range(memory.integers, valueCount, 1_000, 500_000, memory.outputWords)
    }
    kernel("select a code", outputByteCount: valueCount * 4) { memory in
        dukkan_select_code(memory.codes, valueCount, 17, memory.outputWords)
    }
    kernel("select codes by flags", outputByteCount: valueCount * 4) { memory in
        dukkan_select_flags(memory.codes, valueCount, memory.flags, 4_096, memory.outputWords)
    }
    kernel("places of bits", outputByteCount: valueCount * 4 / 3) { memory in
        blackHole(dukkan_bit_places(memory.bits, valueCount / 64, memory.outputCodes))
    }
    kernel("maximum of codes", outputByteCount: valueCount * 4) { memory in
        blackHole(dukkan_maximum_code(memory.codes, valueCount))
    }
}

func writingBenchmarks() {
    kernel("pack 12 bits", outputByteCount: valueCount * 8) { memory in
        for block in 0..<valueCount / 1_024 {
            let values = UnsafeRawPointer(memory.integers + block * 1_024).assumingMemoryBound(to: UInt64.self)
            let output = UnsafeMutableRawPointer(memory.outputIntegers).assumingMemoryBound(to: UInt8.self)
            dukkan_pack(values, 12, output + block * 12 * 128)
        }
    }
    kernel("profile integers", outputByteCount: valueCount * 8) { memory in
        var profile = dukkan_profile()
        dukkan_profile_integers(memory.integers, valueCount, &profile)
        blackHole(profile)
    }
    kernel("count bytes of text", outputByteCount: valueCount) { memory in
        blackHole(dk_count_byte(memory.packed, valueCount, 0x0A))
    }
}
