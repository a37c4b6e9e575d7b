import DukkanFormat

/// Which parts of a table to merge, and when.
///
/// Parts stand in order of ingest. Fresh parts are merged among themselves by size: each row is rewritten once for each size
/// class (a factor of twelve) that its part passes through. Such a merge takes the older parts along that are not much larger
/// than what it has already: bytes that the bound on writing leaves over, spent on fewer parts for queries to merge. Large
/// merges are cut at the borders of the time windows, so that late rows go to their windows; there they wait in small parts
/// until these exceed a fifth of the window, which is then rewritten. A part of a full window's size in the last window
/// closes it: newer rows begin the next one.
struct CompactionPolicy {
    let table: Manifest.Table
    /// Deleted rows of each part.
    let deletedCounts: [PartIdentifier: Int]
    let windows: TimeWindows
    /// Parts that another merge is reading.
    var busy: Set<PartIdentifier> = []
    /// Rows up to which a merge takes older parts along, where that is less than usual.
    var absorbedRowCountMax = Int.max

    /// Parts of one size class that are merged into one.
    static let factor = 12
    /// Rows from which on a merge of fresh parts is cut at the window borders.
    var cutRowCountMin: Int { windows.rowCountTarget / 9 }
    /// A merge of fresh parts takes an older one along that has at most this many rows for each of its own.
    static let absorbedRatio = 2
    /// Rows that a merge which takes older parts along may have; above, each row is written too often already.
    var absorbingRowCountMax: Int { windows.rowCountTarget / 32 }
    /// A window is rewritten when its small parts have more than one row for this many of its large part.
    static let rewriteRatio = 5

    struct Merge: Equatable {
        /// Places in the table's list of parts, ascending.
        var places: [Int]
        /// Cut the output at the window borders.
        var isCut: Bool
    }

    /// The next merge that a commit should do; nil if all is well.
    func next() -> Merge? {
        freshMerge() ?? windowMerge() ?? deletionRewrite()
    }

    /// Whether merging these parts keeps the order of ingest: no other part may lie between them, in time and order.
    func isMergeable(_ places: [Int]) -> Bool {
        let chosen = Set(places)
        let parts = places.map { table.parts[$0] }
        guard let firstOrder = parts.map(\.firstOrder).min(), let lastOrder = parts.map(\.lastOrder).max(),
            let from = parts.map(\.minimumTime).min(), let to = parts.map(\.maximumTime).max()
        else { return false }
        return !table.parts.enumerated().contains { place, part in
            !chosen.contains(place) && part.times.overlaps(from...to) && part.order.overlaps(firstOrder...lastOrder)
        }
    }

    private func liveRowCount(_ place: Int) -> Int {
        table.parts[place].rowCount - deletedCounts[table.parts[place].identifier, default: 0]
    }

    /// Rows of parts that are not deleted.
    func rowCount(_ places: some Sequence<Int>) -> Int { places.reduce(0) { $0 + liveRowCount($1) } }

    private func isBusy(_ place: Int) -> Bool { busy.contains(table.parts[place].identifier) }

    private func freshMerge() -> Merge? {
        // Parts that a merge has cut side by side belong to their windows now.
        let firstFresh =
            table.parts.indices.last { place in
                isBusy(place)
                    || table.parts.indices.contains { other in
                        other != place && table.parts[other].order.overlaps(table.parts[place].order)
                    }
            }.map { $0 + 1 } ?? 0
        let fresh = Array(firstFresh..<table.parts.count)
        guard
            var start = SizeTier.mergeableSuffix(
                fresh.map { table.parts[$0].rowCount }, factor: CompactionPolicy.factor)
        else { return nil }
        var rows = rowCount(fresh[start...])
        while start > 0 {
            let older = liveRowCount(fresh[start - 1])
            guard older <= rows * CompactionPolicy.absorbedRatio,
                rows + older <= min(absorbingRowCountMax, absorbedRowCountMax)
            else { break }
            start -= 1
            rows += older
        }
        let places = Array(fresh[start...])
        guard isMergeable(places) else { return nil }
        return Merge(places: places, isCut: rows >= cutRowCountMin)
    }

    /// Merges within one window: the whole window, or its small parts among themselves.
    private func windowMerge() -> Merge? {
        let borders = table.windowBorders
        guard !borders.isEmpty else { return nil }
        var inside = [Int: [Int]]()
        for (place, part) in table.parts.enumerated() {
            let windows = TimeWindows.windows(of: part, borders)
            if windows.count == 1 { inside[windows.lowerBound, default: []].append(place) }
        }
        for (_, places) in Array(inside).inOrder(by: { $0.key < $1.key })
        where places.count > 1 && !places.contains(where: isBusy) {
            guard let largest = places.max(by: { liveRowCount($0) < liveRowCount($1) }) else { continue }
            let small = rowCount(places) - liveRowCount(largest)
            if liveRowCount(largest) >= self.windows.rowCountFull / 2,
                small > liveRowCount(largest) / CompactionPolicy.rewriteRatio, isMergeable(places)
            {
                return Merge(places: places, isCut: true)
            }
            let counts = places.map { table.parts[$0].rowCount }
            if let start = SizeTier.mergeableSuffix(counts, factor: CompactionPolicy.factor),
                isMergeable(Array(places[start...]))
            {
                return Merge(places: Array(places[start...]), isCut: false)
            }
        }
        return nil
    }

    /// A part of which more than half is deleted gives its space back.
    private func deletionRewrite() -> Merge? {
        table.parts.indices.first { liveRowCount($0) * 2 < table.parts[$0].rowCount && !isBusy($0) }
            .map { Merge(places: [$0], isCut: false) }
    }

    /// The cheapest merge of neighbours, for a store that has too many parts.
    func cheapest(countMax: Int) -> (merge: Merge, rowCount: Int)? {
        let count = table.parts.count
        guard count > 1 else { return nil }
        var best: (merge: Merge, rowCount: Int)?
        let length = min(countMax, count)
        for start in 0...(count - length) {
            let places = Array(start..<(start + length))
            let rows = rowCount(places)
            if rows < best?.rowCount ?? .max, isMergeable(places) {
                best = (Merge(places: places, isCut: false), rows)
            }
        }
        // All parts together are always mergeable.
        return best ?? (Merge(places: Array(0..<count), isCut: true), rowCount(0..<count))
    }

    /// Groups of parts that compaction on demand makes one part for each window of: parts that share windows.
    func groups() -> [[Int]] {
        let borders = table.windowBorders
        let spans = table.parts.enumerated().map { (place: $0, windows: TimeWindows.windows(of: $1, borders)) }
            .inOrder { ($0.windows.lowerBound, $0.place) < ($1.windows.lowerBound, $1.place) }
        var groups: [(last: Int, places: [Int])] = []
        for span in spans {
            if let last = groups.last, span.windows.lowerBound <= last.last {
                groups[groups.count - 1].places.append(span.place)
                groups[groups.count - 1].last = max(last.last, span.windows.upperBound)
            } else {
                groups.append((span.windows.upperBound, [span.place]))
            }
        }
        return groups.map { $0.places.ascending() }
    }

    /// Whether a group is one part that nothing can be won of.
    func isCompact(_ group: [Int]) -> Bool {
        group.count == 1 && deletedCounts[table.parts[group[0]].identifier, default: 0] == 0
    }
}
