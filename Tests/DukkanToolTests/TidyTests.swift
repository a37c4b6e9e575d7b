import Foundation
import Testing

/// Rules of the house over the package's own files.
struct TidyTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().standardizedFileURL

    private static let lineCountMax = 600
    /// Swift files that may be longer, each with its reason.
    private static let longFiles: [String: String] = [:]

    private static let textSuffixes = ["swift", "md", "sh", "py", "c", "h", "modulemap", "dukkan"]

    /// Files of the package by path, without build products.
    static let files: [(path: String, text: String)] = {
        var found: [(String, String)] = []
        let top = (try? FileManager.default.contentsOfDirectory(atPath: root.path())) ?? []
        for name in top where !name.hasPrefix(".") || name == ".ci" || name == ".swift-format" {
            let place = root.appending(path: name)
            let inner = FileManager.default.enumerator(atPath: place.path())?.compactMap { $0 as? String } ?? []
            for path in inner.isEmpty ? [name] : inner.map({ "\(name)/\($0)" }) {
                let parts = path.split(separator: "/")
                guard !parts.contains(where: { $0.hasPrefix(".build") }), isText(path),
                    let data = FileManager.default.contents(atPath: root.appending(path: path).path()),
                    let text = String(data: data, encoding: .utf8)
                else { continue }
                found.append((path, text))
            }
        }
        return found.sorted { $0.0 < $1.0 }
    }()

    private static func isText(_ path: String) -> Bool {
        guard let name = path.split(separator: "/").last else { return false }
        if path.hasPrefix("tools/") && !name.contains(".") { return true }
        return path == ".ci/run" || textSuffixes.contains { name.hasSuffix("." + $0) }
    }

    private func offences(_ suffixes: [String] = [], _ isOffence: (String, Substring) -> Bool) -> [String] {
        var found: [String] = []
        for file in TidyTests.files where suffixes.isEmpty || suffixes.contains(where: { file.path.hasSuffix($0) }) {
            for (number, line) in file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            where isOffence(file.path, line) {
                found.append("\(file.path):\(number + 1): \(line)")
            }
        }
        return found
    }

    @Test func `the tree is found`() {
        #expect(TidyTests.files.count > 50)
        #expect(TidyTests.files.contains { $0.path == "Package.swift" })
    }

    @Test func `files stay short`() {
        for file in TidyTests.files where file.path.hasSuffix(".swift") && TidyTests.longFiles[file.path] == nil {
            let count = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(count <= TidyTests.lineCountMax, "\(file.path) has \(count) lines")
        }
    }

    @Test func `no tabs, no blanks at the end of a line, a newline at the end of a file`() {
        #expect(offences { _, line in line.contains("\t") } == [])
        #expect(offences { path, line in !path.hasSuffix(".md") && line.hasSuffix(" ") } == [])
        #expect(TidyTests.files.filter { !$0.text.hasSuffix("\n") }.map(\.path) == [])
    }

    @Test func `nothing is left to do, and nothing points outside the package`() {
        // Written in pieces so that this file does not offend.
        let words = ["TO" + "DO", "FIX" + "ME", "unsafe" + "Flags", "/wo" + "rk/", "../sha" + "red", "shop" + "gen"]
        for word in words {
            let found = offences { path, line in
                line.contains(word) && !(word.hasSuffix("Flags") && path.hasSuffix(".md"))
            }
            #expect(found == [], "\(word)")
        }
    }

    @Test func `the engine does not import Foundation`() {
        let found = offences([".swift"]) { path, line in
            path.hasPrefix("Sources/") && line.contains("import Foundation")
        }
        #expect(found == [])
    }

    @Test func `names say what a thing does`() {
        let vague = ["Utils", "Utilities", "Helper", "Helpers", "Common", "Manager"]
        let found = TidyTests.files.map(\.path).filter { path in
            vague.contains { path.split(separator: "/").last?.hasPrefix($0) == true || path.contains($0 + ".swift") }
        }
        #expect(found == [])
    }

    @Test func `every unchecked promise of thread safety has its reason beside it`() {
        var found: [String] = []
        for file in TidyTests.files where file.path.hasPrefix("Sources/") {
            let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
            for (number, line) in lines.enumerated() where line.contains("@unchecked Sendable") {
                // On the line, or in the comment above it.
                let isExplained = line.contains("//") || (number > 0 && lines[number - 1].contains("//"))
                if !isExplained { found.append("\(file.path):\(number + 1): \(line)") }
            }
        }
        #expect(found == [])
    }
}
