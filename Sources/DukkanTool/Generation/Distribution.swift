#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A choice among 0 ..< count with given weights, in constant time (Walker's alias method, as Vose builds it).
struct WeightedChoice {
    private let thresholds: [Double]
    private let aliases: [Int32]

    init(_ weights: [Double]) {
        let count = weights.count
        let total = weights.reduce(0, +)
        var scaled = weights.map { $0 / total * Double(count) }
        var thresholds = [Double](repeating: 1, count: count)
        var aliases = (0..<count).map { Int32($0) }
        var small = scaled.indices.filter { scaled[$0] < 1 }
        var large = scaled.indices.filter { scaled[$0] >= 1 }
        while let less = small.popLast(), let more = large.last {
            thresholds[less] = scaled[less]
            aliases[less] = Int32(more)
            scaled[more] -= 1 - scaled[less]
            if scaled[more] < 1 { small.append(large.removeLast()) }
        }
        self.thresholds = thresholds
        self.aliases = aliases
    }

    /// Weights 1, 1/2^s, 1/3^s and so on.
    init(zipf count: Int, exponent: Double) {
        self.init((1...count).map { 1 / pow(Double($0), exponent) })
    }

    @inline(__always)
    func next(_ random: inout RandomSource) -> Int {
        let index = random.below(thresholds.count)
        return random.unit() < thresholds[index] ? index : Int(aliases[index])
    }
}

extension RandomSource {
    /// Exponential with a mean.
    mutating func exponential(mean: Double) -> Double { -log(1 - unit()) * mean }

    /// Normal, by Box and Muller.
    mutating func normal(mean: Double, deviation: Double) -> Double {
        let radius = sqrt(-2 * log(1 - unit()))
        return mean + deviation * radius * cos(2 * .pi * unit())
    }

    /// Number of trials up to the first success, 1 or more.
    mutating func geometric(_ probability: Double) -> Int {
        1 + Int(log(1 - unit()) / log(1 - probability))
    }
}
