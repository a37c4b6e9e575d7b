import Foundation

/// The `dukkan` executable, run as a person runs it.
struct ToolProcess {
    /// A tool that ends early must not end the tests with it.
    private static let ignoresBrokenPipes: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return true
    }()

    /// How a run ended.
    struct Ending {
        var code: Int32
        var output: String
        var errors: String
    }

    /// The executable that was built beside the tests, or the one that `DUKKAN_TOOL` names.
    static let executable: URL = {
        if let path = ProcessInfo.processInfo.environment["DUKKAN_TOOL"] { return URL(filePath: path) }
        // The test bundle lies in the same folder as the products; which argument names it depends on the platform.
        let hints = [Bundle.main.bundlePath, Bundle.main.executablePath ?? ""] + CommandLine.arguments
        for hint in hints where hint.hasPrefix("/") {
            var place = URL(filePath: hint)
            while place.path().count > 1 {
                place.deleteLastPathComponent()
                let candidate = place.appending(path: "dukkan")
                var isFolder: ObjCBool = false
                if FileManager.default.fileExists(atPath: candidate.path(), isDirectory: &isFolder),
                    !isFolder.boolValue, FileManager.default.isExecutableFile(atPath: candidate.path())
                {
                    return candidate
                }
            }
        }
        return URL(filePath: "dukkan")
    }()

    /// A folder of its own, removed with the value's last user.
    final class Folder: Sendable {
        let url: URL

        init() throws {
            url = FileManager.default.temporaryDirectory.appending(path: "dukkan-tool-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: url) }

        func path(_ name: String) -> String { url.appending(path: name).path() }

        @discardableResult
        func write(_ text: String, to name: String) throws -> String {
            try Data(text.utf8).write(to: url.appending(path: name))
            return path(name)
        }
    }

    /// Runs the tool in a folder and waits for its end.
    ///
    /// - Parameter script: Lines for the shell, which becomes the tool by `exec "$@"`.
    @discardableResult
    static func run(
        _ arguments: [String], in folder: Folder, input: String? = nil, environment: [String: String] = [:],
        script: String? = nil
    ) throws -> Ending {
        let process = try start(arguments, in: folder, environment: environment, script: script)
        return try process.end(input: input)
    }

    /// A run that has begun.
    final class Running {
        let process = Process()
        fileprivate let output = Pipe()
        fileprivate let errors = Pipe()
        fileprivate let input = Pipe()

        func end(input text: String? = nil) throws -> Ending {
            // Both pipes are drained at once: a full one would stop the process.
            let group = DispatchGroup()
            nonisolated(unsafe) var written = Data()
            nonisolated(unsafe) var complaints = Data()
            DispatchQueue.global().async(group: group) { [output] in
                written = output.fileHandleForReading.readDataToEndOfFile()
            }
            DispatchQueue.global().async(group: group) { [errors] in
                complaints = errors.fileHandleForReading.readDataToEndOfFile()
            }
            if let text { try? input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
            try? input.fileHandleForWriting.close()
            group.wait()
            process.waitUntilExit()
            let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
            return Ending(
                code: code, output: String(decoding: written, as: UTF8.self),
                errors: String(decoding: complaints, as: UTF8.self))
        }
    }

    /// Begins a run that opens a store for writing, and waits until it holds the store's lock.
    static func startWriter(_ arguments: [String], store: String, in folder: Folder) throws -> Running {
        let running = try start(arguments, in: folder)
        let descriptors = "/proc/\(running.process.processIdentifier)/fd"
        for _ in 0..<200 where running.process.isRunning {
            usleep(20_000)
            let links = (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? []
            let isHeld = links.contains {
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\($0)")
                return target?.hasSuffix("/LOCK") == true
            }
            if isHeld { break }
        }
        // Where there is no /proc the loop has waited four seconds; elsewhere the signal handler is a moment away.
        usleep(200_000)
        return running
    }

    /// Begins a run.
    static func start(
        _ arguments: [String], in folder: Folder, environment: [String: String] = [:], script: String? = nil
    ) throws -> Running {
        _ = ignoresBrokenPipes
        let running = Running()
        let process = running.process
        if let script {
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", script, "sh", executable.path()] + arguments
        } else {
            process.executableURL = executable
            process.arguments = arguments
        }
        process.currentDirectoryURL = folder.url
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = running.input
        process.standardOutput = running.output
        process.standardError = running.errors
        try process.run()
        return running
    }
}
