import DukkanFormat
import Synchronization

/// Reads every block of a part and checks it against its statistics, its neighbours and the manifest.
struct PartVerification {
    let part: PartHandle
    let schema: TableSchema
    let threads: Int
    let control: WorkControl?

    /// What the end of one block says to the begin of the next.
    private struct Edge: Sendable {
        var lastTime: Int64
        var firstTime: Int64
    }

    /// All findings, each once, in the order of the blocks; those of the whole part stand first and last.
    func run() throws -> [VerificationFinding] {
        let collected = Guarded<[(block: Int, finding: VerificationFinding)]>([])
        let edges = Guarded([Int: Edge]())
        let report: @Sendable (Int, VerificationFinding) -> Void = { block, finding in
            collected.withLock { $0.append((block, finding)) }
        }
        checkEnds { report(-1, $0) }
        let dictionaries = readDictionaries { report(-1, $0) }
        let used = UsedCodes(dictionaries)
        try Parallel.runThrowing(part.footer.rowBlocks.count, threads: threads) { block in
            try control?.check()
            let edge = checkBlock(block, dictionaries, used) { report(block, $0) }
            if let edge { edges.withLock { $0[block] = edge } }
        }
        var findings = Array(collected.withLock { $0 }.enumerated())
            .inOrder { ($0.element.block, $0.offset) < ($1.element.block, $1.offset) }.map(\.element.finding)
        if findings.isEmpty { findings += checkSpareStrings(dictionaries, used) }
        findings += checkOrder(edges.withLock { $0 })
        findings += checkFooter()
        // What several columns need is found once for each of them.
        var known: Set<VerificationFinding> = []
        return findings.map { numbered($0) }.filter { known.insert($0).inserted }
    }

    /// A finding that tells the number of its block in the part, of which other blocks may be missing.
    private func numbered(_ finding: VerificationFinding) -> VerificationFinding {
        guard let numbers = part.file.salvaged?.blockNumbers, let block = finding.place.block,
            numbers.indices.contains(block)
        else { return finding }
        var finding = finding
        finding.place.block = numbers[block]
        return finding
    }

    /// Which codes of the part's dictionaries rows have, deleted or not.
    private final class UsedCodes: Sendable {
        private let columns: Guarded<[UsedStrings.CodeSet?]>

        init(_ dictionaries: [StringDictionary?]) {
            columns = Guarded(dictionaries.map { $0.map { UsedStrings.CodeSet(count: $0.count) } })
        }

        func insert(_ vector: ColumnVector, column: Int) {
            let valid = ValidRows(vector), codes = vector.codes
            columns.withLock { columns in
                guard var set = columns[column] else { return }
                // One owner while it changes.
                columns[column] = nil
                for row in 0..<vector.count where valid[row] && set.holds(Int(codes[row])) {
                    set.insert(Int(codes[row]))
                }
                columns[column] = set
            }
        }

        func count(column: Int) -> Int { columns.withLock { $0[column]?.count ?? 0 } }
    }

    /// A part that is said to be exact has no string that none of its rows has: an erased customer's could be among them.
    private func checkSpareStrings(_ dictionaries: [StringDictionary?], _ used: UsedCodes) -> [VerificationFinding] {
        guard part.entry.isExact else { return [] }
        return dictionaries.enumerated().compactMap { column, dictionary in
            guard let dictionary, dictionary.count > used.count(column: column) else { return nil }
            let spare = dictionary.count - used.count(column: column)
            return finding(
                "the dictionary holds \(spare) strings that no row has",
                column: part.footer.columns[column].definition.name)
        }
    }

    private func finding(_ message: String, column: String? = nil, block: Int? = nil) -> VerificationFinding {
        VerificationFinding(
            place: .init(file: part.file.path, column: column, block: block), message: message, isDamage: true)
    }

    private func finding(_ error: any Error, block: Int? = nil) -> VerificationFinding {
        guard var error = error as? DukkanError else { return finding("\(error)", block: block) }
        error.place.file = error.place.file ?? part.file.path
        return VerificationFinding(place: error.place, message: error.message, isDamage: true)
    }

    /// Reading never needs the head of a part and the copy of its footer, so that only verification looks at them.
    private func checkEnds(_ report: (VerificationFinding) -> Void) {
        func check(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) {
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 8)
            defer { bytes.deallocate() }
            do {
                try part.file.read(into: bytes, at: range.lowerBound)
                try body(UnsafeRawBufferPointer(bytes))
            } catch {
                report(finding(error))
            }
        }
        check(0..<PartFooter.headerByteCount) {
            try PartFooter.checkHeader($0, identifier: part.entry.identifier)
        }
        if let copy = part.footer.copyPlace {
            check(copy.offset..<copy.offset + 2 * copy.byteCount) { try part.footer.checkCopy($0) }
        }
        for missing in part.file.salvaged?.missing ?? [] {
            let rows = missing.rows.map { "rows \($0.lowerBound) to \($0.upperBound - 1) are lost: " } ?? ""
            report(finding(rows + missing.reason))
        }
        for (number, stripe) in part.footer.stripes.enumerated() {
            check(stripe.outline.offset..<stripe.outline.end) { try part.footer.checkOutline($0, ofStripe: number) }
        }
    }

    private func readDictionaries(_ report: (VerificationFinding) -> Void) -> [StringDictionary?] {
        let reader = BlockReader()
        for column in part.footer.columns.indices {
            do {
                _ = try part.loadModel(column, reader: reader)
            } catch {
                report(finding(error))
            }
        }
        return part.footer.columns.enumerated().map { column, entry in
            guard entry.dictionary != nil else { return nil }
            do {
                let dictionary = try part.readDictionary(column: column, reader: reader)
                let isAscending = (1..<max(1, dictionary.count)).allSatisfy { code in
                    dictionary.withBytes(code - 1) { a in
                        dictionary.withBytes(code) { StringDictionary.compare(a, $0) < 0 }
                    }
                }
                if !isAscending {
                    report(finding("the dictionary is not in order", column: entry.definition.name))
                }
                return dictionary
            } catch {
                report(finding(error))
                return nil
            }
        }
    }

    /// Checks one row block; nil if its times could not be read.
    private func checkBlock(
        _ block: Int, _ dictionaries: [StringDictionary?], _ used: UsedCodes, _ report: (VerificationFinding) -> Void
    ) -> Edge? {
        let reader = BlockReader(), customers = CustomerBlock()
        let rowBlock = part.footer.rowBlocks[block]
        do {
            try part.readCustomers(block: block, into: customers, reader: reader)
        } catch {
            report(finding(error, block: block))
            for column in part.footer.columns.indices { checkBytes(column, block, reader, report) }
            return nil
        }
        checkDirectory(customers, rowBlock, block, report)
        do {
            try part.checkBitmaps(block: block, reader: reader)
        } catch {
            report(finding(error, block: block))
        }
        var edge: Edge?
        for (column, entry) in part.footer.columns.enumerated() where entry.definition.role != .customer {
            if entry.dictionary != nil && dictionaries[column] == nil {
                checkBytes(column, block, reader, report)
                continue
            }
            let vector = ColumnVector(entry.definition.type.physical)
            do {
                try part.readColumn(
                    column, block: block, customers: customers, dictionary: dictionaries[column], into: vector,
                    reader: reader)
            } catch {
                report(finding(error, block: block))
                // The block may not even have been looked at, where what it needs is damaged.
                checkBytes(column, block, reader, report)
                continue
            }
            if vector.kind == .codes && entry.dictionary != nil { used.insert(vector, column: column) }
            if vector.count != rowBlock.rowCount {
                report(
                    finding(
                        "\(vector.count) rows instead of \(rowBlock.rowCount)", column: entry.definition.name,
                        block: block))
                continue
            }
            checkStatistics(vector, entry, block, report)
            do {
                let isKept = try part.areBoundsKept(
                    column, block: block, customers: customers, values: vector, reader: reader)
                if !isKept {
                    report(finding("a row behind its run's end", column: entry.definition.name, block: block))
                }
            } catch {
                report(finding(error, block: block))
            }
            if entry.definition.role == .time {
                edge = checkTimes(vector, customers, entry.definition.name, block, report)
            }
        }
        return edge
    }

    /// Checks a column block that cannot be decoded because of something else, as far as it can be read by itself.
    private func checkBytes(
        _ column: Int, _ block: Int, _ reader: BlockReader, _ report: (VerificationFinding) -> Void
    ) {
        guard part.footer.columns[column].definition.role != .customer else { return }
        do {
            _ = try part.outline(column: column, block: block, reader: reader)
        } catch {
            report(finding(error, block: block))
        }
    }

    private func checkDirectory(
        _ customers: CustomerBlock, _ rowBlock: PartFooter.RowBlock, _ block: Int,
        _ report: (VerificationFinding) -> Void
    ) {
        let isInteger = part.footer.customerType == .int
        func key(_ place: Int) -> CustomerKey {
            isInteger ? .integer(customers.keys[place]) : .string(customers.strings.string(place))
        }
        guard customers.count == rowBlock.customerCount, customers.count > 0,
            customers.rowCount == rowBlock.rowCount
        else {
            report(finding("the customer directory has another size than the footer says", block: block))
            return
        }
        if let place = (0..<customers.count).first(where: { customers.rowStarts[$0] >= customers.rowStarts[$0 + 1] }) {
            report(finding("customer \(place) has no rows", block: block))
        }
        if rowBlock.isNullCustomer { return }
        if key(0) != rowBlock.firstCustomer || key(customers.count - 1) != rowBlock.lastCustomer {
            report(finding("the first or last customer is not the one that the footer says", block: block))
        }
        for place in 1..<max(1, customers.count) {
            let isAscending =
                isInteger
                ? customers.keys[place - 1] < customers.keys[place]
                : customers.strings.withBytes(place - 1) { a in
                    customers.strings.withBytes(place) { StringDictionary.compare(a, $0) < 0 }
                }
            if !isAscending {
                return report(finding("customers \(place - 1) and \(place) are out of order", block: block))
            }
        }
    }

    private func checkTimes(
        _ times: ColumnVector, _ customers: CustomerBlock, _ name: String, _ block: Int,
        _ report: (VerificationFinding) -> Void
    ) -> Edge? {
        guard times.count > 0 else { return nil }
        let values = times.integers
        for place in 0..<customers.count {
            let start = Int(customers.rowStarts[place]), end = Int(customers.rowStarts[place + 1])
            for row in (start + 1)..<max(start + 1, end) where values[row] < values[row - 1] {
                report(finding("row \(row) is earlier than the row before it", column: name, block: block))
                return nil
            }
        }
        return Edge(lastTime: values[times.count - 1], firstTime: values[0])
    }

    private func checkStatistics(
        _ vector: ColumnVector, _ column: PartFooter.PartColumn, _ block: Int,
        _ report: (VerificationFinding) -> Void
    ) {
        let stated = column.blocks[block].statistics
        let name = column.definition.name
        let nulls = ValidRows(vector).nullCount(vector.count)
        if nulls != stated.nullCount {
            report(finding("\(nulls) nulls, the footer says \(stated.nullCount)", column: name, block: block))
        }
        if column.definition.role != .attribute && nulls > 0 && column.definition.role != .customer {
            report(finding("a null in a column that has none", column: name, block: block))
        }
        switch vector.kind {
        case .integers: checkIntegers(vector, stated, name, block, report)
        case .doubles: checkDoubles(vector, stated, name, block, report)
        case .codes: checkCodes(vector, stated, column, block, report)
        }
    }

    private func checkIntegers(
        _ vector: ColumnVector, _ stated: BlockStatistics, _ name: String, _ block: Int,
        _ report: (VerificationFinding) -> Void
    ) {
        var minimum = Int64.max, maximum = Int64.min
        var sum: Int128 = 0
        let valid = ValidRows(vector), values = vector.integers
        for row in 0..<vector.count where valid[row] {
            minimum = min(minimum, values[row])
            maximum = max(maximum, values[row])
            sum += Int128(values[row])
        }
        if minimum != stated.minimum || maximum != stated.maximum {
            report(finding("the bounds in the footer are not those of the values", column: name, block: block))
        }
        if let statedSum = stated.sum, statedSum != sum {
            report(finding("the sum in the footer is not that of the values", column: name, block: block))
        }
    }

    private func checkDoubles(
        _ vector: ColumnVector, _ stated: BlockStatistics, _ name: String, _ block: Int,
        _ report: (VerificationFinding) -> Void
    ) {
        var minimum = Double.infinity, maximum = -Double.infinity
        var containsNaN = false
        let valid = ValidRows(vector), values = vector.doubles
        for row in 0..<vector.count where valid[row] {
            let value = values[row]
            if value.isNaN {
                containsNaN = true
            } else {
                minimum = min(minimum, value)
                maximum = max(maximum, value)
            }
        }
        if minimum != stated.minimumDouble || maximum != stated.maximumDouble || containsNaN != stated.containsNaN {
            report(finding("the bounds in the footer are not those of the values", column: name, block: block))
        }
    }

    private func checkCodes(
        _ vector: ColumnVector, _ stated: BlockStatistics, _ column: PartFooter.PartColumn, _ block: Int,
        _ report: (VerificationFinding) -> Void
    ) {
        let name = column.definition.name
        var minimum = Int64.max, maximum = Int64.min
        var presence: UInt64 = 0
        let count = vector.dictionary?.count ?? 0
        let valid = ValidRows(vector), codes = vector.codes
        for row in 0..<vector.count where valid[row] {
            let code = Int(codes[row])
            if code >= count {
                report(finding("row \(row) has a code without a string", column: name, block: block))
                return
            }
            minimum = min(minimum, Int64(code))
            maximum = max(maximum, Int64(code))
            if code < 64 { presence |= 1 << UInt64(code) }
        }
        guard column.dictionary != nil else { return }
        if minimum != stated.minimum || maximum != stated.maximum {
            report(finding("the bounds in the footer are not those of the codes", column: name, block: block))
        }
        if let statedPresence = stated.codePresence, statedPresence != presence {
            report(finding("the codes in the footer are not those that occur", column: name, block: block))
        }
    }

    /// Order across the borders of row blocks.
    private func checkOrder(_ edges: [Int: Edge]) -> [VerificationFinding] {
        var findings: [VerificationFinding] = []
        let blocks = part.footer.rowBlocks, numbers = part.file.salvaged?.blockNumbers
        for block in blocks.indices.dropFirst() {
            // Between these two others are missing, which is a finding of its own.
            if let numbers, numbers[block] != numbers[block - 1] + 1 { continue }
            let last = blocks[block - 1], next = blocks[block]
            if next.firstRow != last.firstRow + last.rowCount {
                findings.append(finding("the row blocks do not follow each other", block: block))
            }
            let isSame =
                next.isNullCustomer ? last.isNullCustomer : next.firstCustomer == last.lastCustomer
            if next.continues != (isSame && !next.isNullCustomer) && !next.isNullCustomer {
                findings.append(finding("the block's mark of a customer that goes on is wrong", block: block))
            }
            if isSame {
                if let before = edges[block - 1], let after = edges[block], after.firstTime < before.lastTime {
                    findings.append(finding("the block begins earlier than the one before ends", block: block))
                }
            } else if last.isNullCustomer || !PartVerification.precedes(last.lastCustomer, next.firstCustomer) {
                if !next.isNullCustomer { findings.append(finding("the customers are out of order", block: block)) }
            }
        }
        return findings
    }

    private static func precedes(_ a: CustomerKey?, _ b: CustomerKey?) -> Bool {
        switch (a, b) {
        case (.integer(let a), .integer(let b)): a < b
        case (.string(let a), .string(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
        default: false
        }
    }

    /// What footer and manifest say of the whole part.
    private func checkFooter() -> [VerificationFinding] {
        var findings: [VerificationFinding] = []
        let footer = part.footer, entry = part.entry
        let rows = footer.rowBlocks.reduce(0) { $0 + $1.rowCount }
        let customers = footer.rowBlocks.reduce(0) {
            $0 + ($1.isNullCustomer ? 0 : $1.customerCount - ($1.continues ? 1 : 0))
        }
        if rows != entry.rowCount || customers != entry.customerCount {
            findings.append(
                finding(
                    "the blocks have \(rows) rows of \(customers) customers, the manifest says \(entry.rowCount) and "
                        + "\(entry.customerCount)"))
        }
        for column in footer.columns where column.definition.role != .customer {
            let nulls = column.blocks.reduce(0) { $0 + $1.statistics.nullCount }
            let minimum = column.blocks.map(\.statistics.minimum).min() ?? .max
            let maximum = column.blocks.map(\.statistics.maximum).max() ?? .min
            let known = column.definition.type != .double
            if nulls != column.statistics.nullCount
                || (known && (minimum != column.statistics.minimum || maximum != column.statistics.maximum))
            {
                findings.append(
                    finding("the column's statistics are not those of its blocks", column: column.definition.name))
            }
        }
        if let deletes = part.deletes, deletes.deletedCount > entry.rowCount {
            findings.append(finding("more rows are deleted than there are"))
        }
        return findings
    }
}
