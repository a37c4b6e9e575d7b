import DukkanFormat

/// Reads a part file whose checksums are made right first, so that what stands behind them is reached.
///
/// The first byte chooses: the rest is a file, or the pieces from which ``PartAssembly`` makes one.
enum PartTarget {
    /// Largest file that is read.
    static let byteCountMax = 1 << 20

    static func run(_ input: FuzzInput) throws {
        var input = input
        let choices = input.choice()
        var file: [UInt8]
        if choices & 1 == 0 {
            file = Array(input.rest)
        } else {
            file = PartAssembly(&input).file
        }
        guard file.count <= byteCountMax else { return }
        if choices & 2 == 0 { HostilePart.repairEnds(&file) }
        let part = HostilePart(file)
        if choices & 4 != 0 { part.recoverFooter() }
        if let outlined = part.outlinedFooter() {
            try PartReading(part: part, footer: outlined, seed: UInt64(choices)).run()
        }
        guard let footer = try answer({ try part.footer() }) else { return }
        try PartReading(part: part, footer: footer, seed: UInt64(choices)).run()
    }
}

/// The bytes of a part file that may be anything.
struct HostilePart {
    static let identifier = PartIdentifier(high: 0x6475_6B6B_616E_2031, low: 0x6675_7A7A_696E_6720)
    private static let headMagic = Array("DUKKANPT".utf8)
    private static let tailMagic = Array("DUKKANPE".utf8)

    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Makes magic, identifier and checksums of header, footer and trailer right, wherever they are.
    static func repairEnds(_ file: inout [UInt8]) {
        let head = PartFooter.headerByteCount, tail = PartFooter.trailerByteCount
        guard file.count >= head + tail else { return }
        file.replaceSubrange(0..<8, with: headMagic)
        name(&file, at: 12)
        repair(&file, 0..<head, identifier)
        let end = file.count - tail
        file.replaceSubrange(end + 12..<end + 20, with: tailMagic)
        repair(&file, end..<end + 12, PartIdentifier(high: 0, low: 0))
        let size = (0..<4).reduce(0) { $0 | Int(file[end + $1]) << (8 * $1) }
        guard size >= 20, size <= end - head else { return }
        name(&file, at: end - size)
        repair(&file, end - size..<end, identifier)
    }

    /// Writes the part's identifier into a file.
    static func name(_ file: inout [UInt8], at place: Int) {
        var names = (identifier.high.littleEndian, identifier.low.littleEndian)
        withUnsafeBytes(of: &names) { file.replaceSubrange(place..<place + 16, with: $0) }
    }

    /// Makes the checksum right that a region ends with.
    private static func repair(_ file: inout [UInt8], _ region: Range<Int>, _ identifier: PartIdentifier) {
        let checksum = file.withUnsafeBytes {
            PartChecksum(identifier)(
                offset: region.lowerBound, UnsafeRawBufferPointer(rebasing: $0[region.dropLast(4)]))
        }
        withUnsafeBytes(of: checksum.littleEndian) { file.replaceSubrange(region.suffix(4), with: $0) }
    }

    func footer() throws -> PartFooter {
        try bytes.withUnsafeBytes { all in
            try PartFooter.checkHeader(
                UnsafeRawBufferPointer(rebasing: all.prefix(PartFooter.headerByteCount)),
                identifier: HostilePart.identifier)
            let trailer = UnsafeRawBufferPointer(rebasing: all.suffix(PartFooter.trailerByteCount))
            let place = try PartFooter.place(trailer: trailer, fileByteCount: all.count)
            return try PartFooter(
                parsing: UnsafeRawBufferPointer(rebasing: all[place.range]), version: place.version,
                fileByteCount: all.count, identifier: HostilePart.identifier)
        }
    }

    /// Makes a footer out as in a damaged part, whatever the size and the version that the last bytes tell.
    func recoverFooter() {
        guard bytes.count >= PartFooter.headerByteCount + PartFooter.trailerByteCount else { return }
        let end = bytes.count - PartFooter.trailerByteCount
        let size = Int(bytes[end]) | Int(bytes[end + 1]) << 8
        bytes.withUnsafeBytes { all in
            _ = FooterRecovery(
                bytes: UnsafeRawBufferPointer(rebasing: all[..<end]), end: end,
                version: UInt32(1 + bytes[end + 4] % 4), identifier: HostilePart.identifier
            ).footer(byteCount: size)
        }
    }

    /// What the outlines tell that stand where the part's identifier does, their checksums made right; nil if there are none,
    /// or if the file ends before blocks that they tell of.
    func outlinedFooter() -> PartFooter? {
        var outlines: [PartOutline] = []
        var place = PartFooter.headerByteCount
        while place + PartOutline.headByteCount <= bytes.count, outlines.count < 64 {
            if let outline = outline(at: place) {
                outlines.append(outline)
                place = outline.end
            } else {
                place += 1
            }
        }
        guard let footer = PartFooter(joining: outlines), outlines.allSatisfy({ $0.end <= bytes.count }) else {
            return nil
        }
        return footer
    }

    private func outline(at place: Int) -> PartOutline? {
        let byteCount = bytes.withUnsafeBytes {
            PartOutline.byteCount(
                head: UnsafeRawBufferPointer(rebasing: $0[place..<place + PartOutline.headByteCount]),
                identifier: HostilePart.identifier)
        }
        guard let byteCount, byteCount <= bytes.count - place else { return nil }
        return try? withBlock(.init(offset: place, byteCount: byteCount)) {
            try PartOutline(
                parsing: $0, offset: place, version: PartLimits.version, identifier: HostilePart.identifier)
        }
    }

    /// Lends a block with a right checksum, in memory of its own, so that the sanitizer sees each read past its end.
    func withBlock<Result>(
        _ location: PartFooter.BlockLocation, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: location.byteCount, alignment: 1)
        defer { copy.deallocate() }
        bytes.withUnsafeBytes {
            copy.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: $0[location.offset..<location.offset + location.byteCount]))
        }
        let content = UnsafeRawBufferPointer(rebasing: copy.dropLast(4))
        let checksum = PartChecksum(HostilePart.identifier)(offset: location.offset, content)
        copy.storeBytes(of: checksum.littleEndian, toByteOffset: content.count, as: UInt32.self)
        return try body(UnsafeRawBufferPointer(copy))
    }
}
