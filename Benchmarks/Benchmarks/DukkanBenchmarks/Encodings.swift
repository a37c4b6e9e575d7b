import Benchmark
import Dukkan

/// Columns of one shape each: how fast their blocks are decoded, beside a copy of the decoded values in memory.
func encodingBenchmarks() {
    for column in MeasuredColumn.all {
        Benchmark(
            "encoding, \(column.name)",
            configuration: .init(
                metrics: [.decoded, .copied, .shareOfCopy, .bytesOnDisk], warmupIterations: 3, maxIterations: 100)
        ) { (benchmark: Benchmark, measured: MeasuredStore) in
            for _ in benchmark.scaledIterations {
                let explanation = try measured.store.explain(column.statement, analyze: true) as Explanation
                guard let value = find(explanation.root), value.decodeTime > .zero else { continue }
                let copy = measured.memory.copy(byteCount: value.bytesDecoded)
                benchmark.measurement(.decoded, perMicrosecond(value.rowsDecoded, value.decodeTime))
                benchmark.measurement(.copied, perMicrosecond(value.rowsDecoded, copy))
                benchmark.measurement(.shareOfCopy, Int(100 * (copy / value.decodeTime)))
                benchmark.measurement(.bytesOnDisk, value.bytesRead)
            }
        } setup: {
            let store = try ScratchStore.make(column.name, tables: [column.schema])
            try store.append(try column.batch())
            try { try store.commit() }()
            return MeasuredStore(store: store, memory: CopiedMemory(byteCount: MeasuredColumn.rowCount * 40))
        }
    }
}

private struct MeasuredStore {
    var store: Store
    var memory: CopiedMemory
}

/// The measured column below an operator.
private func find(_ operation: Explanation.Operator) -> Explanation.Column? {
    operation.columns.first { $0.name == "value" } ?? operation.inputs.lazy.compactMap { find($0) }.first
}

private func perMicrosecond(_ count: Int, _ time: Duration) -> Int {
    time > .zero ? Int(Double(count) / (time / .microseconds(1))) : 0
}

/// Two pieces of memory, one copied into the other a block at a time, as blocks are decoded into a vector used again.
final class CopiedMemory: @unchecked Sendable {  // Sendable: one benchmark runs at a time.
    private let source: UnsafeMutableRawBufferPointer
    private let target: UnsafeMutableRawBufferPointer
    private static let blockByteCount = 16_384 * 8

    init(byteCount: Int) {
        source = .allocate(byteCount: byteCount, alignment: 64)
        target = .allocate(byteCount: CopiedMemory.blockByteCount, alignment: 64)
        for index in source.indices { source[index] = UInt8(truncatingIfNeeded: index) }
    }

    deinit {
        source.deallocate()
        target.deallocate()
    }

    /// The time of copying so many bytes.
    func copy(byteCount: Int) -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        var done = 0
        while done < byteCount {
            let length = min(CopiedMemory.blockByteCount, byteCount - done, source.count)
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<length]))
            blackHole(target[length - 1])
            done += length
        }
        return clock.now - start
    }
}
