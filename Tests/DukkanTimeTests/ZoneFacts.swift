@testable import DukkanTime

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What Python's zoneinfo says about zones whose files are checked in with the answers.
struct ZoneFacts {
    var zones: [String: TimeZoneRules] = [:]
    var files: [String: [UInt8]] = [:]
    var offsets: [(zone: String, at: Int64, east: Int64)] = []
    var locals: [(zone: String, local: Int64, utc: Int64)] = []

    init() throws {
        let path = #filePath.replacing("DukkanTimeTests/ZoneFacts.swift", with: "Fixtures/DukkanTime/zone_facts.txt")
        for line in try ZoneFacts.text(path).split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            switch fields[0] {
            case "zone":
                let bytes = ZoneFacts.base64(fields[2])
                guard let parsed = ZoneFile(parsing: bytes) else { throw TimeZoneError(fields[1], suggestions: []) }
                files[fields[1]] = bytes
                zones[fields[1]] = TimeZoneRules(name: fields[1], file: parsed)
            case "offset":
                offsets.append((fields[1], Int64(fields[2]) ?? 0, Int64(fields[3]) ?? 0))
            default:
                locals.append((fields[1], Int64(fields[2]) ?? 0, Int64(fields[3]) ?? 0))
            }
        }
    }

    private static func text(_ path: String) throws -> String {
        guard let file = fopen(path, "r") else { throw TimeZoneError("cannot read \(path)", suggestions: []) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func base64(_ text: String) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bytes: [UInt8] = []
        var bits: UInt32 = 0, held = 0
        for character in text.utf8 where character != UInt8(ascii: "=") {
            bits = bits << 6 | UInt32(alphabet.firstIndex(of: character) ?? 0)
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        return bytes
    }
}
