import DukkanFormat

@testable import DukkanStorage

/// Looks through every file of a store's directory for what must not be there: as raw bytes, and in what the parts hold
/// besides their rows.
struct ByteSearch {
    let path: String
    let system: any FileSystem

    /// Every file below the store's directory with its bytes.
    func files() throws -> [(path: String, bytes: [UInt8])] {
        var files: [(String, [UInt8])] = []
        for folder in [path, path + "/parts"] {
            for name in try system.names(in: folder).sorted() where name != "parts" {
                let file = folder + "/" + name
                guard let descriptor = try system.openIfPresent(file) else { continue }
                defer { system.close(descriptor) }
                files.append((file, try system.readWhole(descriptor, byteCountMax: 1 << 30, path: file)))
            }
        }
        return files
    }

    /// `file: text` for each text that a file holds as it is.
    func raw(_ texts: some Collection<String>) throws -> [String] {
        var found: [String] = []
        for (file, bytes) in try files() {
            for text in texts where ByteSearch.contains(bytes, Array(text.utf8)) { found.append("\(file): \(text)") }
        }
        return found
    }

    private static func contains(_ bytes: [UInt8], _ needle: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { bytes in
            var at = 0
            while at + needle.count <= bytes.count {
                if bytes[at] == needle[0], needle.indices.allSatisfy({ bytes[at + $0] == needle[$0] }) { return true }
                at += 1
            }
            return false
        }
    }

    /// What of `customers` and `texts` is left in the newest generation, and what in it no row explains: strings of dictionaries
    /// that no row has, deleted rows of parts that are gone, and files that it does not name.
    ///
    /// After an erasure of somebody; compactions leave deleted rows of gone parts.
    func decoded(customers: Set<String>, texts: Set<String>) throws -> [String] {
        let store = try StoreCore.open(path: path, readOnly: true, fileSystem: system)
        var found: [String] = []
        let snapshot = try store.snapshot()
        var named: Set<String> = []
        for part in snapshot.tables.flatMap(\.parts) {
            named.insert(part.file.path)
            found += try leftovers(in: part, customers, texts).map { "\(part.file.path): \($0)" }
        }
        let loader = SnapshotLoader(path: path, fileSystem: system)
        for table in snapshot.manifest.tables {
            let parts = Set(table.parts.map(\.identifier))
            for entry in table.deletions {
                let file = "\(path)/parts/" + StoreLayout.deletionName(table: table.number, file: entry.file)
                named.insert(file)
                let sections = try loader.readDeletion(entry, table: table.number)?.sections ?? []
                found += sections.filter { !parts.contains($0.part) }.map {
                    "\(file): rows of \($0.part), which is gone"
                }
            }
        }
        let names = try system.names(in: path + "/parts").map { path + "/parts/" + $0 }
        found += names.filter { !named.contains($0) }.map { "\($0): no generation needs it" }
        found += try system.names(in: path).filter {
            StoreLayout.generation(ofManifest: $0).map { $0 != snapshot.generation } ?? $0.hasSuffix(".tmp")
        }
        return found
    }

    private func leftovers(in part: PartHandle, _ customers: Set<String>, _ texts: Set<String>) throws -> [String] {
        var found: [String] = []
        let reader = BlockReader(), block = CustomerBlock()
        for (number, rowBlock) in part.footer.rowBlocks.enumerated() where !rowBlock.isNullCustomer {
            try part.readCustomers(block: number, into: block, reader: reader)
            let isInteger = part.footer.customerType == .int
            for place in 0..<block.count {
                let key = isInteger ? String(block.keys[place]) : block.strings.string(place)
                if customers.contains(key) { found.append("customer \(key) in the directory of block \(number)") }
            }
            for case let bound? in [rowBlock.firstCustomer, rowBlock.lastCustomer] {
                let key =
                    switch bound {
                    case .integer(let key): String(key)
                    case .string(let key): key
                    }
                if customers.contains(key) { found.append("customer \(key) as a bound of block \(number)") }
            }
        }
        for (column, entry) in part.footer.columns.enumerated() where entry.definition.type == .string {
            guard entry.definition.role != .customer else { continue }
            found += try leftovers(in: part, column, entry, texts, reader)
        }
        return found
    }

    private func leftovers(
        in part: PartHandle, _ column: Int, _ entry: PartFooter.PartColumn, _ texts: Set<String>, _ reader: BlockReader
    ) throws -> [String] {
        let dictionary = try entry.dictionary.map { _ in try part.readDictionary(column: column, reader: reader) }
        var found: [String] = []
        var used: Set<UInt32> = []
        let vector = ColumnVector(.codes), customers = CustomerBlock()
        for block in entry.blocks.indices {
            try part.readCustomers(block: block, into: customers, reader: reader)
            try part.readColumn(
                column, block: block, customers: customers, dictionary: dictionary, into: vector, reader: reader)
            if dictionary == nil { used = [] }
            for row in 0..<vector.count where vector.isValid(row) { used.insert(vector.codes[row]) }
            guard dictionary == nil, let strings = vector.dictionary else { continue }
            found += judge(strings, used, texts).map { "\(entry.definition.name), block \(block): \($0)" }
        }
        if let dictionary { found += judge(dictionary, used, texts).map { "\(entry.definition.name): \($0)" } }
        return found
    }

    private func judge(_ strings: StringDictionary, _ used: Set<UInt32>, _ texts: Set<String>) -> [String] {
        (0..<strings.count).compactMap { code in
            let text = strings.string(code)
            if texts.contains(text) { return "'\(text)' in a dictionary" }
            return used.contains(UInt32(code)) ? nil : "'\(text)', which no row has, in a dictionary"
        }
    }
}
