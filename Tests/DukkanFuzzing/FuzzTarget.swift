import DukkanFormat
import DukkanIngest

/// A reader of bytes that nobody vouches for, as a fuzzer drives it and as the tests replay what the fuzzer found.
///
/// Whatever the bytes, a target returns: errors of the reader are answers like any other. It throws ``FuzzFailure`` where
/// something does not hold that must hold for all bytes; a trap, a hang or memory without bounds are for the fuzzer to see.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// A part file: header, footer, every block.
    case part
    /// A manifest, or a deletion file.
    case manifest
    /// Separated values: dialect, types, tokens, values.
    case csv
    /// JSON lines.
    case jsonl
    /// Statements: read, printed, planned.
    case language
    /// Statements, answered over a small store.
    case query

    /// Reads an input.
    package func run(_ bytes: UnsafeRawBufferPointer) throws {
        let input = FuzzInput(bytes)
        switch self {
        case .part: try PartTarget.run(input)
        case .manifest: try ManifestTarget.run(input)
        case .csv: try TextTarget.run(input, format: .automatic)
        case .jsonl: try TextTarget.run(input, format: .jsonLines)
        case .language: try LanguageTarget.run(input, isAnswered: false)
        case .query: try LanguageTarget.run(input, isAnswered: true)
        }
    }

    /// Reads an input.
    package func run(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try run($0) }
    }
}

/// Something that must hold for all bytes does not.
package struct FuzzFailure: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }

    static func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(FuzzFailure) {
        if !condition { throw FuzzFailure(message()) }
    }
}

/// The bytes of an input: some that choose what is done, then the text or the file.
struct FuzzInput {
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    /// The next byte that chooses something; 0 where there is none.
    mutating func choice() -> UInt8 {
        guard let first = rest.first else { return 0 }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return first
    }

    /// The next two bytes that choose a number.
    mutating func number() -> Int {
        let low = Int(choice())
        return low | Int(choice()) << 8
    }

    /// The pieces between separators that stand in no ordinary content, so that one may grow without the others.
    func pieces() -> [[UInt8]] {
        var pieces: [[UInt8]] = [[]]
        var at = 0
        while at < rest.count {
            if at + 2 < rest.count, rest[at] == 0xF5, rest[at + 1] == 0x42, rest[at + 2] == 0x4B {
                pieces.append([])
                at += 3
            } else {
                pieces[pieces.count - 1].append(rest[at])
                at += 1
            }
        }
        return pieces
    }

    /// The separator of ``pieces()``.
    static let separator: [UInt8] = [0xF5, 0x42, 0x4B]
}

/// What a reader threw is an answer, if it is the one error that Dukkan throws.
func answer<Result>(_ body: () throws -> Result) throws -> Result? {
    do {
        return try body()
    } catch let error as DukkanError {
        try FuzzFailure.require(!error.message.isEmpty, "an error without a message")
        return nil
    }
}
