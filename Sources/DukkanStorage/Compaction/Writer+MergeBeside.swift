import DukkanFormat

/// The larger merges beside commits, for tables whose rows are never replaced.
///
/// One at a time: it reads what a commit has published. A later commit takes up what came of it, within its own generation;
/// where none is under way soon after its end, it becomes a generation of its own. Smaller merges happen within commits,
/// among the parts that it does not read.
extension Writer {
    /// Parts that commits add to a table while a merge runs; then a commit waits for its end.
    private static let partsBesideMax = 2 * CompactionPolicy.factor

    /// Commits to wait after merges that failed one after the other, at most, as a power of two.
    private static let mergePauseWidthMax = 12

    /// Whether the larger merges of a table run beside commits.
    ///
    /// Not in the first commit of rows of a handle: who opens a store for one commit would leave parts that nobody merges.
    func mergesBeside(_ table: Manifest.Table) -> Bool {
        guard options.automaticCompaction, hasCommittedRows, table.schema.uniqueColumn == nil else { return false }
        return switch options.mergeTiming {
        case .within: false
        case .beside: options.threads > 1 && fileSystem.allowsCallsBeside
        case .deferred: true
        }
    }

    /// Begins the next merge, if there is one to do and none runs.
    func beginMergeBeside() {
        guard mergeBeside == nil, commitsUntilMergeBeside == 0 else { return }
        for (index, table) in committed.tables.enumerated() where mergesBeside(table) {
            let policy = policy(index)
            guard let merge = policy.next(), policy.rowCount(merge.places) >= options.besideRowCountMin,
                let parts = try? merge.places.map({ try handle(table.parts[$0]) })
            else { continue }
            let beside = MergeBeside(merge, table: table, parts: parts, of: self)
            mergeBeside = beside
            beside.begin(isDeferred: options.mergeTiming == .deferred, onEnd: onMergeEnd)
            return
        }
    }

    /// Takes up the merge that has ended, and waits for one that commits have run ahead of.
    ///
    /// - Parameters:
    ///   - waiting: whether to wait for it anyway.
    ///   - control: ends the waiting.
    func takeUpMergeBeside(waiting: Bool = false, control: WorkControl? = nil) throws {
        guard let beside = mergeBeside else { return }
        if !beside.hasEnded {
            let now = working.tables.first { $0.number == beside.table.number }?.parts.count ?? 0
            guard waiting || now > beside.table.parts.count + Writer.partsBesideMax else { return }
            try beside.wait(control: control)
        }
        mergeBeside = nil
        writtenByteCount += beside.writtenByteCount
        guard case .success(let outcome) = beside.result else {
            // What it reads may be damaged: tried again at once it would write the same in vain.
            failedMergeBesideCount += 1
            commitsUntilMergeBeside = 1 << min(failedMergeBesideCount, Writer.mergePauseWidthMax)
            return beside.removeFiles()
        }
        failedMergeBesideCount = 0
        guard let index = place(of: beside) else { return beside.removeFiles() }
        createdFiles.formUnion(beside.names)
        files.merge(beside.files) { $1 }
        let borders = beside.isCut ? outcome.borders : working.tables[index].windowBorders
        replace(beside.inputs, by: outcome.parts, borders: borders, table: index)
    }

    /// The table whose parts a merge may replace; nil where they have changed since it began.
    private func place(of beside: MergeBeside) -> Int? {
        guard let index = working.tables.firstIndex(where: { $0.number == beside.table.number }) else { return nil }
        let table = working.tables[index]
        let places = beside.inputs.compactMap { input in table.parts.firstIndex { $0.identifier == input.identifier } }
        let deletedCounts = beside.inputs.map { deletes[$0.identifier]?.deletedCount ?? 0 }
        guard places.count == beside.inputs.count, deletedCounts == beside.deletedCounts,
            !beside.isCut || table.windowBorders == beside.table.windowBorders, policy(index).isMergeable(places)
        else { return nil }
        return index
    }

    /// Makes what a merge has brought a generation, unless a transaction is open, and begins the next merge.
    ///
    /// A failure leaves the generation that stands.
    func publishMergeBeside() {
        guard failure == nil, !hasChanges, let beside = mergeBeside, beside.hasEnded else { return }
        // Too many parts are for a commit to merge, which must not throw this one away.
        if case .success(let outcome) = beside.result,
            working.partCount - beside.inputs.count + outcome.parts.count > Manifest.partCountMax
        {
            return
        }
        do {
            try takeUpMergeBeside()
            // A merge that failed is not begun again before the next commit.
            guard hasChanges else { return }
            for index in working.tables.indices { try writeDeletions(table: index) }
            try publishGeneration()
            beginMergeBeside()
        } catch {
            rollback()
        }
    }

    /// Ends the merge that runs and removes what it has made.
    func stopMergeBeside() {
        guard let beside = mergeBeside else { return }
        mergeBeside = nil
        beside.stop()
        writtenByteCount += beside.writtenByteCount
        beside.removeFiles()
    }
}
