import DukkanFormat

/// Makes a part file of one row block from pieces: a footer and an outline that are right, and blocks that may be anything.
///
/// Sizes in the footer follow the pieces, so that a fuzzer may lengthen and shorten a block without breaking the file.
struct PartAssembly {
    private var out: [UInt8] = []
    /// The finished file; its checksums are not right.
    var file: [UInt8] { out }

    /// What the first bytes choose.
    private struct Choices {
        var type: UInt8
        var version: UInt8
        var isOfVersion1: Bool { version == 1 }
        var hasOutline: Bool { version >= 4 }
        var hasStringCustomers: Bool
        var hasDictionary: Bool
        var hasModel: Bool
        var hasBitmap: Bool
        var rowCount: Int
        var customerCount: Int
        var nullCount: Int
        var flags: UInt8
        var timeFlags: UInt8
        var dictionaryCount: Int
        var reference: UInt8

        init(_ input: inout FuzzInput) {
            let first = input.choice(), second = input.choice()
            type = first % 7
            version = first & 0x80 != 0 ? 1 : second & 32 != 0 ? 4 : second & 16 != 0 ? 3 : 2
            hasStringCustomers = second & 1 != 0
            hasDictionary = second & 2 != 0 && type == 6
            hasModel = second & 4 != 0 && version > 1
            hasBitmap = second & 8 != 0 && version > 1
            rowCount = 1 + input.number() % 4_096
            customerCount = 1 + input.number() % rowCount
            nullCount = input.number() % (rowCount + 1)
            flags = input.choice()
            timeFlags = input.choice()
            dictionaryCount = input.number()
            reference = input.choice()
        }
    }

    /// Order of the pieces: customers, shared bitmap, times, values, dictionary, model, keys of the footer.
    init(_ input: inout FuzzInput) {
        let choices = Choices(&input)
        var pieces = input.pieces()
        while pieces.count < 7 { pieces.append([]) }
        out = [UInt8](repeating: 0, count: PartFooter.headerByteCount)
        out[8] = choices.version
        let isPresent = [true, choices.hasBitmap, true, true, choices.hasDictionary, choices.hasModel]
        var blocks: [[UInt8]] = []
        for (piece, isPresent) in zip(pieces, isPresent) {
            // A frame and a checksum are the least.
            blocks.append(isPresent ? (piece.isEmpty ? [0] : piece) + [0, 0, 0, 0] : [])
        }
        let sizes = blocks.map(\.count)
        if choices.hasOutline {
            // Dictionary and model stand at the front.
            out += blocks[4...].joined()
            appendOutline(choices, sizes, keys: pieces[6])
            blocks.removeLast(2)
        }
        out += blocks.joined()
        let start = out.count
        appendFooter(choices, sizes, keys: pieces[6])
        let size = out.count - start
        // The copy of the footer stands before it.
        if choices.version == 3 { out += out[start...] }
        for shift in [0, 8, 16, 24] { out.append(UInt8(truncatingIfNeeded: size >> shift)) }
        out += [choices.version, 0, 0, 0] + [UInt8](repeating: 0, count: 12)
    }

    /// Bytes of the outline.
    private var outlineByteCount = 0

    private mutating func appendOutline(_ choices: Choices, _ sizes: [Int], keys: [UInt8]) {
        let start = out.count
        // Identifier and size, which are made right afterwards, no rows and no row blocks before.
        out += [UInt8](repeating: 0, count: 22)
        appendCounts(choices, sizes, keys: keys)
        appendBlocks(choices, sizes)
        outlineByteCount = out.count - start
        for i in 0..<4 { out[start + 16 + i] = UInt8(truncatingIfNeeded: outlineByteCount >> (8 * i)) }
        HostilePart.name(&out, at: start)
    }

    private mutating func appendFooter(_ choices: Choices, _ sizes: [Int], keys: [UInt8]) {
        out += [UInt8](repeating: 0, count: 16)
        appendCounts(choices, sizes, keys: keys)
        out += [1, 1]
        if choices.hasOutline { append(outlineByteCount) }
        appendBlocks(choices, sizes)
    }

    private mutating func appendCounts(_ choices: Choices, _ sizes: [Int], keys: [UInt8]) {
        append(choices.rowCount)
        append(choices.customerCount)
        append(3)
        appendColumn("c", choices.hasStringCustomers ? 6 : 1, role: 1)
        appendColumn("t", 4, role: 2)
        out += [1, UInt8(ascii: "v"), choices.type]
        if choices.type == 2 { out.append(2) }
        out += [0, (choices.hasDictionary ? 1 : 0) | (choices.hasModel ? 2 : 0)]
        if choices.hasDictionary {
            append(choices.dictionaryCount)
            append(sizes[4])
        }
        if choices.hasModel { append(sizes[5]) }
        if !choices.isOfVersion1 { append(choices.hasBitmap ? 1 : 0) }
        append(1)
        append(choices.rowCount)
        append(choices.customerCount)
        out.append(0)
        append(sizes[0])
        if choices.hasBitmap { append(sizes[1]) }
        out += keys
    }

    private mutating func appendBlocks(_ choices: Choices, _ sizes: [Int]) {
        appendBlock(sizes[2], choices.timeFlags & 1, nullCount: 0, choices, isTime: true)
        appendBlock(sizes[3], choices.flags, nullCount: choices.nullCount, choices, isTime: false)
        out += [0, 0, 0, 0]
    }

    private mutating func appendColumn(_ name: Character, _ type: UInt8, role: UInt8) {
        out += [1, name.asciiValue ?? 0x78, type, role, 0]
    }

    private mutating func appendBlock(
        _ byteCount: Int, _ flags: UInt8, nullCount: Int, _ choices: Choices, isTime: Bool
    ) {
        append(byteCount)
        // No statistics: reading does not need them. Ranks need a dictionary, the rest needs version 2.
        var kept = flags & (choices.isOfVersion1 ? 0x21 : 0xE1)
        if !choices.hasDictionary || isTime { kept &= ~0x20 }
        if isTime {
            kept &= 1
            if choices.hasBitmap && choices.timeFlags & 2 != 0 { kept |= 0x40 }
        }
        out.append(kept)
        append(nullCount)
        if kept & 0x40 != 0 { append(0) }
        if kept & 0x80 != 0 { append(Int(choices.reference % 3)) }
    }

    private mutating func append(_ value: Int) {
        var rest = UInt64(value)
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(rest))
    }
}
