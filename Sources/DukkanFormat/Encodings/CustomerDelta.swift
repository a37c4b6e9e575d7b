import CDukkanKernels

/// Differences between rows of one customer: times rise slowly within a customer and jump at its border, so no
/// difference crosses one.
///
/// Form: tag, multiplier, stream of the customers' first values, stream of the other rows' differences divided by the
/// multiplier.
enum CustomerDelta {
    /// The form's bytes; nil where they would not be fewer than `byteCountToBeat`.
    static func encode(
        _ values: UnsafePointer<Int64>, starts: UnsafePointer<UInt32>, customerCount: Int, byteCountToBeat: Int,
        effort: EncodingEffort
    ) -> ByteWriter? {
        let rowCount = Int(starts[customerCount])
        guard rowCount > customerCount else { return nil }
        return withUnsafeTemporaryAllocation(of: Int64.self, capacity: rowCount) { memory in
            let firsts = memory.baseAddress!, differences = firsts + customerCount
            var out = differences
            for customer in 0..<customerCount {
                let start = Int(starts[customer]), end = Int(starts[customer + 1])
                firsts[customer] = values[start]
                for row in start + 1..<max(end, start + 1) {
                    out.pointee = values[row] &- values[row - 1]
                    out += 1
                }
            }
            let differenceCount = rowCount - customerCount
            let multiplier = IntegerProfile.commonDivisor(differences, differenceCount, 0)
            if multiplier > 1 {
                // A negative difference has no quotient modulo 2^64, unless the division is signed.
                guard let signed = Int64(exactly: multiplier) else { return nil }
                for i in 0..<differenceCount {
                    let (quotient, rest) = differences[i].quotientAndRemainder(dividingBy: signed)
                    guard rest == 0 else { return nil }
                    differences[i] = quotient
                }
            }
            let estimate = PackedEncoding.plan(differences, differenceCount).byteCount
            let runs = IntegerProfile(differences, differenceCount).runCount
            guard estimate < byteCountToBeat || runs * 2 < differenceCount else { return nil }
            var writer = ByteWriter()
            writer.append(StreamTag.customerDelta.rawValue)
            writer.appendVarint(multiplier)
            IntegerStream.encode(firsts, customerCount, into: &writer, effort: effort, depth: 1)
            IntegerStream.encode(differences, differenceCount, into: &writer, effort: effort, depth: 1)
            return writer.count < byteCountToBeat ? writer : nil
        }
    }

    /// Reads the form behind its tag.
    static func decode(
        _ reader: inout ByteReader, customers: CustomerBlock, into out: UnsafeMutablePointer<Int64>,
        scratch: ScratchArena
    ) throws(DukkanError) {
        let multiplier = try reader.varint()
        let firsts = scratch.allocate(Int64.self, customers.count)
        let differenceCount = customers.rowCount - customers.count
        let differences = scratch.allocate(Int64.self, differenceCount)
        try IntegerStream.decode(&reader, customers.count, into: firsts, scratch: scratch, depth: 1)
        try IntegerStream.decode(&reader, differenceCount, into: differences, scratch: scratch, depth: 1)
        dukkan_customer_values(differences, firsts, customers.startBits, customers.rowCount, multiplier, out)
    }
}
