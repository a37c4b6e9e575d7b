/// A column block or a directory, ready to be written but for its checksum.
struct EncodedBlock: Sendable {
    var bytes: [UInt8]
    var needsCustomers = false
    var storesRanks = false
    /// Number of the shared bitmap that it refers to.
    var sharedBitmap: Int?
    /// Place of the column that it refers to.
    var referenceColumn: Int?
    var statistics = BlockStatistics.empty

    /// Bytes in the file, the checksum included.
    var writtenByteCount: Int { bytes.count + PartChecksum.byteCount }
}

/// Encodes one column of one row block.
struct ColumnBlockEncoder {
    let definition: ColumnDefinition
    /// The rows of the stripe; the block's are `firstRow ..< firstRow + rowCount`.
    let vector: ColumnVector
    let firstRow: Int
    let rowCount: Int
    /// First rows of the block's customers, and the number of rows.
    let customerStarts: [UInt32]
    /// Strings in the part dictionary; nil where the codes are those of `pool`.
    let partDictionaryCount: Int?
    /// The rank by frequency of each code; nil where the block stores codes.
    let ranks: [UInt32]?
    let pool: StringPool?
    let relations: BlockRelations
    let effort: EncodingEffort

    func encode() -> EncodedBlock {
        let nullCount = countNulls()
        var block = EncodedBlock(bytes: [])
        block.statistics.nullCount = nullCount
        var content = ByteWriter()
        // Packed integers are as good as random to LZ4: trying them all gained 0.03 % of a part.
        var tryLZ4 = false
        if nullCount == rowCount {
            content.append(Validity.allNull)
            if definition.type.physical == .codes && partDictionaryCount == nil { unknownBounds(&block) }
        } else {
            let presentCount = rowCount - nullCount
            switch definition.type.physical {
            case .integers:
                withUnsafeTemporaryAllocation(of: Int64.self, capacity: rowCount) { values in
                    gather(vector.integers + firstRow, into: values.baseAddress!) { $0 }
                    describe(integers: values.baseAddress!, presentCount, &block.statistics)
                    if let lookedUp = encodeLookedUp(values.baseAddress!, nullCount) {
                        return take(lookedUp, &content, &block)
                    }
                    encodeIntegers(values.baseAddress!, presentCount, nullCount, &content, &block)
                }
            case .doubles:
                tryLZ4 = effort.thorough
                withUnsafeTemporaryAllocation(of: Double.self, capacity: rowCount) { values in
                    gather(vector.doubles + firstRow, into: values.baseAddress!) { $0 }
                    encodeValidity(nullCount, &content, &block)
                    DoubleStream.encode(values.baseAddress!, presentCount, into: &content, effort: effort)
                    describe(doubles: values.baseAddress!, presentCount, &block.statistics)
                }
            case .codes:
                tryLZ4 = partDictionaryCount == nil
                encodeCodes(presentCount, nullCount, &content, &block)
            }
        }
        block.bytes = BlockFrame.wrap(content.bytes, tryLZ4: tryLZ4, effort: effort)
        return block
    }

    private func countNulls() -> Int {
        guard vector.hasNulls else { return 0 }
        return rowCount - ValidityBits(words: vector.validity, firstRow: firstRow).presentCount(rowCount)
    }

    /// Copies the rows that hold a value, one behind the other.
    private func gather<Input, Output>(
        _ input: UnsafePointer<Input>, into output: UnsafeMutablePointer<Output>, _ convert: (Input) -> Output
    ) {
        if !vector.hasNulls {
            for i in 0..<rowCount { output[i] = convert(input[i]) }
            return
        }
        let bits = ValidityBits(words: vector.validity, firstRow: firstRow)
        var at = 0
        for row in stride(from: 0, to: rowCount, by: 64) {
            var word = bits.word(row, rowCount)
            while word != 0 {
                output[at] = convert(input[row + word.trailingZeroBitCount])
                at += 1
                word &= word &- 1
            }
        }
    }

    private func encodeValidity(_ nullCount: Int, _ content: inout ByteWriter, _ block: inout EncodedBlock) {
        if nullCount == 0 {
            content.append(Validity.noNulls)
        } else if let bitmap = relations.nullBitmap, hasSharedNulls {
            content.append(Validity.shared)
            block.sharedBitmap = bitmap
        } else {
            let bits = ValidityBits(words: vector.validity, firstRow: firstRow)
            Validity.encode(bits, rowCount, filled: false, into: &content, effort: effort)
        }
    }

    /// Whether the null rows are those of the shared pattern.
    private var hasSharedNulls: Bool {
        let words = relations.shared.validWords
        guard !words.isEmpty else { return false }
        let bits = ValidityBits(words: vector.validity, firstRow: firstRow)
        return words.indices.allSatisfy { words[$0] == bits.word($0 * 64, rowCount) }
    }

    /// `values`: those of the rows that hold one.
    private func encodeIntegers(
        _ values: UnsafePointer<Int64>, _ presentCount: Int, _ nullCount: Int, _ content: inout ByteWriter,
        _ block: inout EncodedBlock
    ) {
        if nullCount == 0, let related = encodeRelated(values), isCheap(related) {
            return take(related, &content, &block)
        }
        if nullCount == 0, let related = encodeRunDelta(values) { return take(related, &content, &block) }
        var plain = EncodedBlock(bytes: [])
        var best = ByteWriter()
        encodeValidity(nullCount, &best, &plain)
        let headByteCount = best.count
        IntegerStream.encode(values, presentCount, into: &best, effort: effort)
        if nullCount == 0 && definition.type.physical == .integers {
            let delta = CustomerDelta.encode(
                values, starts: customerStarts, customerCount: customerStarts.count - 1,
                byteCountToBeat: best.count - headByteCount, effort: effort)
            if let delta {
                best.bytes.removeSubrange(headByteCount...)
                best.append(delta.bytes)
                plain.needsCustomers = true
            }
        } else if nullCount > 0 && nullCount <= rowCount / 16 && plain.sharedBitmap == nil {
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: rowCount) { filled in
                fill(values, into: filled.baseAddress!)
                var candidate = ByteWriter()
                let bits = ValidityBits(words: vector.validity, firstRow: firstRow)
                Validity.encode(bits, rowCount, filled: true, into: &candidate, effort: effort)
                IntegerStream.encode(filled.baseAddress!, rowCount, into: &candidate, effort: effort)
                if candidate.count < best.count { best = candidate }
            }
        }
        plain.bytes = best.bytes
        if nullCount == 0, let related = encodeRelated(values), related.bytes.count < plain.bytes.count {
            plain = related
        }
        take(plain, &content, &block)
    }

    private func take(_ chosen: EncodedBlock, _ content: inout ByteWriter, _ block: inout EncodedBlock) {
        content.append(chosen.bytes)
        block.needsCustomers = chosen.needsCustomers
        block.sharedBitmap = chosen.sharedBitmap
        block.referenceColumn = chosen.referenceColumn
    }

    /// The first stripe has shown that the related form pays; where predictions get bad, the others are tried again.
    private func isCheap(_ related: EncodedBlock) -> Bool {
        related.referenceColumn == nil || related.bytes.count <= rowCount
    }

    /// As runs that are shared or with predictions from the time, or both; nil where the column has neither.
    private func encodeRelated(_ values: UnsafePointer<Int64>) -> EncodedBlock? {
        let starts = relations.runBitmap == nil ? [] : relations.shared.starts
        guard !starts.isEmpty || relations.timeModel != nil else { return nil }
        let count = starts.isEmpty ? rowCount : starts.count
        var block = EncodedBlock(bytes: [])
        var writer = ByteWriter()
        writer.append(Validity.noNulls)
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * count) { memory in
            let heads = memory.baseAddress!, times = heads + count
            let time = relations.times.integers + firstRow
            if starts.isEmpty {
                heads.update(from: values, count: count)
                times.update(from: time, count: count)
            } else {
                for i in 0..<count {
                    heads[i] = values[Int(starts[i])]
                    times[i] = time[Int(starts[i])]
                }
                writer.append(StreamTag.sharedRuns.rawValue)
                block.sharedBitmap = relations.runBitmap
            }
            if let model = relations.timeModel {
                model.addPredictions(times, count, to: heads, sign: -1)
                writer.append(StreamTag.predicted.rawValue)
                block.referenceColumn = relations.timeColumn
            }
            IntegerStream.encode(heads, count, into: &writer, effort: effort, depth: 1)
        }
        block.bytes = writer.bytes
        return block
    }

    /// Times as differences within runs and between them; nil where the column is not written so.
    private func encodeRunDelta(_ values: UnsafePointer<Int64>) -> EncodedBlock? {
        guard let bitmap = relations.timeRunBitmap, !relations.shared.starts.isEmpty,
            let delta = RunDelta.encode(
                values, runStarts: relations.shared.starts, customerStarts: customerStarts, effort: effort)
        else { return nil }
        var block = EncodedBlock(bytes: [])
        block.bytes = [Validity.noNulls] + delta.bytes
        block.needsCustomers = true
        block.sharedBitmap = bitmap
        return block
    }

    /// Percent of the rows that may be exceptions to a table.
    private static let exceptionPercentMax = 6

    /// As what a table holds for another column's values; nil where too many rows differ, or where the other column has
    /// other null rows.
    ///
    /// `values`: those of the rows that hold one.
    private func encodeLookedUp(_ values: UnsafePointer<Int64>, _ nullCount: Int) -> EncodedBlock? {
        guard let table = relations.table, let reference = relations.reference else { return nil }
        let bits = ValidityBits(words: vector.validity, firstRow: firstRow)
        let others = ValidityBits(words: reference.validity, firstRow: firstRow)
        if nullCount > 0 {
            guard reference.hasNulls else { return nil }
            for row in stride(from: 0, to: rowCount, by: 64)
            where bits.word(row, rowCount) != others.word(row, rowCount) { return nil }
        }
        var gaps: [Int64] = [], exceptions: [Int64] = []
        let exceptionMax = rowCount * ColumnBlockEncoder.exceptionPercentMax / 100
        let fits = withUnsafeTemporaryAllocation(of: Int64.self, capacity: rowCount) { memory in
            let held = memory.baseAddress!
            if reference.kind == .codes {
                table.lookUp(reference.codes + firstRow, nil, rowCount, into: held)
            } else {
                table.lookUp(reference.integers + firstRow, nil, rowCount, into: held)
            }
            let nullable = nullCount > 0
            var at = 0, previous = -1
            for row in 0..<rowCount {
                if nullable && !bits[row] { continue }
                if held[row] != values[at] {
                    gaps.append(Int64(row - previous - 1))
                    exceptions.append(values[at])
                    previous = row
                    if exceptions.count > exceptionMax { return false }
                }
                at += 1
            }
            return true
        }
        guard fits else { return nil }
        var writer = ByteWriter()
        writer.append(nullCount == 0 ? Validity.noNulls : Validity.reference)
        writer.append(StreamTag.lookedUp.rawValue)
        writer.appendVarint(exceptions.count)
        IntegerStream.encode(gaps, gaps.count, into: &writer, effort: effort, depth: 1)
        IntegerStream.encode(exceptions, exceptions.count, into: &writer, effort: effort, depth: 1)
        var block = EncodedBlock(bytes: writer.bytes)
        block.referenceColumn = relations.referenceColumn
        return block
    }

    /// Gives null rows the value before them, which costs the least.
    private func fill(_ values: UnsafePointer<Int64>, into filled: UnsafeMutablePointer<Int64>) {
        var at = 0
        for row in 0..<rowCount {
            let present = vector.isValid(firstRow + row)
            filled[row] = present ? values[at] : values[max(at - 1, 0)]
            at += present ? 1 : 0
        }
    }

    private func encodeCodes(
        _ presentCount: Int, _ nullCount: Int, _ content: inout ByteWriter, _ block: inout EncodedBlock
    ) {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: rowCount) { memory in
            let values = memory.baseAddress!
            if let pool {
                let dictionary = withUnsafeTemporaryAllocation(of: UInt32.self, capacity: rowCount) { codes in
                    gather(vector.codes + firstRow, into: codes.baseAddress!) { $0 }
                    return pool.sortedDictionary(codes.baseAddress!, presentCount, indices: values)
                }
                encodeValidity(nullCount, &content, &block)
                content.appendVarint(dictionary.count)
                StringList.encode(dictionary, into: &content, effort: effort)
                IntegerStream.encode(values, presentCount, into: &content, effort: effort)
                unknownBounds(&block)
            } else {
                gather(vector.codes + firstRow, into: values) { Int64($0) }
                describe(integers: values, presentCount, &block.statistics)
                block.statistics.sum = nil
                if let partDictionaryCount, partDictionaryCount <= 64 {
                    var presence: UInt64 = 0
                    for i in 0..<presentCount { presence |= 1 << UInt64(values[i]) }
                    block.statistics.codePresence = presence
                }
                if let lookedUp = encodeLookedUp(values, nullCount) { return take(lookedUp, &content, &block) }
                if let ranks {
                    for i in 0..<presentCount { values[i] = Int64(ranks[Int(values[i])]) }
                    block.storesRanks = true
                }
                encodeIntegers(values, presentCount, nullCount, &content, &block)
            }
        }
    }

    private func unknownBounds(_ block: inout EncodedBlock) {
        block.statistics.minimum = .min
        block.statistics.maximum = .max
    }

    private func describe(integers values: UnsafePointer<Int64>, _ count: Int, _ statistics: inout BlockStatistics) {
        var minimum = values[0], maximum = values[0]
        for i in 1..<max(count, 1) {
            minimum = min(minimum, values[i])
            maximum = max(maximum, values[i])
        }
        statistics.minimum = minimum
        statistics.maximum = maximum
        switch definition.type {
        case .timestamp, .double, .string: return
        case .bool, .int, .decimal, .date: break
        }
        // Up to 2^16 rows of less than 2^46 do not overflow 64 bits.
        let bound = Int64(1) << 46
        if minimum > -bound && maximum < bound {
            var sum: Int64 = 0
            for i in 0..<count { sum &+= values[i] }
            statistics.sum = Int128(sum)
        } else {
            var sum: Int128 = 0
            for i in 0..<count { sum += Int128(values[i]) }
            statistics.sum = sum
        }
    }

    private func describe(doubles values: UnsafePointer<Double>, _ count: Int, _ statistics: inout BlockStatistics) {
        for i in 0..<count {
            if values[i].isNaN {
                statistics.containsNaN = true
            } else {
                statistics.minimumDouble = min(statistics.minimumDouble, values[i])
                statistics.maximumDouble = max(statistics.maximumDouble, values[i])
            }
        }
    }
}
