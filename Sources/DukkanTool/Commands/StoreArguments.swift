import ArgumentParser
import Dukkan

/// Options of every command that opens a store.
struct StoreLimits: ParsableArguments {
    @Option(help: "Threads to work with (default: all cores).")
    var threads: Int?

    @Option(help: "Memory to stay within, as 512MB or 2GB (default: 1GiB).")
    var memory: ByteCount?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is 1 to 1024") }
    }

    var options: StoreOptions {
        var options = StoreOptions()
        if let threads { options.threads = threads }
        if let memory { options.memoryBudgetBytes = memory.count }
        return options
    }
}

/// A size given as `64MB`, `1.5GB`, `1GiB` or a plain count of bytes.
struct ByteCount: ExpressibleByArgument {
    var count: Int

    private static let units: [(String, Double)] = [
        ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("k", 1e3),
        ("m", 1e6), ("g", 1e9), ("b", 1), ("", 1),
    ]

    init?(argument: String) {
        let text = argument.lowercased()
        guard let unit = ByteCount.units.first(where: { text.hasSuffix($0.0) }),
            let number = Double(text.dropLast(unit.0.count)), number * unit.1 >= 1_048_576, number * unit.1 < 1e18
        else { return nil }
        count = Int(number * unit.1)
    }
}
