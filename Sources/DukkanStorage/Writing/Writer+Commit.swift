import DukkanFormat

/// Publishing a new generation.
///
/// The order of operations makes a crash at any point leave the old or the new generation: part and deletion files are
/// durable before the directory of parts is, that before the manifest's bytes are, those before its name is, and only
/// after that is anything removed.
extension Writer {
    /// Deletion files of one size that are merged into one.
    private static let deletionTierCount = 9

    var hasChanges: Bool { working != committed || !freshDeletes.isEmpty || runs.values.contains { $0.rowCount > 0 } }

    func commit(control: WorkControl?) throws {
        try checkUsable()
        guard hasChanges else { return }
        try control?.check()
        let firstOrder = committed.nextOrder
        try takeUpMergeBeside(control: control)
        for index in working.tables.indices {
            try spill(table: index)
            try control?.check()
        }
        if options.automaticCompaction {
            mergeBeforeCommit(control: control)
            try checkUsable()
        }
        try keepPartsWithinLimit(control: control)
        for index in working.tables.indices { try writeDeletions(table: index) }
        try publishGeneration()
        guard options.automaticCompaction else { return }
        compactAfterCommit(control: control)
        if committed.nextOrder > firstOrder { hasCommittedRows = true }
        if commitsUntilMergeBeside > 0 { commitsUntilMergeBeside -= 1 }
        beginMergeBeside()
    }

    func rollback() {
        finishRemoval()
        runs.removeAll()
        freshDeletes.removeAll()
        // Numbers of files are not used twice, in case a file of the transaction cannot be removed.
        working = committed
        adoptSnapshot()
        deletionParts = deletionParts.filter { file, _ in
            committed.tables.contains { $0.deletions.contains { $0.file == file } }
        }
        waitingParts.removeAll()
        // After a failed publication the files may be those of the newest generation.
        if failure?.code != .outcomeUnknown { removeUnusedFiles() }
        createdFiles = []
    }

    /// Generations whose files may be on their way out while the next is published.
    private static let removalCountMax = 4

    /// Begins to remove what commits have replaced.
    func beginRemoval() {
        for removal in removals { removal.begin(threads: options.threads, on: removalQueue) }
    }

    /// Removes what commits have replaced, or waits until that has happened.
    func finishRemoval() {
        for removal in removals { removal.finish() }
        removals.removeAll()
    }

    /// Waits where removing does not keep up with commits.
    private func boundRemovals() {
        beginRemoval()
        removals.removeAll(where: \.isOver)
        while removals.count >= Writer.removalCountMax { removals.removeFirst().finish() }
    }

    /// Writes `working` as the next generation, opens it, and removes what it does not need any more.
    func publish() throws {
        try publishGeneration()
        finishRemoval()
    }

    /// Writes `working` as the next generation and opens it; what it does not need any more is to be removed.
    func publishGeneration() throws {
        boundRemovals()
        working.generation = committed.generation + 1
        working.nextFile = fileNumbers.upcoming
        try working.checkInvariants()
        // Files of attempts that failed.
        removeUnusedFiles()
        let before = Writer.fileNames(committed), old = (manifest: committed, snapshot: snapshot)
        try withDurability {
            for (name, part) in Array(waitingParts).inOrder(by: { $0.key < $1.key }) {
                try part.synchronize()
                waitingParts[name] = nil
            }
            if !createdFiles.isEmpty { try fileSystem.synchronizeNames(in: partsPath) }
        }
        try publishManifest()
        committed = working
        freshDeletes.removeAll()
        createdFiles = []
        openPublished()
        // The manifest before goes last.
        let names = before.subtracting(Writer.fileNames(committed)).ascending()
        removals.append(
            ReplacedFiles(
                names.map { partsPath.appending(name: $0) }
                    + [path.appending(name: StoreLayout.manifestName(old.manifest.generation))],
                of: old.snapshot, fileSystem))
    }

    private func publishManifest() throws {
        let bytes = working.encoded()
        let name = path.appending(name: StoreLayout.manifestName(working.generation))
        let temporary = path.appending(name: StoreLayout.temporaryManifestName(working.generation))
        try fileSystem.removeFile(temporary)
        do {
            try writeDurably(bytes, to: temporary)
        } catch {
            try? fileSystem.removeFile(temporary)
            throw error
        }
        do {
            try fileSystem.renameFile(temporary, to: name)
        } catch {
            try withDurability {
                let isThere = try? fileSystem.names(in: path).contains(StoreLayout.manifestName(working.generation))
                guard isThere == false else { throw unknownOutcome(error) }
                try? fileSystem.removeFile(temporary)
                throw error
            }
        }
        do {
            try fileSystem.synchronizeNames(in: path)
        } catch {
            try withDurability { throw unknownOutcome(error) }
        }
    }

    private func unknownOutcome(_ cause: any Error) -> DukkanError {
        DukkanError(
            .outcomeUnknown, "the commit may or may not survive a loss of power", place: .init(file: path),
            advice: "open the store again to see which snapshot stands", cause: cause)
    }

    /// Writes a small new file and makes its bytes durable.
    func writeDurably(_ bytes: [UInt8], to file: String) throws {
        let descriptor = try fileSystem.openFile(file, for: .creating)
        defer { fileSystem.close(descriptor) }
        try bytes.withUnsafeBytes { try fileSystem.writeFully(descriptor, $0, path: file) }
        try withDurability { try fileSystem.synchronizeFile(descriptor, path: file) }
        writtenByteCount += bytes.count
    }

    /// The snapshot of what was just published: all its files are open already.
    private func openPublished() {
        let tables = committed.tables.map { table in
            TableSnapshot.next(
                after: snapshot.tables, number: table.number, schema: table.schema,
                parts: table.parts.compactMap { entry in
                    files[entry.identifier].map {
                        PartHandle(file: $0, entry: entry, deletes: deletes[entry.identifier])
                    }
                }, orderRoom: loader.blocks?.orderRoom)
        }
        snapshot = Snapshot(manifest: committed, tables: tables)
        adoptSnapshot()
    }

    /// Writes the rows that the transaction deletes, and merges deletion files of one size.
    func writeDeletions(table index: Int) throws {
        let number = working.tables[index].number
        if let fresh = freshDeletes[number], !fresh.isEmpty {
            let live = Set(working.tables[index].parts.map(\.identifier))
            let sections = fresh.filter { live.contains($0.key) && !$0.value.isEmpty }
                .map { DeletionFile.Section(part: $0.key, rows: $0.value.ascending()) }
            try appendDeletion(sections, table: index)
        }
        freshDeletes[number] = nil
        dropDeadDeletions(table: index)
        while let start = mergeableDeletions(working.tables[index].deletions) {
            try mergeDeletions(from: start, table: index)
        }
    }

    private func appendDeletion(_ unsorted: [DeletionFile.Section], table index: Int) throws {
        guard !unsorted.isEmpty else { return }
        let order = Dictionary(
            uniqueKeysWithValues: working.tables[index].parts.enumerated().map { ($1.identifier, $0) })
        let sections = unsorted.inOrder { order[$0.part, default: 0] < order[$1.part, default: 0] }
        let deletion = DeletionFile(sections: sections)
        let identifier = PartIdentifier(high: fileSystem.random(), low: fileSystem.random())
        let file = fileNumbers.next()
        let name = StoreLayout.deletionName(table: working.tables[index].number, file: file)
        createdFiles.insert(name)
        let bytes = deletion.encoded(identifier: identifier)
        if bytes.count > DeletionFile.byteCountMax {
            throw DukkanError(.limit, "a commit may not replace more than \(deletion.rowCount) rows of one table")
        }
        try writeDurably(bytes, to: partsPath.appending(name: name))
        working.tables[index].deletions.append(
            Manifest.Deletion(
                file: file, identifier: identifier, rowCount: deletion.rowCount, byteCount: bytes.count))
        deletionParts[file] = Set(sections.map(\.part))
    }

    /// Leaves out deletion files whose parts are all gone.
    func dropDeadDeletions(table index: Int) {
        let live = Set(working.tables[index].parts.map(\.identifier))
        working.tables[index].deletions.removeAll { entry in
            guard let parts = deletionParts[entry.file], parts.isDisjoint(with: live) else { return false }
            deletionParts[entry.file] = nil
            return true
        }
    }

    /// Where the run of deletion files begins that should become one.
    private func mergeableDeletions(_ deletions: [Manifest.Deletion]) -> Int? {
        SizeTier.mergeableSuffix(deletions.map(\.rowCount), factor: Writer.deletionTierCount)
    }

    func mergeDeletions(from start: Int, table index: Int) throws {
        let table = working.tables[index]
        let live = Set(table.parts.map(\.identifier))
        var rows = [PartIdentifier: [Int]]()
        for entry in table.deletions[start...] {
            guard let deletion = try loader.readDeletion(entry, table: table.number) else {
                throw DukkanError(.corrupt, "deletion file \(entry.file) is missing", place: .init(file: partsPath))
            }
            for section in deletion.sections where live.contains(section.part) {
                rows[section.part, default: []].append(contentsOf: section.rows)
            }
        }
        // Where this fails the transaction stays whole: the files of before still hold its deletions.
        try appendDeletion(rows.map { DeletionFile.Section(part: $0.key, rows: $0.value.ascending()) }, table: index)
        for entry in table.deletions[start...] { deletionParts[entry.file] = nil }
        working.tables[index].deletions.removeSubrange(start..<table.deletions.count)
        removeUnusedFiles()
    }
}
