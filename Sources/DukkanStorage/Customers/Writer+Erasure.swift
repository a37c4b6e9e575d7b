import DukkanFormat

/// Erasing customers: one generation without them, and then no file that still had them.
///
/// Whatever a part knows (rows, directories, dictionaries, models, bounds, sums) it knows of its own rows, so a part that is
/// written anew without the customers' rows knows nothing of them.
extension Writer {
    func erase(
        _ keys: [CustomerKey], time: Int64, isNamed: (Manifest.Segment) throws -> Bool, control: WorkControl?
    ) throws -> ErasureReport {
        try checkUsable()
        if hasChanges {
            throw DukkanError(
                .invalidArgument, "erasing needs a store without an open transaction",
                advice: "commit or roll back first")
        }
        finishRemoval()
        // It may hold rows of theirs, in files that no manifest names.
        stopMergeBeside()
        let search = try CustomerSearch(keys, type: working.customerType)
        try checkSegments(isNamed)
        var report = ErasureReport(store: committed.store, time: time, generation: committed.generation)
        report.customersAsked = search.count
        let writtenBefore = writtenByteCount
        do {
            var found: Set<Int> = []
            for index in working.tables.indices {
                report.tables.append(try erase(search, table: index, found: &found, control: control))
                moveBorders(table: index)
            }
            report.customersFound = found.count
            if working.tables != committed.tables {
                if report.tables.contains(where: \.isChanged) {
                    remember(Manifest.Erasure(generation: committed.generation + 1, time: time))
                }
                try publish()
            }
        } catch {
            rollback()
            throw error
        }
        report.generation = committed.generation
        report.bytesWritten = writtenByteCount - writtenBefore
        let copies = StoreCopies(path: path, fileSystem: fileSystem)
        report.notExamined = try (sweep() + copies.unreadable()).ascending()
        report.copies = copies.list().filter { $0.generation < report.generation }
        return report
    }

    /// A segment that names a customer would keep her key; what is to become of it is for a person to say.
    private func checkSegments(_ isNamed: (Manifest.Segment) throws -> Bool) throws {
        let names = try working.segments.filter(isNamed).map(\.name).ascending()
        guard !names.isEmpty else { return }
        let listed = names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", …" : "")
        throw DukkanError(
            .invalidArgument,
            "\(names.count == 1 ? "a segment names" : "\(names.count) segments name") a customer to erase: \(listed)",
            place: .init(file: path),
            advice: "nothing was erased; give the segment another condition with DEFINE SEGMENT, or drop it with DROP "
                + "SEGMENT, and erase again")
    }

    private func erase(
        _ search: CustomerSearch, table index: Int, found: inout Set<Int>, control: WorkControl?
    ) throws -> ErasureReport.Table {
        var report = ErasureReport.Table(name: working.tables[index].schema.name)
        let reader = BlockReader()
        for entry in working.tables[index].parts {
            let part = try handle(entry)
            let runs = try search.runs(in: part, reader: reader, control: control)
            if runs.isEmpty {
                if entry.isExact { continue }
                if try !SpareStrings(part: part).exist(reader: reader, control: control) {
                    noteExact(entry, table: index)
                    continue
                }
            }
            found.formUnion(runs.map(\.customer))
            let bitmap = part.deletes.map { DeleteBitmap(copying: $0) } ?? DeleteBitmap(rowCount: entry.rowCount)
            for run in runs {
                let firstRow = part.footer.rowBlocks[run.block].firstRow
                for row in run.rows {
                    if bitmap.insert(firstRow + row) { report.rows += 1 } else { report.replacedRows += 1 }
                }
            }
            try rewrite(entry, without: bitmap, table: index, hasRows: !runs.isEmpty, &report, control: control)
        }
        if report.isChanged { try renewDeletions(table: index) }
        return report
    }

    /// Notes that a part of an earlier release has no spare strings, so that nobody needs to look again.
    private func noteExact(_ entry: Manifest.Part, table index: Int) {
        guard let place = working.tables[index].parts.firstIndex(of: entry) else { return }
        working.tables[index].parts[place].isExact = true
    }

    private func rewrite(
        _ entry: Manifest.Part, without bitmap: DeleteBitmap, table index: Int, hasRows: Bool,
        _ report: inout ErasureReport.Table, control: WorkControl?
    ) throws {
        guard let place = working.tables[index].parts.firstIndex(of: entry) else { return }
        if bitmap.deletedCount > 0 {
            deletes[entry.identifier] = bitmap
            ownedDeletes.insert(entry.identifier)
        }
        let before = Set(working.tables[index].parts.map(\.file))
        try merge(.init(places: [place], isCut: false), table: index, isThorough: entry.isThorough, control: control)
        let new = working.tables[index].parts.map(\.file).filter { !before.contains($0) }
        report.partsWritten += new
        if !hasRows {
            report.partsCleaned.append(entry.file)
        } else if new.isEmpty {
            report.partsDropped.append(entry.file)
        } else {
            report.partsRewritten.append(entry.file)
        }
    }

    /// Writes deletion files anew that name rows of parts which are gone.
    private func renewDeletions(table index: Int) throws {
        dropDeadDeletions(table: index)
        let live = Set(working.tables[index].parts.map(\.identifier))
        let isStale = working.tables[index].deletions.contains {
            !(deletionParts[$0.file] ?? []).isSubset(of: live)
        }
        if isStale { try mergeDeletions(from: 0, table: index) }
    }

    /// Puts window borders, which may be times of rows that are gone, to times of rows that are there, so that each part
    /// stays in its windows.
    private func moveBorders(table index: Int) {
        let table = working.tables[index]
        var moved: [Int64] = []
        for border in table.windowBorders {
            let next = table.parts.map(\.minimumTime).filter { $0 >= border }.min()
            let last = table.parts.map(\.maximumTime).filter { $0 < border }.max()
            guard let time = next ?? last.flatMap({ $0 < .max ? $0 + 1 : nil }) else { continue }
            if time > moved.last ?? .min { moved.append(time) }
        }
        working.tables[index].windowBorders = moved
    }

    private func remember(_ erasure: Manifest.Erasure) {
        working.erasures.append(erasure)
        if working.erasures.count > Manifest.erasureCountMax { working.erasures.removeFirst() }
    }

    /// Removes every file that the newest generation does not need, durably; returns the names that are not a store's.
    ///
    /// Unlike the removal after a commit this must not fail in silence, nor be undone by a loss of power.
    private func sweep() throws -> [String] {
        let kept = Writer.fileNames(committed)
        var unknown: [String] = []
        for name in try fileSystem.names(in: partsPath) where !kept.contains(name) {
            let file = partsPath.appending(name: name)
            if StoreLayout.isPartsFile(name) { try removeForGood(file) } else { unknown.append(file) }
        }
        for name in try fileSystem.names(in: path) {
            let file = path.appending(name: name)
            if let generation = StoreLayout.generation(ofManifest: name) {
                if generation != committed.generation { try removeForGood(file) }
            } else if StoreLayout.isTemporaryManifest(name) {
                try removeForGood(file)
            } else if !StoreLayout.isKnown(name) {
                unknown.append(file)
            }
        }
        do {
            try withDurability {
                try fileSystem.synchronizeNames(in: partsPath)
                try fileSystem.synchronizeNames(in: path)
            }
        } catch {
            throw unfinished(error)
        }
        return unknown.ascending()
    }

    private func removeForGood(_ file: String) throws {
        do { try fileSystem.removeFile(file) } catch { throw unfinished(error) }
    }

    private func unfinished(_ cause: any Error) -> DukkanError {
        DukkanError(
            .inputOutput, "the rows are erased, but old files that hold them may still be there",
            place: .init(file: path), advice: "open the store and erase the same customers again", cause: cause)
    }
}

/// Strings in a part's dictionaries that none of its rows has, deleted or not.
struct SpareStrings {
    let part: PartHandle

    /// Whether there are any.
    ///
    /// Reads all blocks of the columns in question.
    func exist(reader: BlockReader, control: WorkControl?) throws -> Bool {
        for (column, entry) in part.footer.columns.enumerated() where entry.dictionary != nil {
            if try exist(column, entry, reader, control) { return true }
        }
        return false
    }

    private func exist(
        _ column: Int, _ entry: PartFooter.PartColumn, _ reader: BlockReader, _ control: WorkControl?
    ) throws -> Bool {
        let dictionary = try part.readDictionary(column: column, reader: reader)
        var used = UsedStrings.CodeSet(count: dictionary.count)
        let vector = ColumnVector(.codes), customers = CustomerBlock()
        for block in entry.blocks.indices {
            try control?.check()
            if entry.blocks[block].needsCustomers {
                try part.readCustomers(block: block, into: customers, reader: reader)
            }
            try part.readColumn(
                column, block: block, customers: customers, dictionary: dictionary, into: vector, reader: reader)
            let valid = ValidRows(vector), codes = vector.codes
            for row in 0..<vector.count where valid[row] { used.insert(Int(codes[row])) }
        }
        return used.count < dictionary.count
    }
}
