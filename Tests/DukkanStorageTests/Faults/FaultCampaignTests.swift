import DukkanFormat
import DukkanStorage
import Foundation
import Synchronization
import Testing

/// How many faults, and which: from the environment, which `tools/test` sets.
enum FaultCampaign {
    /// Faults that a campaign injects at least.
    static let faultCountMin: Int = {
        if let text = ProcessInfo.processInfo.environment["DUKKAN_FAULTS"], let count = Int(text) { return count }
        #if DEBUG || DUKKAN_SANITIZED
        return 2_000
        #else
        return 100_000
        #endif
    }()

    /// The one case to run; nil: all.
    static let onlyCase = ProcessInfo.processInfo.environment["DUKKAN_FAULT_CASE"]

    static func includes(_ name: String) -> Bool { onlyCase == nil || onlyCase == name }

    /// Debug builds try each so-many-th case only.
    static let stride: Int = {
        #if DEBUG || DUKKAN_SANITIZED
        return onlyCase == nil && ProcessInfo.processInfo.environment["DUKKAN_FAULTS"] == nil ? 40 : 1
        #else
        return 1
        #endif
    }()

    private static let threadCount = 2

    /// Does the work of the numbers from 0, on two threads, until it returns false or the tally has failed.
    static func forEach(_ tally: FaultTally, _ body: @escaping @Sendable (Int) -> Bool) async {
        let numbers = WorkNumbers()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<threadCount {
                group.addTask {
                    while !tally.hasFailed {
                        guard body(numbers.next()) else { return }
                        await Task.yield()
                    }
                }
            }
        }
    }
}

/// Numbers from 0, each given to one thread.
private final class WorkNumbers: Sendable {
    private let value = Atomic<Int>(0)
    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// Faults of the file system, by the hundred thousand: none of them may lose a committed row, leave half of a commit,
/// leave a file behind or keep a store from opening.
@Suite struct FaultCampaignTests {
    /// All faults at all calls of a scripted life first, then lives by chance until there are enough.
    @Test func noFaultLosesWhatWasCommitted() async throws {
        let tally = FaultTally()
        let start = ContinuousClock.now
        try await runScript(tally)
        let scripted = tally.total
        let lifeCount = await runLives(tally)
        for complaint in tally.complaints { Issue.record(Comment(rawValue: complaint)) }
        let seconds = (ContinuousClock.now - start).components.seconds
        print(
            """
            faults injected, by kind and call:
            \(tally.table): \(scripted) at every call of a scripted life, the others in \(lifeCount) lives by chance; \
            \(seconds) s
            """)
        if FaultCampaign.onlyCase == nil && tally.complaints.isEmpty {
            #expect(tally.total >= FaultCampaign.faultCountMin)
        }
    }

    /// The campaign must find a store that makes a mistake.
    @Test(.enabled(if: FaultCampaign.onlyCase == nil), arguments: SimulatedFileSystem.Defect.allCases)
    func aMistakeIsFound(_ defect: SimulatedFileSystem.Defect) async throws {
        let tally = FaultTally(complaintCountMax: 1)
        try await SimulatedFileSystem.$defect.withValue(defect) { try await runScript(tally) }
        let complaint = try #require(tally.complaints.first, "nothing was found")
        let lines = complaint.split(separator: "\n")
        print("\(defect.rawValue): found after \(tally.total) faults: \(lines.prefix(2).joined(separator: " | "))")
    }

    private func runScript(_ tally: FaultTally) async throws {
        let life = try ScriptedLife()
        var work: [@Sendable () -> Void] = []
        for stage in life.stages {
            for call in stage.calls.indices {
                for fault in stage.faults(at: call) { work.append { stage.run(fault, at: call, tally) } }
                work.append { stage.runAgain(.failure(ENOSPC), at: call, tally) }
            }
            for end in try stage.images() { work.append { stage.run(end, tally) } }
            let written = stage.calls.reduce(0) { $0 + ($1.operation == .write ? $1.byteCount : 0) }
            for spare in Swift.stride(from: 0, to: written, by: 53) { work.append { stage.run(spare: spare, tally) } }
        }
        let chosen = Swift.stride(from: 0, to: work.count, by: FaultCampaign.stride).map { work[$0] }
        await FaultCampaign.forEach(tally) { number in
            if number >= chosen.count { return false }
            chosen[number]()
            return true
        }
    }

    private func runLives(_ tally: FaultTally) async -> Int {
        let livesDone = WorkNumbers()
        if let name = FaultCampaign.onlyCase {
            guard name.hasPrefix("life/"), let seed = UInt64(name.dropFirst("life/".count)) else { return 0 }
            FaultyLife.run(seed: seed, tally)
            return 1
        }
        await FaultCampaign.forEach(tally) { number in
            if tally.total >= FaultCampaign.faultCountMin { return false }
            FaultyLife.run(seed: UInt64(number), tally)
            _ = livesDone.next()
            return true
        }
        return livesDone.next()
    }
}
