import DukkanFormat
import Synchronization

/// Counts faults by kind, and keeps what has gone wrong.
final class FaultTally: Sendable {
    /// Complaints after which a campaign stops.
    private let complaintCountMax: Int

    private struct State {
        var counts: [String: [String: Int]] = [:]
        var total = 0
        var lifeCount = 0
        var complaints: [String] = []
    }

    private let state = Guarded(State())

    init(complaintCountMax: Int = 5) {
        self.complaintCountMax = complaintCountMax
    }

    var total: Int { state.withLock { $0.total } }
    var complaints: [String] { state.withLock { $0.complaints } }
    var hasFailed: Bool { state.withLock { $0.complaints.count >= complaintCountMax } }

    func add(_ kind: String, at place: String) {
        state.withLock { state in
            state.counts[kind, default: [:]][place, default: 0] += 1
            state.total += 1
        }
    }

    func add(_ events: [FaultEvent]) {
        for event in events { add(event.fault.name, at: event.operation.rawValue) }
    }

    /// Notes what has gone wrong, after how many faults, and how to see it again.
    func complain(_ error: any Error, in name: String, trace: [String]) {
        state.withLock { state in
            state.complaints.append(
                """
                \(error)
                in \(name), after \(state.total) faults; to see it again: tools/test --fault-case '\(name)'
                \(trace.suffix(160).joined(separator: "\n"))
                """)
        }
    }

    /// The counts, a kind a line.
    var table: String {
        let (counts, total) = state.withLock { ($0.counts, $0.total) }
        var lines: [String] = []
        for (kind, places) in counts.sorted(by: { $0.key < $1.key }) {
            let count = places.values.reduce(0, +)
            let where_ = places.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            lines.append("  \(String(repeating: " ", count: max(0, 8 - "\(count)".count)))\(count)  \(kind): \(where_)")
        }
        return lines.joined(separator: "\n") + "\n\(total) faults"
    }
}
