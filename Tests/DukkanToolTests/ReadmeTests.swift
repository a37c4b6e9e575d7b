import Foundation
import Testing

/// The example of the README, built and run by a package outside that depends on the library by a version.
///
/// A package with unsafe build settings could not be depended on that way.
struct ReadmeTests {
    private func block(_ language: String, of text: String) throws -> String {
        let start = try #require(text.range(of: "```\(language)\n"))
        let end = try #require(text[start.upperBound...].range(of: "```\n"))
        return String(text[start.upperBound..<end.lowerBound])
    }

    private func run(_ command: [String], in place: URL) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = place
        let output = Pipe()
        let log = place.appending(path: ".log")
        try Data().write(to: log)
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: log)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let complaints = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        try #require(process.terminationStatus == 0, "\(command): \(text.suffix(3000)) \(complaints.suffix(3000))")
        return text
    }

    @Test(.timeLimit(.minutes(15))) func `the example compiles in a package outside and prints what it says`() throws {
        let readme = try String(contentsOf: TidyTests.root.appending(path: "README.md"), encoding: .utf8)
        let folder = try ToolProcess.Folder()

        // The library as a repository with a version, from the files as they are now.
        let library = folder.url.appending(path: "dukkan")
        for name in ["Package.swift", "Sources", "Tests"] {
            try FileManager.default.createDirectory(at: library, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: TidyTests.root.appending(path: name), to: library.appending(path: name))
        }
        let git = [
            "git", "-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false",
        ]
        _ = try run(["git", "init", "-q"], in: library)
        _ = try run(["git", "add", "Package.swift", "Sources", "Tests"], in: library)
        _ = try run(git + ["commit", "-q", "-m", "a version"], in: library)
        _ = try run(["git", "tag", "1.0.0"], in: library)

        let application = folder.url.appending(path: "application")
        let sources = application.appending(path: "Sources/Example")
        try FileManager.default.createDirectory(at: sources, withIntermediateDirectories: true)
        let manifest = """
            // swift-tools-version: 6.2
            import PackageDescription

            let package = Package(
                name: "Example",
                platforms: [.macOS(.v15)],
                dependencies: [.package(url: "file://\(library.path())", from: "1.0.0")],
                targets: [
                    .executableTarget(name: "Example", dependencies: [.product(name: "Dukkan", package: "dukkan")])
                ])
            """
        try Data(manifest.utf8).write(to: application.appending(path: "Package.swift"))
        try Data(try block("swift", of: readme).utf8).write(to: sources.appending(path: "main.swift"))
        _ = try run(["swift", "build"], in: application)
        let products = try run(["swift", "build", "--show-bin-path"], in: application)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let printed = try run(["\(products)/Example"], in: folder.url)
        #expect(printed == (try block("text", of: readme)))
    }
}
