import DukkanFormat

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Files of the package, found from the place of this source.
enum ProjectFile {
    private static var root: String {
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
    }

    /// The text of a file, by its path within the package.
    static func text(_ path: String) throws -> String {
        let whole = root + "/" + path
        guard let file = fopen(whole, "rb") else { throw DukkanError(.notFound, "cannot read \(whole)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a file, by its path within the package.
    static func write(_ text: String, to path: String) throws {
        guard let file = fopen(root + "/" + path, "wb") else { throw DukkanError(.inputOutput, "cannot write \(path)") }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        if fwrite(bytes, 1, bytes.count, file) != bytes.count {
            throw DukkanError(.inputOutput, "cannot write \(path)")
        }
    }
}
