#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The directory of TZif files: `TZDIR`, or the places where systems keep it.
enum ZoneDatabase {
    static let fileBytesMax = 1 << 20
    static let nameLengthMax = 255
    /// Most names looked at for suggestions.
    static let nameCountMax = 5_000

    private static let usualDirectories = [
        "/usr/share/zoneinfo", "/var/db/timezone/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo",
    ]

    /// The first directory that exists.
    static func directory() -> String? {
        if let named = getenv("TZDIR") {
            let path = String(cString: named)
            if !path.isEmpty { return path }
        }
        return usualDirectories.first { access($0, R_OK | X_OK) == 0 }
    }

    /// Whether a name can only lead to a file inside the directory.
    static func isSafe(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= nameLengthMax else { return false }
        return name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return false }
            return part.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) || $0 &- 48 < 10
                    || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
            }
        }
    }

    /// The bytes of a zone's file.
    static func read(_ name: String) throws(TimeZoneError) -> [UInt8] {
        guard let directory = directory() else {
            throw TimeZoneError(
                "time zone \(name): no zone database on this system; install tzdata or set TZDIR", suggestions: [])
        }
        guard isSafe(name), let bytes = contents(directory + "/" + name) else {
            throw TimeZoneError("no time zone is called \(name)", suggestions: suggestions(for: name, in: directory))
        }
        return bytes
    }

    /// Contents of a regular TZif file, nil for anything else.
    private static func contents(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size >= 44, Int(status.st_size) <= fileBytesMax
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + filled, $0.count - filled, off_t(filled))
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { return nil }
            filled += got
        }
        return bytes.starts(with: "TZif".utf8) ? bytes : nil
    }

    /// The names nearest to one that does not exist; `Cairo` finds `Africa/Cairo`.
    static func suggestions(for name: String, in directory: String) -> [String] {
        let all = names(in: directory)
        let city = "/" + name.lowercased()
        let sameCity = all.filter { $0.utf8.count >= city.utf8.count && $0.lowercased().hasSuffix(city) }
        let near = NearName.nearest(to: name, among: all, countMax: 3)
        return Array((sameCity.sorted() + near.filter { !sameCity.contains($0) }).prefix(3))
    }

    /// All zone names, sorted.
    static func names(in directory: String) -> [String] {
        var found: [String] = []
        func walk(_ prefix: String, depth: Int) {
            guard depth < 4, let handle = opendir(prefix.isEmpty ? directory : directory + "/" + prefix) else { return }
            defer { closedir(handle) }
            while let entry = readdir(handle), found.count < nameCountMax {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard isSafe(name), name != "posix", name != "right" else { continue }
                let path = prefix.isEmpty ? name : prefix + "/" + name
                let kind = Int(entry.pointee.d_type)
                var status = stat()
                // The kind of a link, and on some file systems of any entry, does not stand beside its name.
                if kind != Int(DT_REG), kind != Int(DT_DIR), stat(directory + "/" + path, &status) != 0 { continue }
                if kind == Int(DT_DIR) || status.st_mode & S_IFMT == S_IFDIR {
                    walk(path, depth: depth + 1)
                } else if name.utf8.first.map({ $0 >= 65 && $0 <= 90 }) == true {
                    // Zones begin with a capital letter; tables and notes beside them do not.
                    found.append(path)
                }
            }
        }
        walk("", depth: 0)
        return found.sorted()
    }
}
