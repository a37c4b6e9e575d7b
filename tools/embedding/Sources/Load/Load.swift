import Dispatch
import Dukkan
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A writer that commits and compacts, and readers that ask, in one process for many minutes.
///
/// Every answer is held against what the shop must say; memory and descriptors are held against those of the first half.
@main
enum Load {
    static func main() throws {
        let words = Array(CommandLine.arguments.dropFirst())
        guard words.count == 4, let seconds = Double(words[1]), let budget = Int(words[2]), let rate = Int(words[3]),
            seconds > 0, budget > 0, rate > 0
        else {
            print("usage: Load STORE SECONDS BUDGET_MIB COMMITS_PER_SECOND")
            exit(64)
        }
        let run = try LoadRun(path: words[0], seconds: seconds, budgetByteCount: budget << 20, commitsPerSecond: rate)
        exit(try run.run() ? 0 : 1)
    }
}

/// One run; the counters are shared by its threads.
final class LoadRun: Sendable {
    private let path: String
    private let seconds: Double
    private let budgetByteCount: Int
    private let commitsPerSecond: Int
    private let store: Store
    private let start = ContinuousClock.now
    /// Commits that have begun, and those that have returned.
    private let begun = Atomic(0), committed = Atomic(0)
    private let answers = Atomic(0), openings = Atomic(0), compactions = Atomic(0)
    private let failures = Mutex<[String]>([])
    private let samples = Mutex<[Sample]>([])
    private let times = Mutex<[Double]>([])

    /// The state at one moment.
    private struct Sample {
        var second: Double
        var figures: ProcessFigures
        var byteCount: Int
        var partCount: Int
        var answerCount: Int
        var commitCount: Int
        /// Median of the answers' times since the sample before, in milliseconds.
        var median: Double
    }

    /// Threads that ask through the writer's handle, and that open a handle of their own again and again.
    private static let sharingCount = 2, openingCount = 1
    private static let failureCountMax = 20
    private static let compactionSeconds = 120.0

    init(path: String, seconds: Double, budgetByteCount: Int, commitsPerSecond: Int) throws {
        self.path = path
        self.seconds = seconds
        self.budgetByteCount = budgetByteCount
        self.commitsPerSecond = commitsPerSecond
        store = try Store.create(at: path, options: LoadRun.options(budgetByteCount))
        try store.createTables([SteadyShop.events, SteadyShop.orders])
    }

    private static func options(_ budgetByteCount: Int) -> StoreOptions {
        StoreOptions(memoryBudgetBytes: budgetByteCount, threads: 2)
    }

    private var elapsed: Double { LoadRun.seconds(.now - start) }
    private var isOver: Bool { elapsed >= seconds || failures.withLock { $0.count >= LoadRun.failureCountMax } }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    /// Whether all went well.
    func run() throws -> Bool {
        let group = DispatchGroup()
        func thread(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
            group.enter()
            DispatchQueue(label: name).async {
                do { try body() } catch { self.fail("\(name): \(error)") }
                group.leave()
            }
        }
        thread("writer") { try self.write() }
        for number in 0..<LoadRun.sharingCount { thread("reader \(number)") { try self.ask(number) } }
        for number in 0..<LoadRun.openingCount { thread("opener \(number)") { try self.open(number) } }
        thread("sampler") { try self.sample() }
        group.wait()
        let findings = try store.verify()
        for finding in findings { fail("verify: \(finding)") }
        store.close()
        return report()
    }

    private func fail(_ text: String) {
        failures.withLock { $0.append("after \(Int(elapsed)) s: \(text)") }
    }

    /// Commits at the rate asked for, or as fast as it can where that is too fast; compacts from time to time.
    private func write() throws {
        var commit = 0, compactedAt = 0.0
        while !isOver {
            begun.store(commit + 1, ordering: .sequentiallyConsistent)
            try SteadyShop.append(commit, to: store)
            try { try store.commit() }()
            commit += 1
            committed.store(commit, ordering: .sequentiallyConsistent)
            if elapsed - compactedAt > LoadRun.compactionSeconds {
                try { _ = try store.compact() }()
                compactions.add(1, ordering: .relaxed)
                compactedAt = elapsed
            }
            let due = Double(commit) / Double(commitsPerSecond)
            if due > elapsed { usleep(UInt32(min(1, due - elapsed) * 1e6)) }
        }
    }

    private func ask(_ number: Int) throws {
        var round = number
        while !isOver {
            try check(SteadyQuestion.all[round % SteadyQuestion.all.count], store)
            round += 1
        }
    }

    /// Opens a handle for reading, asks a few questions and lets go of it.
    private func open(_ number: Int) throws {
        var round = number
        while !isOver {
            let reader = try Store.open(at: path, mode: .readOnly, options: LoadRun.options(budgetByteCount))
            defer { reader.close() }
            for _ in 0..<5 {
                try check(SteadyQuestion.all[round % SteadyQuestion.all.count], reader)
                round += 1
            }
            openings.add(1, ordering: .relaxed)
        }
    }

    /// Asks, and holds the answer against the commits that had returned before and that had begun afterwards.
    private func check(_ question: SteadyQuestion, _ store: Store) throws {
        let least = committed.load(ordering: .sequentiallyConsistent)
        let before = ContinuousClock.now
        let result = try store.query(question.text)
        let took = LoadRun.seconds(.now - before) * 1e3
        let most = begun.load(ordering: .sequentiallyConsistent)
        if let commits = question.commits(result) {
            if commits.upperBound < least || commits.lowerBound > most {
                fail("\(question.name): the answer of commits \(commits), where \(least) to \(most) were there")
            }
        } else {
            fail("\(question.name): no number of commits has the answer \(result.rows.prefix(4))")
        }
        answers.add(1, ordering: .relaxed)
        times.withLock { $0.append(took) }
    }

    private func sample() throws {
        let step = max(1, min(60, seconds / 30))
        var next = step
        print("seconds  commits  answers  median ms  memory MiB  highest MiB  descriptors  parts  store MiB")
        while !isOver {
            usleep(200_000)
            guard elapsed >= next else { continue }
            next += step
            let tables = try store.tables()
            let taken = times.withLock { times in
                defer { times.removeAll(keepingCapacity: true) }
                return times.sorted()
            }
            let sample = Sample(
                second: elapsed, figures: .now(), byteCount: tables.reduce(0) { $0 + $1.byteCount },
                partCount: tables.reduce(0) { $0 + $1.partCount },
                answerCount: answers.load(ordering: .relaxed), commitCount: committed.load(ordering: .relaxed),
                median: taken.isEmpty ? 0 : taken[taken.count / 2])
            samples.withLock { $0.append(sample) }
            show(sample)
        }
    }

    private func show(_ sample: Sample) {
        let cells = [
            Int(sample.second), sample.commitCount, sample.answerCount, Int(sample.median * 100),
            sample.figures.memoryByteCount >> 20, sample.figures.memoryByteCountMax >> 20,
            sample.figures.descriptorCount, sample.partCount, sample.byteCount >> 20,
        ]
        let widths = [7, 7, 7, 9, 10, 11, 11, 5, 9]
        let texts = cells.enumerated().map { place, cell in
            let text = place == 3 ? "\(cell / 100).\(cell % 100 < 10 ? "0" : "")\(cell % 100)" : "\(cell)"
            return String(repeating: " ", count: max(0, widths[place] - text.count)) + text
        }
        print(texts.joined(separator: "  "))
        fflush(nil)
    }

    /// Prints what was seen; whether it is as it should be.
    private func report() -> Bool {
        let all = samples.withLock { $0 }
        // The first quarter fills caches and the second is what the last one is held against.
        let second = all.filter { $0.second > seconds / 4 && $0.second <= seconds / 2 }
        let last = all.filter { $0.second > seconds * 3 / 4 }
        let memory = (
            LoadRun.highest(second.map(\.figures.memoryByteCount)), LoadRun.highest(last.map(\.figures.memoryByteCount))
        )
        let descriptors = (
            LoadRun.highest(second.map { $0.figures.descriptorCount - $0.partCount }),
            LoadRun.highest(last.map { $0.figures.descriptorCount - $0.partCount })
        )
        if second.isEmpty || last.isEmpty { fail("the run was too short to compare its quarters") }
        if memory.1 > memory.0 + memory.0 / 4 + (16 << 20) {
            fail("memory grew: \(memory.0 >> 20) MiB at most in the second quarter, \(memory.1 >> 20) in the last")
        }
        // Four threads ask at a time, and the writer works, each within the budget; code and runtime come to the rest.
        let bound = (LoadRun.sharingCount + LoadRun.openingCount + 1) * budgetByteCount + (64 << 20)
        if ProcessFigures.now().memoryByteCountMax > bound {
            fail("memory of \(ProcessFigures.now().memoryByteCountMax >> 20) MiB, more than \(bound >> 20)")
        }
        // Each handle has a part open once, and files of a snapshot that has just been replaced for as long as it is asked.
        let partCountMax = LoadRun.highest(last.map(\.partCount))
        if descriptors.1 > descriptors.0 + 3 * partCountMax + 8 {
            fail(
                "descriptors grew: \(descriptors.0) beside the parts in the second quarter, \(descriptors.1) in the last"
            )
        }
        print(
            "\(committed.load(ordering: .relaxed)) commits, \(compactions.load(ordering: .relaxed)) compactions, "
                + "\(answers.load(ordering: .relaxed)) answers, \(openings.load(ordering: .relaxed)) handles opened; "
                + "memory at most \(memory.0 >> 20) MiB in the second quarter, \(memory.1 >> 20) in the last; "
                + "descriptors beside the parts at most \(descriptors.0) and \(descriptors.1)")
        let wrong = failures.withLock { $0 }
        for failure in wrong { print("FAILED \(failure)") }
        if wrong.isEmpty { print("every answer was that of its commits; memory and descriptors stayed flat") }
        return wrong.isEmpty
    }

    private static func highest(_ values: [Int]) -> Int { values.max() ?? 0 }
}
