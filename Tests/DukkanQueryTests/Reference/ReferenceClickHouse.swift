import DukkanFormat

@testable import DukkanQuery

/// ClickHouse's `windowFunnel` as it is documented and as its source has it, modes and all.
struct ReferenceClickHouse {
    let query: FunnelQuery
    let modes: Set<FunnelQuery.ClickHouseMode>

    private struct Event {
        var time: Int64
        /// From 1; 0: a row that matches no step.
        var step: Int
        var row: Int
    }

    /// The level of some rows of one customer.
    func level(_ rows: [ReferenceChainRow]) -> Int {
        var events: [Event] = []
        for (place, row) in rows.enumerated() {
            for step in query.steps.indices.reversed() where row.serves(step) {
                events.append(Event(time: row.time, step: step + 1, row: place))
            }
            if row.steps == 0 && row.isNeighbour && modes.contains(.strictOrder) {
                events.append(Event(time: row.time, step: 0, row: place))
            }
        }
        // The sort is stable there.
        let order = events.indices.sorted {
            (events[$0].time, events[$0].step, $0) < (events[$1].time, events[$1].step, $1)
        }
        let sorted = order.map { events[$0] }
        return modes.contains(.strictOnce) ? levelOnce(sorted) : level(sorted)
    }

    private func mayFollow(_ first: Int64, _ last: Int64, _ time: Int64) -> Bool {
        time - first <= query.window ?? .max && (!modes.contains(.strictIncrease) || last < time)
    }

    private func level(_ events: [Event]) -> Int {
        let count = query.steps.count
        var found = [(first: Int64, last: Int64)?](repeating: nil, count: count)
        var hasStarted = false
        for event in events {
            let step = event.step - 1
            if step == -1 {
                if hasStarted { break }
                continue
            }
            if step == 0 {
                found[0] = (event.time, event.time)
                hasStarted = true
                if count == 1 { return 1 }
                continue
            }
            if modes.contains(.strictDeduplication) && found[step] != nil { break }
            if modes.contains(.strictOrder) && hasStarted && found[step - 1] == nil {
                return found.firstIndex { $0 == nil } ?? count
            }
            if let before = found[step - 1], mayFollow(before.first, before.last, event.time) {
                found[step] = (before.first, event.time)
                if step + 1 == count { return count }
            }
        }
        return (found.lastIndex { $0 != nil } ?? -1) + 1
    }

    private struct Path {
        var first: Int64
        var last: Int64
        var rows: Set<Int>
    }

    /// `strict_once`: all ways to a level, each with the rows that it used.
    private func levelOnce(_ events: [Event]) -> Int {
        let count = query.steps.count
        var paths = [[Path]](repeating: [], count: count)
        var hasStarted = false
        for event in events {
            let step = event.step - 1
            if step == -1 {
                if hasStarted { break }
                continue
            }
            if step == 0 {
                paths[0].append(Path(first: event.time, last: event.time, rows: [event.row]))
                hasStarted = true
                if count == 1 { return 1 }
                continue
            }
            if modes.contains(.strictDeduplication) && !paths[step].isEmpty { break }
            if modes.contains(.strictOrder) && hasStarted && paths[step - 1].isEmpty {
                return paths.firstIndex { $0.isEmpty } ?? count
            }
            for path in paths[step - 1]
            where !path.rows.contains(event.row) && mayFollow(path.first, path.last, event.time) {
                paths[step].append(
                    Path(first: path.first, last: event.time, rows: path.rows.union([event.row])))
                if step + 1 == count { return count }
            }
        }
        return (paths.lastIndex { !$0.isEmpty } ?? -1) + 1
    }
}
