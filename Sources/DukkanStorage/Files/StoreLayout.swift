/// The names of a store's files.
///
/// They hold numbers only: no table or column name ever becomes part of a path.
///
/// ```
/// MANIFEST-00000042        one generation
/// MANIFEST-00000043.tmp    the next one, not published yet
/// LOCK                     held by the writer
/// COPY-90ab12cd34ef5678    what the store remembers of a copy of it; the number is made from the copy's path
/// parts/t3-00000017.part   file 17, rows of table 3
/// parts/d3-00000018.del    file 18, deleted rows of table 3
/// ```
package enum StoreLayout {
    package static let lockName = "LOCK"
    package static let partsName = "parts"
    /// Digits that a number in a name has at least.
    static let digitCount = 8

    package static func manifestName(_ generation: UInt64) -> String { "MANIFEST-" + padded(generation) }
    package static func temporaryManifestName(_ generation: UInt64) -> String {
        manifestName(generation) + temporarySuffix
    }
    package static func partName(table: Int, file: UInt64) -> String { "t\(table)-" + padded(file) + ".part" }
    package static func deletionName(table: Int, file: UInt64) -> String { "d\(table)-" + padded(file) + ".del" }

    /// The generation of a manifest's name; nil for every other name.
    package static func generation(ofManifest name: String) -> UInt64? {
        guard name.hasPrefix("MANIFEST-") else { return nil }
        let digits = name.dropFirst("MANIFEST-".count)
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(digits) else { return nil }
        // Only the form that is written counts, so that no second spelling of a number exists.
        return manifestName(number) == name ? number : nil
    }

    /// Whether a name in the store's directory is one that a writer leaves behind when it ends before its commit.
    static func isTemporaryManifest(_ name: String) -> Bool {
        name.hasPrefix("MANIFEST-") && name.hasSuffix(temporarySuffix)
    }

    static let temporarySuffix = ".tmp"

    /// The name of the record of a copy: a number made from its path.
    static func copyRecordName(_ path: String) -> String {
        let bytes = Array(path.utf8)
        let digits = String(bytes.withUnsafeBufferPointer { StringInterner.hash($0) }, radix: 16)
        return "COPY-" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// Whether a name has the form of a record of a copy.
    static func isCopyRecord(_ name: String) -> Bool {
        name.hasPrefix("COPY-") && name.utf8.count == 21
            && name.utf8.dropFirst(5).allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Whether a name is that of a record of a copy that a backup is writing.
    static func isTemporaryCopyRecord(_ name: String) -> Bool {
        name.hasSuffix(temporarySuffix) && isCopyRecord(String(name.dropLast(temporarySuffix.count)))
    }

    /// Whether a name in a store's directory is that of a file or directory of the store, of whatever generation.
    static func isKnown(_ name: String) -> Bool {
        name == lockName || name == partsName || generation(ofManifest: name) != nil || isTemporaryManifest(name)
            || isCopyRecord(name) || isTemporaryCopyRecord(name)
    }

    /// Whether a name in the directory of parts has the form of a part or of a deletion file.
    static func isPartsFile(_ name: String) -> Bool {
        (name.hasPrefix("t") && name.hasSuffix(".part")) || (name.hasPrefix("d") && name.hasSuffix(".del"))
    }

    /// The table and the file number in the name of a part; nil for every other name.
    static func partNumbers(_ name: String) -> (table: Int, file: UInt64)? { numbers(name, "t", ".part") }

    /// The table and the file number in the name of a deletion file; nil for every other name.
    static func deletionNumbers(_ name: String) -> (table: Int, file: UInt64)? { numbers(name, "d", ".del") }

    private static func numbers(_ name: String, _ prefix: String, _ suffix: String) -> (table: Int, file: UInt64)? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let numbers = name.dropFirst(prefix.count).dropLast(suffix.count)
            .split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard numbers.count == 2, let table = Int(numbers[0]), table > 0, let file = UInt64(numbers[1]),
            name == "\(prefix)\(table)-\(padded(file))\(suffix)"
        else { return nil }
        return (table, file)
    }

    private static func padded(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, digitCount - digits.utf8.count)) + digits
    }
}

extension String {
    /// This path with a name behind it.
    func appending(name: String) -> String { hasSuffix("/") ? self + name : self + "/" + name }

    /// The directory that this path's last name is in.
    var parentPath: String {
        var trimmed = self[...]
        while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }
}
