import Dukkan

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What an application meets: the size of the library, the time to open and ask, the cost of commits.
@main
enum Embedding {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("cut", 5...): try Cut.run(store: arguments[1], table: arguments[2], files: Array(arguments[3...]))
        case ("open", 3): try Opening.run(store: arguments[1], statement: arguments[2])
        case ("commits", 5):
            guard let commits = Int(arguments[2]), let rows = Int(arguments[3]), let late = Int(arguments[4]) else {
                fallthrough
            }
            try Commits(store: arguments[1], commitCount: commits, rowCount: rows, latePercent: late).run()
        default:
            print("usage: Embedding cut STORE TABLE FILE... | open STORE STATEMENT | commits STORE COMMITS ROWS LATE")
            exit(64)
        }
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }

    static func milliseconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        let took = ContinuousClock.now - start
        return Double(took.components.seconds) * 1e3 + Double(took.components.attoseconds) / 1e15
    }
}

/// Imports files, each as a commit of its own, and merges nothing.
enum Cut {
    static func run(store path: String, table: String, files: [String]) throws {
        let options = StoreOptions(automaticCompaction: false)
        let store = try Store.open(at: path, mode: .readWrite, options: options)
        defer { store.close() }
        for file in files { _ = try store.importFiles([file], into: table) }
    }
}

/// Opens a store and answers one statement, again and again.
enum Opening {
    private static let runCount = 31

    static func run(store path: String, statement: String) throws {
        var opening: [Double] = [], whole: [Double] = []
        for run in 0...runCount {
            var opened = 0.0
            let all = try Embedding.milliseconds {
                var store: Store?
                opened = try Embedding.milliseconds { store = try Store.open(at: path, mode: .readOnly) }
                _ = try store?.query(statement)
                store?.close()
            }
            if run == 0 { continue }
            opening.append(opened)
            whole.append(all)
        }
        print(
            "{\"open_ms\": \(Embedding.median(opening)), \"open_and_answer_ms\": \(Embedding.median(whole)), "
                + "\"least_ms\": \(whole.min() ?? 0)}")
    }
}
