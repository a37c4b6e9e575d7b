import DukkanFormat

/// The level that ClickHouse's `windowFunnel` finds, mode by mode as it does.
struct ClickHouseLevels {
    private let stepCount: Int
    private let window: Int64
    private let modes: Set<FunnelQuery.ClickHouseMode>
    private var events: [Event] = []
    private var chains: [Chain?] = []
    private var paths: [[Path]] = []

    /// A row at one of its steps (from 1), or 0 where it matches none.
    private struct Event {
        var time: Int64
        var step: Int
        var row: Int
    }

    /// The one chain kept for a step.
    private struct Chain {
        var first: Int64
        var last: Int64
    }

    /// One of the chains kept for a step where rows serve once.
    private struct Path {
        var first: Int64
        var last: Int64
        var rows: [Int]
    }

    /// Most chains kept for a step.
    static let pathCountMax = 4_096

    init(_ query: FunnelQuery) {
        stepCount = query.steps.count
        window = query.window ?? 0
        if case .clickHouse(let modes)? = query.preset { self.modes = modes } else { modes = [] }
    }

    /// Finds the level of a customer's rows.
    ///
    /// - Throws: `limit` where too many chains would have to be kept.
    mutating func level(_ rows: ChainRows) throws -> Int {
        gather(rows)
        return modes.contains(.strictOnce) ? try levelOfPaths() : levelOfChains()
    }

    private mutating func gather(_ rows: ChainRows) {
        events.removeAll(keepingCapacity: true)
        let isOrdered = modes.contains(.strictOrder)
        for row in 0..<rows.count {
            let mask = rows.masks[row]
            if mask == 0 {
                if isOrdered { events.append(Event(time: rows.times[row], step: 0, row: row)) }
                continue
            }
            for step in (0..<stepCount).reversed() where mask & (1 << UInt32(step)) != 0 {
                events.append(Event(time: rows.times[row], step: step + 1, row: row))
            }
        }
        events.sort { ($0.time, $0.step, $0.row) < ($1.time, $1.step, $1.row) }
    }

    private func isWithin(_ time: Int64, _ first: Int64) -> Bool {
        let (limit, overflow) = first.addingReportingOverflow(window)
        return overflow || time <= limit
    }

    private mutating func levelOfChains() -> Int {
        chains = [Chain?](repeating: nil, count: stepCount)
        var isStarted = false
        for event in events {
            let k = event.step - 1
            if k < 0 {
                if isStarted { break }
                continue
            }
            if k == 0 {
                chains[0] = Chain(first: event.time, last: event.time)
                isStarted = true
            } else if modes.contains(.strictDeduplication), chains[k] != nil {
                // The chain ends at the furthest step that any reached.
                break
            } else if modes.contains(.strictOrder), isStarted, chains[k - 1] == nil {
                return chains.firstIndex { $0 == nil } ?? stepCount
            } else if let before = chains[k - 1], isWithin(event.time, before.first),
                !modes.contains(.strictIncrease) || before.last < event.time
            {
                chains[k] = Chain(first: before.first, last: event.time)
                if k + 1 == stepCount { return stepCount }
            }
        }
        return (chains.lastIndex { $0 != nil } ?? -1) + 1
    }

    private mutating func levelOfPaths() throws -> Int {
        paths = [[Path]](repeating: [], count: stepCount)
        var isStarted = false
        for event in events {
            let k = event.step - 1
            if k < 0 {
                if isStarted { break }
                continue
            }
            if k == 0 {
                paths[0].append(Path(first: event.time, last: event.time, rows: [event.row]))
                isStarted = true
            } else if modes.contains(.strictDeduplication), !paths[k].isEmpty {
                // The chain ends at the furthest step that any reached.
                break
            } else if modes.contains(.strictOrder), isStarted, paths[k - 1].isEmpty {
                return paths.firstIndex { $0.isEmpty } ?? stepCount
            } else {
                for path in paths[k - 1] {
                    guard isWithin(event.time, path.first), !path.rows.contains(event.row),
                        !modes.contains(.strictIncrease) || path.last < event.time
                    else { continue }
                    paths[k].append(Path(first: path.first, last: event.time, rows: path.rows + [event.row]))
                    if k + 1 == stepCount { return stepCount }
                }
            }
            try prune(k, event.time)
        }
        return (paths.lastIndex { !$0.isEmpty } ?? -1) + 1
    }

    /// Forgets chains whose window is over, as long as one shows that the step was reached.
    private mutating func prune(_ k: Int, _ time: Int64) throws {
        guard paths[k].count > ClickHouseLevels.pathCountMax else { return }
        let living = paths[k].filter { isWithin(time, $0.first) }
        paths[k] = living.isEmpty ? [paths[k][0]] : living
        if paths[k].count > ClickHouseLevels.pathCountMax {
            throw DukkanError(
                .limit,
                "strict_once would have to keep more than \(ClickHouseLevels.pathCountMax) chains of a customer",
                advice: "choose a shorter window, or leave the mode out")
        }
    }
}
