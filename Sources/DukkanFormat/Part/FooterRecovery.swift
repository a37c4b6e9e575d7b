import CDukkanKernels

/// Reads the footer of a damaged part from what is left of it and of its copy.
///
/// Nothing is believed that a checksum does not confirm: that of the footer, of the copy, of the two put together, or of
/// either with one bit changed. Such a footer still says nothing of values: every block has a checksum of its own.
package struct FooterRecovery {
    /// The last bytes before the trailer, at least as many as the footer and its copy have.
    private let bytes: UnsafeRawBufferPointer
    /// Where in the file the trailer begins, and the bytes end.
    private let end: Int
    private let version: UInt32
    private let identifier: PartIdentifier

    /// Cuts at which the begin of one is tried with the end of the other.
    private static let cutCount = 16
    /// Largest footer in which a wrong bit is looked for, which takes a nanosecond for each bit.
    private static let correctedByteCountMax = 1 << 24

    /// - Parameters:
    ///   - bytes: the last bytes before the trailer.
    ///   - end: where in the file they end.
    ///   - version: that of the part.
    ///   - identifier: that of the part.
    package init(bytes: UnsafeRawBufferPointer, end: Int, version: UInt32, identifier: PartIdentifier) {
        self.bytes = bytes
        self.end = end
        self.version = version
        self.identifier = identifier
    }

    /// How much is tried; each does what those before it do, too.
    package enum Effort: Comparable, Sendable {
        /// The footer and its copy as they are. O(bytes).
        case whole
        /// The begin of one with the end of the other. O(bytes x cuts).
        case spliced
        /// Either of them with one bit changed. O(bits).
        case corrected
    }

    /// The footer, of which nothing but its size is known; nil where too much of it is damaged.
    ///
    /// - Parameters:
    ///   - byteCount: size of the footer, its checksum included.
    ///   - effort: what is tried.
    package func footer(byteCount: Int, effort: Effort = .corrected) -> PartFooter? {
        let copyCount = PartFooter.copyCount(ofVersion: version)
        guard byteCount > PartChecksum.byteCount, copyCount * byteCount <= bytes.count,
            copyCount * byteCount <= end - PartFooter.headerByteCount
        else { return nil }
        let copies = (0..<copyCount).map { copy in
            let start = bytes.count - (copy + 1) * byteCount
            return UnsafeRawBufferPointer(rebasing: bytes[start..<start + byteCount])
        }
        let offsets = copies.indices.map { end - ($0 + 1) * byteCount }
        for (copy, offset) in zip(copies, offsets) {
            if let footer = footer(verifying: copy, at: offset) { return footer }
        }
        if copies.count == 2 && effort >= .spliced {
            for (head, tail) in [(1, 0), (0, 1)] {
                if let footer = spliced(copies[head], copies[tail], at: offsets[tail]) { return footer }
            }
        }
        for (copy, offset) in zip(copies, offsets) where effort >= .corrected {
            if let footer = corrected(copy, at: offset) { return footer }
        }
        return nil
    }

    private func footer(verifying copy: UnsafeRawBufferPointer, at offset: Int) -> PartFooter? {
        guard let content = try? PartChecksum(identifier).verified(offset: offset, copy) else { return nil }
        return try? PartFooter(content: content, version: version, end: end, identifier: identifier)
    }

    /// The begin of one and the end of the other, which stands at `offset`: damage that reaches over the border between the
    /// two leaves these.
    private func spliced(
        _ head: UnsafeRawBufferPointer, _ tail: UnsafeRawBufferPointer, at offset: Int
    ) -> PartFooter? {
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: tail.count, alignment: 8)
        defer { whole.deallocate() }
        whole.copyMemory(from: tail)
        for cut in 1..<FooterRecovery.cutCount {
            let byteCount = tail.count * cut / FooterRecovery.cutCount
            whole.copyMemory(from: UnsafeRawBufferPointer(rebasing: head[..<byteCount]))
            if let footer = footer(verifying: UnsafeRawBufferPointer(whole), at: offset) { return footer }
        }
        return nil
    }

    /// One with the bit changed that makes its checksum right, if there is such a bit.
    private func corrected(_ copy: UnsafeRawBufferPointer, at offset: Int) -> PartFooter? {
        guard copy.count <= FooterRecovery.correctedByteCountMax,
            let content = try? PartChecksum.content(copy)
        else { return nil }
        let stored = UInt32(littleEndian: copy.loadUnaligned(fromByteOffset: content.count, as: UInt32.self))
        let difference = stored ^ PartChecksum(identifier)(offset: offset, content)
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 8)
        defer { whole.deallocate() }
        whole.copyMemory(from: content)
        // The bit that is wrong may be one of the checksum itself.
        if difference.nonzeroBitCount != 1 {
            guard let bit = PartChecksum.wrongBit(difference: difference, byteCount: content.count) else { return nil }
            whole[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        return try? PartFooter(
            content: UnsafeRawBufferPointer(whole), version: version, end: end, identifier: identifier)
    }
}

extension PartFooter {
    /// Copies of the footer that a part has, itself counted.
    ///
    /// Version 3 has two; the outlines of version 4 are all but a second one, spread over the file.
    static func copyCount(ofVersion version: UInt32) -> Int { version == 3 ? 2 : 1 }

    /// Checks the copy of the footer, which reading never needs.
    ///
    /// Throws `corrupt` where its checksum does not hold, or where it holds and the copy says something else than the footer.
    /// - Parameter bytes: those of ``copyPlace``, and those of the footer, which follow.
    package func checkCopy(_ bytes: UnsafeRawBufferPointer) throws {
        guard let copyPlace, bytes.count == 2 * copyPlace.byteCount else { throw corrupt("a part without a copy") }
        let checksum = PartChecksum(identifier)
        let content: UnsafeRawBufferPointer
        do throws(DukkanError) {
            content = try checksum.verified(
                offset: copyPlace.offset, UnsafeRawBufferPointer(rebasing: bytes[..<copyPlace.byteCount]))
        } catch {
            var error = error
            error.message = "the copy of the footer is damaged: " + error.message
            throw error
        }
        let footerOffset = copyPlace.offset + copyPlace.byteCount
        let footer = UnsafeRawBufferPointer(rebasing: bytes[copyPlace.byteCount...])
        if let own = try? checksum.verified(offset: footerOffset, footer), !own.elementsEqual(content) {
            throw DukkanError(
                .corrupt, "the footer and its copy differ", place: .init(offset: copyPlace.offset))
        }
    }
}
