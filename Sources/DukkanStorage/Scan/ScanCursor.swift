import CDukkanKernels
import DukkanFormat

/// How the strings of one requested column get their codes.
enum CodeSource: Sendable {
    /// Not a string column.
    case none
    /// All parts have a part dictionary: one dictionary for the whole scan, with a map from each part's codes.
    case shared(StringDictionary, perPart: [Int: PartCodes])
    /// Some part has block dictionaries: each morsel has a dictionary of its own.
    case local(perPart: [Int: StringDictionary])

    var isLocal: Bool {
        if case .local = self { true } else { false }
    }

    struct PartCodes: Sendable {
        var dictionary: StringDictionary
        var map: [UInt32]?
    }
}

/// One worker's place in one part: the row block that it decoded last, kept because the next morsel often begins in it.
final class ScanCursor {
    let part: PartHandle
    private let columns: [Column]
    let customers = CustomerBlock()
    let vectors: [ColumnVector]
    private var customersBlock = -1
    private var columnsBlock = -1
    /// The columns of `columnsBlock` that `vectors` hold.
    private var isLoaded: [Bool]
    /// The columns that were read of the block before.
    private var isRead: [Bool]
    private let near: NearBlocks

    struct Column {
        /// Place among the part's columns; nil where the part is older than the column.
        var partColumn: Int?
        var partDictionary: StringDictionary?
        var map: [UInt32]?
        var dictionary: StringDictionary?
    }

    init(part: PartHandle, columns: [Column], kinds: [PhysicalKind]) {
        self.part = part
        self.columns = columns
        vectors = kinds.map { ColumnVector($0) }
        isLoaded = kinds.map { _ in false }
        isRead = isLoaded
        near = NearBlocks(part.file)
    }

    /// Decodes the customers of a row block, unless they are there already.
    ///
    /// - Parameters:
    ///   - block: the row block.
    ///   - needsKeys: whether it is asked who they are, and not only where their rows begin.
    ///   - reader: reads the directory.
    func loadCustomers(_ block: Int, needsKeys: Bool = true, _ reader: BlockReader) throws {
        guard customersBlock != block || needsKeys && !customers.hasKeys else { return }
        customersBlock = -1
        lend(to: reader)
        try part.readCustomers(block: block, into: customers, readsKeys: needsKeys, reader: reader)
        customersBlock = block
    }

    /// Lets a reader know what was found in memory ahead.
    private func lend(to reader: BlockReader) {
        if reader.near !== near { reader.near = near }
    }

    /// Decodes the first columns of a row block; all of them if it is not said how many.
    func loadColumns(_ block: Int, first count: Int? = nil, _ reader: BlockReader) throws {
        begin(block, reader)
        for column in 0..<(count ?? vectors.count) { try load(column, reader) }
    }

    /// Makes a row block the one whose columns are loaded.
    func begin(_ block: Int, _ reader: BlockReader) {
        guard columnsBlock != block else { return }
        columnsBlock = block
        for column in isLoaded.indices { isLoaded[column] = false }
        reader.rowsScanned += part.footer.rowBlocks[block].rowCount
        lend(to: reader)
        near.turn { appendOffsets(of: block + 1, to: &$0) }
    }

    /// Where the blocks of a row block lie that were read of the last one.
    private func appendOffsets(of block: Int, to offsets: inout [Int]) {
        guard block < part.footer.rowBlocks.count else { return }
        var needsBitmap = false
        for place in isRead.indices where isRead[place] {
            isRead[place] = false
            guard let partColumn = columns[place].partColumn else { continue }
            needsBitmap = needsBitmap || part.footer.columns[partColumn].blocks[block].sharedBitmap != nil
            offsets.append(part.footer.columns[partColumn].blocks[block].location.offset)
        }
        offsets.append(part.footer.rowBlocks[block].directory.offset)
        guard needsBitmap else { return }
        for number in part.footer.rowBlocks[block].bitmaps.indices {
            if let bitmap = part.footer.rowBlocks[block].bitmaps[number] { offsets.append(bitmap.offset) }
        }
    }

    /// Decodes a column of the block begun into its vector, unless that holds it already.
    func load(_ column: Int, _ reader: BlockReader) throws {
        guard !isLoaded[column] else { return }
        try read(column, nil, into: vectors[column], reader)
        isLoaded[column] = true
    }

    /// Makes a vector of the selected rows of a column of the block begun.
    func load(_ column: Int, _ selected: SelectedRows, into vector: ColumnVector, _ reader: BlockReader) throws {
        if isLoaded[column] {
            vector.assign(selected, of: vectors[column])
        } else {
            try read(column, selected, into: vector, reader)
        }
    }

    /// Dictionaries with more strings are looked up row by row.
    private static let testedStringCountMax = 4_096

    /// Sets the bits of the rows of the block begun that meet a condition, without a value for each row.
    ///
    /// False where that cannot be; the column may be loaded then.
    func select(
        _ test: ValueTest, _ place: Int, into words: UnsafeMutablePointer<UInt64>, _ reader: BlockReader
    ) throws -> Bool {
        let column = columns[place], block = columnsBlock
        guard !isLoaded[place], let partColumn = column.partColumn else { return false }
        let columnBlock = part.footer.columns[partColumn].blocks[block]
        guard columnBlock.statistics.nullCount == 0 else { return false }
        var test = test
        switch test {
        case .range:
            guard columnBlock.needsCustomers, columnBlock.sharedBitmap != nil else { return false }
        case .codes(let flags):
            guard let dictionary = column.partDictionary, dictionary.count <= ScanCursor.testedStringCountMax else {
                return false
            }
            if let map = column.map {
                test = .codes(flags: map.map { flags[Int($0)] })
            } else if flags.count != dictionary.count {
                test = .codes(flags: Array(flags.prefix(dictionary.count)))
            }
        }
        if columnBlock.needsCustomers { try loadCustomers(block, needsKeys: false, reader) }
        lend(to: reader)
        isRead[place] = true
        let vector = vectors[place]
        if try part.select(
            test, partColumn, block: block, customers: customers, dictionary: column.partDictionary, into: words,
            orReadInto: vector, reader: reader)
        {
            return true
        }
        if let map = column.map { ScanCursor.renumber(vector, map) }
        if let dictionary = column.dictionary { vector.dictionary = dictionary }
        isLoaded[place] = true
        return false
    }

    /// Decodes at least the rows of the block begun that have a value in a range, and sets their bits.
    ///
    /// False where all rows are in the vector instead.
    func loadRange(
        low: Int64, high: Int64, _ place: Int, into words: UnsafeMutablePointer<UInt64>, _ reader: BlockReader
    ) throws -> Bool {
        let block = columnsBlock
        guard !isLoaded[place], let partColumn = columns[place].partColumn else { return false }
        let columnBlock = part.footer.columns[partColumn].blocks[block]
        guard columnBlock.needsCustomers, columnBlock.sharedBitmap != nil else {
            try load(place, reader)
            return false
        }
        try loadCustomers(block, needsKeys: false, reader)
        lend(to: reader)
        isRead[place] = true
        let isPart = try part.readRange(
            low: low, high: high, partColumn, block: block, customers: customers, into: words, vector: vectors[place],
            reader: reader)
        isLoaded[place] = !isPart
        return isPart
    }

    private func read(
        _ place: Int, _ selected: SelectedRows?, into vector: ColumnVector, _ reader: BlockReader
    ) throws {
        let column = columns[place], block = columnsBlock
        isRead[place] = true
        guard let partColumn = column.partColumn else {
            vector.fillNulls(selected?.count ?? part.footer.rowBlocks[block].rowCount)
            vector.dictionary = column.dictionary ?? (vector.kind == .codes ? .empty : nil)
            return
        }
        let columnBlock = part.footer.columns[partColumn].blocks[block]
        if columnBlock.needsCustomers { try loadCustomers(block, needsKeys: false, reader) }
        lend(to: reader)
        if let reference = columnBlock.referenceColumn { try lend(reference, reader) }
        defer { reader.references.lent = nil }
        try part.readColumn(
            partColumn, block: block, customers: customers, dictionary: column.partDictionary, selected: selected,
            into: vector, reader: reader)
        if let map = column.map { ScanCursor.renumber(vector, map) }
        if let dictionary = column.dictionary { vector.dictionary = dictionary }
    }

    /// Lends a column that another refers to, where it is one of those asked for, so that it is not decoded twice.
    private func lend(_ reference: Int, _ reader: BlockReader) throws {
        guard
            let place = columns.indices.first(where: {
                columns[$0].partColumn == reference && vectors[$0].kind == .integers
            })
        else { return }
        try load(place, reader)
        reader.references.lent = (reference, vectors[place])
    }

    /// Gives a vector's codes their numbers in the scan's dictionary; null rows keep 0.
    private static func renumber(_ vector: ColumnVector, _ map: [UInt32]) {
        // An empty dictionary has no code 0.
        if map.isEmpty { return }
        let codes = vector.codes, count = vector.count
        map.withUnsafeBufferPointer { dukkan_look_up_codes(codes, count, $0.baseAddress, $0.count) }
        guard vector.hasNulls else { return }
        let validity = vector.validity
        for start in stride(from: 0, to: count, by: 64) {
            var absent = ~validity[start >> 6]
            while absent != 0 {
                let row = start &+ absent.trailingZeroBitCount
                if row >= count { break }
                codes[row] = 0
                absent &= absent &- 1
            }
        }
    }

    /// Customers of the loaded directory block within a range, as places in the directory.
    func customers(in range: CustomerRange) -> Range<Int> {
        let count = customers.count
        guard count > 0 else { return 0..<0 }
        let low = range.lower.map { lowerBound($0, after: false) } ?? 0
        let high = range.upper.map { lowerBound($0, after: range.includesUpper) } ?? count
        return low..<max(low, high)
    }

    private func lowerBound(_ key: CustomerKey, after: Bool) -> Int {
        var low = 0, high = customers.count
        while low < high {
            let middle = (low + high) / 2
            let order: Int
            switch key {
            case .integer(let key):
                let held = customers.keys[middle]
                order = held < key ? -1 : (held == key ? 0 : 1)
            case .string(var key):
                order = customers.strings.withBytes(middle) { held in
                    key.withUTF8 { StringDictionary.compare(held, $0) }
                }
            }
            if order < 0 || (after && order == 0) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension PartFooter {
    /// Row blocks with customers that may hold rows of a range; blocks without customer stand behind them.
    package func blocks(of range: CustomerRange) -> Range<Int> {
        let end = firstNullCustomerBlock
        var low = 0, high = end
        while low < high {
            let middle = (low + high) / 2
            if let last = rowBlocks[middle].lastCustomer, range.begins(after: last) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let first = low
        high = end
        while low < high {
            let middle = (low + high) / 2
            if let key = rowBlocks[middle].firstCustomer, range.ends(before: key) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return first..<max(first, low)
    }

    /// The first row block of rows without customer; the number of blocks if there is none.
    package var firstNullCustomerBlock: Int {
        var low = 0, high = rowBlocks.count
        while low < high {
            let middle = (low + high) / 2
            if rowBlocks[middle].isNullCustomer { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
