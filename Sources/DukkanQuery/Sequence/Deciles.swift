package import DukkanFormat

/// What each customer of a decile query comes to, customers in ascending order.
package enum CustomerTotals {
    /// Whole numbers, or decimals without their scale.
    case integers([Int64])
    /// The same where some do not fit.
    case wideIntegers([Int128])
    /// Floating point numbers.
    case doubles([Double])

    var count: Int {
        switch self {
        case .integers(let totals): totals.count
        case .wideIntegers(let totals): totals.count
        case .doubles(let totals): totals.count
        }
    }
}

/// `DECILES OF customers BY …`: ten tiles of customers by what they come to, the highest first.
package enum Deciles {
    /// The answer: `decile, customers, total`.
    ///
    /// Customers by total descending, then by their own order; ten tiles, the larger first; with fewer than ten
    /// customers as many tiles as customers. O(customers).
    ///
    /// - Parameters:
    ///   - totals: of the customers with a row in the measured table, in ascending order of customers.
    ///   - nulls: places in `totals`, ascending, of customers whose measure is null: they stand behind all others.
    ///   - type: of the measure; a decimal's scale is that of the totals.
    package static func result(_ totals: CustomerTotals, nulls: [Int] = [], type: ColumnType) -> QueryResult {
        let tiles = tiles(of: totals, nulls: nulls)
        var customers = [Int](repeating: 0, count: DecileTiles.count)
        var measured = customers
        var isNull = [Bool](repeating: false, count: nulls.isEmpty ? 0 : tiles.count)
        for place in nulls { isNull[place] = true }
        var sums = [Int128](repeating: 0, count: DecileTiles.count)
        var doubleSums = [CompensatedSum](repeating: CompensatedSum(), count: DecileTiles.count)
        for (place, tile) in tiles.enumerated() {
            let tile = Int(tile)
            customers[tile] += 1
            if !isNull.isEmpty && isNull[place] { continue }
            measured[tile] += 1
            switch totals {
            case .integers(let totals): sums[tile] += Int128(totals[place])
            case .wideIntegers(let totals): sums[tile] += totals[place]
            case .doubles(let totals): doubleSums[tile].add(totals[place])
            }
        }
        var rows: [[Value]] = []
        for tile in 0..<DecileTiles.count where customers[tile] > 0 {
            let total: Value
            switch (totals, type) {
            case _ where measured[tile] == 0: total = .null
            case (.doubles, _): total = .double(doubleSums[tile].value)
            case (_, .decimal(let scale)): total = .decimal(DecimalValue(unscaled: sums[tile], scale: scale))
            default: total = .int(sums[tile])
            }
            rows.append([.int(Int128(tile + 1)), .int(Int128(customers[tile])), total])
        }
        return QueryResult(
            columns: [.init("decile", .int), .init("customers", .int), .init("total", type)], rows: rows,
            shape: .deciles)
    }

    /// The tile of each customer, from 0.
    static func tiles(of totals: CustomerTotals, nulls: [Int]) -> [UInt8] {
        let count = totals.count
        var keys = keys(of: totals)
        // Nulls are taken out, and stand behind the rest in their own order.
        var places: [Int] = []
        if !nulls.isEmpty {
            var isNull = [Bool](repeating: false, count: count)
            for place in nulls { isNull[place] = true }
            places = (0..<count).filter { !isNull[$0] }
            keys = places.map { keys[$0] }
        }
        let ranked = keys.count
        var tiles = [UInt8](repeating: 0, count: ranked)
        keys.withUnsafeBufferPointer { keys in
            tiles.withUnsafeMutableBufferPointer { tiles in
                guard let from = keys.baseAddress, let to = tiles.baseAddress else { return }
                DecileTiles.assign(from, count: ranked, total: count, into: to)
            }
        }
        if nulls.isEmpty { return tiles }
        var all = [UInt8](repeating: 0, count: count)
        for (i, place) in places.enumerated() { all[place] = tiles[i] }
        for (i, place) in nulls.enumerated() { all[place] = UInt8(DecileTiles.tile(ofRank: ranked + i, count: count)) }
        return all
    }

    /// Keys in the order of the totals.
    private static func keys(of totals: CustomerTotals) -> [UInt64] {
        switch totals {
        case .integers(let totals):
            return totals.map { UInt64(bitPattern: $0) ^ (1 << 63) }
        case .wideIntegers(let totals):
            guard let least = totals.min(), let greatest = totals.max() else { return [] }
            if UInt128(bitPattern: greatest &- least) <= UInt128(UInt64.max) {
                return totals.map { UInt64(truncatingIfNeeded: $0 &- least) }
            }
            // Too far apart for one word: the place among the distinct totals.
            var distinct: [Int128] = []
            for total in totals.sorted() where distinct.last != total { distinct.append(total) }
            return totals.map { total in
                var low = 0, high = distinct.count
                while low < high {
                    let middle = (low + high) / 2
                    if distinct[middle] < total { low = middle + 1 } else { high = middle }
                }
                return UInt64(low)
            }
        case .doubles(let totals):
            // The bits of positive numbers ascend, those of negative ones descend; -0 is 0.
            return totals.map { total in
                let bits = (total + 0).bitPattern
                return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
            }
        }
    }
}
