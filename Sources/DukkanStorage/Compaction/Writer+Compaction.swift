import DukkanFormat

/// Merging parts, in the open transaction, after a commit and on demand.
extension Writer {
    /// Merges that a store with too many parts does at a time, in parts.
    private static let forcedMergeCount = 16
    /// Parts merged at a time at most, whatever the budget.
    private static let mergedPartCountMax = Manifest.partCountMax
    /// Merges before the publication of one commit, and after it, at most; the rest is left to the next.
    private static let mergesWithCommitMax = 16
    /// Rows that a merge may have which a commit waits for before it is published.
    private static let mergedBeforeCommitRowCountMax = 1 << 20

    /// Merges until the next manifest may name the parts of `working`.
    func keepPartsWithinLimit(control: WorkControl?) throws {
        if working.partCount > Manifest.partCountMax { try takeUpMergeBeside(waiting: true, control: control) }
        while working.partCount > Manifest.partCountMax {
            let choices = working.tables.indices.compactMap { index in
                policy(index).cheapest(countMax: Writer.forcedMergeCount).map { (index: index, choice: $0) }
            }
            guard let best = choices.min(by: { $0.choice.rowCount < $1.choice.rowCount }) else {
                throw DukkanError(.limit, "the store has more than \(Manifest.partCountMax) parts")
            }
            try merge(best.choice.merge, table: best.index, isThorough: false, control: control)
        }
    }

    /// Merges what the policy asks for and is small enough to go into the generation that the commit makes: that costs
    /// no more calls that wait for the disk than a commit without a merge.
    ///
    /// A failure leaves out the rest of the merges.
    func mergeBeforeCommit(control: WorkControl?) {
        do {
            for _ in 0..<Writer.mergesWithCommitMax {
                guard let next = nextMerge(rowCountMax: Writer.mergedBeforeCommitRowCountMax) else { return }
                try merge(next.merge, table: next.index, isThorough: false, control: control)
            }
        } catch {
            // The parts that it was to merge are still those of the transaction.
            removeUnusedFiles()
        }
    }

    private func nextMerge(rowCountMax: Int) -> (index: Int, merge: CompactionPolicy.Merge)? {
        for index in working.tables.indices {
            var policy = policy(index)
            var largest = rowCountMax
            if mergesBeside(working.tables[index]) {
                largest = options.besideRowCountMin - 1
                if let mergeBeside {
                    if mergeBeside.table.number == working.tables[index].number {
                        // Another of the same table would have to wait for it.
                        policy.absorbedRowCountMax = largest
                    } else {
                        // Other tables do not wait for it.
                        largest = min(rowCountMax, Writer.mergedBeforeCommitRowCountMax)
                    }
                }
            }
            if let merge = policy.next(), policy.rowCount(merge.places) <= largest { return (index, merge) }
        }
        return nil
    }

    /// Merges what the policy still asks for.
    ///
    /// A failure leaves the generation that was committed.
    func compactAfterCommit(control: WorkControl?) {
        do {
            for _ in 0..<Writer.mergesWithCommitMax {
                guard let next = nextMerge(rowCountMax: .max) else { return }
                try merge(next.merge, table: next.index, isThorough: false, control: control)
                try publishMerged()
            }
        } catch {
            // The commit stands; the next one tries again. A failed sync is remembered in `failure`.
            rollback()
        }
    }

    func compact(table name: String?, control: WorkControl?) throws -> CompactionReport {
        try checkUsable()
        if hasChanges {
            throw DukkanError(
                .invalidArgument, "compaction needs a store without an open transaction",
                advice: "commit or roll back first")
        }
        finishRemoval()
        stopMergeBeside()
        let chosen = try name.map { [working.tables[try tableIndex($0)].number] } ?? working.tables.map(\.number)
        var report = CompactionReport()
        report.partsBefore = partCount(chosen)
        report.bytesBefore = byteCount(chosen)
        let writtenBefore = writtenByteCount
        do {
            for number in chosen {
                while let index = working.tables.firstIndex(where: { $0.number == number }),
                    let next = nextOnDemand(index)
                {
                    report.rowsWritten += try merge(
                        next, table: index, isThorough: next.isCut, control: control)
                    try publishMerged()
                }
            }
        } catch {
            rollback()
            throw error
        }
        report.bytesWritten = writtenByteCount - writtenBefore
        report.partsAfter = partCount(chosen)
        report.bytesAfter = byteCount(chosen)
        return report
    }

    private func partCount(_ tables: [Int]) -> Int {
        working.tables.filter { tables.contains($0.number) }.reduce(0) { $0 + $1.parts.count }
    }

    private func byteCount(_ tables: [Int]) -> Int {
        working.tables.filter { tables.contains($0.number) }.flatMap(\.parts).reduce(0) { $0 + $1.byteCount }
    }

    private func publishMerged() throws {
        for index in working.tables.indices { try writeDeletions(table: index) }
        try publish()
    }

    var windows: TimeWindows { TimeWindows(rowCountTarget: options.windowRowCountTarget) }

    func policy(_ index: Int) -> CompactionPolicy {
        CompactionPolicy(
            table: working.tables[index], deletedCounts: deletes.mapValues(\.deletedCount), windows: windows,
            busy: Set(mergeBeside?.inputs.map(\.identifier) ?? []))
    }

    /// The next merge of a compaction on demand: a group of parts that share windows, a part of it where it is too large
    /// for the budget.
    private func nextOnDemand(_ index: Int) -> CompactionPolicy.Merge? {
        let policy = policy(index)
        guard let group = policy.groups().first(where: { !policy.isCompact($0) }) else { return nil }
        let countMax = mergedPartCountMax(index)
        guard group.count > countMax else { return CompactionPolicy.Merge(places: group, isCut: true) }
        for start in 0...(group.count - countMax) {
            let places = Array(group[start..<(start + countMax)])
            if policy.isMergeable(places) { return CompactionPolicy.Merge(places: places, isCut: false) }
        }
        return CompactionPolicy.Merge(places: group, isCut: true)
    }

    /// Parts whose decoded blocks take a quarter of the budget.
    private func mergedPartCountMax(_ index: Int) -> Int {
        let blockByteCount = working.tables[index].schema.rowByteCount * PartLimits.rowBlockTarget
        return min(Writer.mergedPartCountMax, max(2, options.memoryBudgetBytes / 4 / blockByteCount))
    }

    /// Merges parts of a table in `working`; returns the rows written.
    @discardableResult
    func merge(
        _ merge: CompactionPolicy.Merge, table index: Int, isThorough: Bool, control: WorkControl?
    ) throws -> Int {
        let entries = merge.places.map { working.tables[index].parts[$0] }
        let parts = try entries.map { try handle($0) }
        let outcome = try MergeTask(
            table: working.tables[index], parts: parts, isCut: merge.isCut, isThorough: isThorough, windows: windows,
            memoryBudgetBytes: options.memoryBudgetBytes, threads: options.threads, control: control
        ).run(by: self)
        replace(entries, by: outcome.parts, borders: outcome.borders, table: index)
        return outcome.parts.reduce(0) { $0 + $1.rowCount }
    }

    /// Puts the parts that a merge has made in the place of those that it read.
    func replace(_ inputs: [Manifest.Part], by outputs: [Manifest.Part], borders: [Int64], table index: Int) {
        let gone = Set(inputs.map(\.identifier))
        let number = working.tables[index].number
        working.tables[index].parts.removeAll { gone.contains($0.identifier) }
        working.tables[index].parts += outputs
        working.tables[index].parts = working.tables[index].parts.inOrder(by: Manifest.Part.precedes)
        working.tables[index].windowBorders = borders
        for identifier in gone {
            forget(identifier)
            freshDeletes[number]?[identifier] = nil
        }
        closeLastWindow(table: index)
        removeUnusedFiles()
    }

    /// Puts a border behind a part that fills the last window.
    private func closeLastWindow(table index: Int) {
        let table = working.tables[index]
        let last = table.windowBorders.last ?? .min
        for part in table.parts where part.rowCount >= windows.rowCountFull && part.minimumTime >= last {
            guard part.maximumTime < .max, table.windowBorders.count < Manifest.windowBorderCountMax else { continue }
            working.tables[index].windowBorders.append(part.maximumTime + 1)
            return
        }
    }
}
