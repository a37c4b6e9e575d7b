import Foundation

/// The `dukkan` executable, run as a person runs it.
struct ToolProcess {
    /// How a run ended.
    struct Ending {
        var code: Int32
        var output: String
        var errors: String
    }

    /// The executable that was built beside the tests, or the one that `DUKKAN_TOOL` names.
    static let executable: URL = {
        if let path = ProcessInfo.processInfo.environment["DUKKAN_TOOL"] { return URL(filePath: path) }
        var information = Dl_info()
        // The test bundle lies in the same folder as the products.
        let isFound = dladdr(#dsohandle, &information) != 0
        let bundle = isFound ? String(cString: information.dli_fname) : CommandLine.arguments[0]
        var place = URL(filePath: bundle).deletingLastPathComponent()
        while place.path() != "/" {
            let candidate = place.appending(path: "dukkan")
            if FileManager.default.isExecutableFile(atPath: candidate.path()) { return candidate }
            place.deleteLastPathComponent()
        }
        return URL(filePath: "dukkan")
    }()

    /// A folder of its own, removed with the value's last user.
    final class Folder {
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
    @discardableResult
    static func run(
        _ arguments: [String], in folder: Folder, input: String? = nil, environment: [String: String] = [:]
    ) throws -> Ending {
        let process = try start(arguments, in: folder, environment: environment)
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
            if let text { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
            try input.fileHandleForWriting.close()
            group.wait()
            process.waitUntilExit()
            let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
            return Ending(
                code: code, output: String(decoding: written, as: UTF8.self),
                errors: String(decoding: complaints, as: UTF8.self))
        }
    }

    /// Begins a run.
    static func start(
        _ arguments: [String], in folder: Folder, environment: [String: String] = [:]
    ) throws -> Running {
        let running = Running()
        let process = running.process
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = folder.url
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = running.input
        process.standardOutput = running.output
        process.standardError = running.errors
        try process.run()
        return running
    }
}
