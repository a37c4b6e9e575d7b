/// One input of an import: a file, standard input, or text in memory.
public final class ImportInput {
    private enum Origin {
        case path(String)
        case text([UInt8], name: String)
    }

    private let origin: Origin
    /// The open source of an input that can be read only once.
    private var held: InputSource?

    /// A file by its path; `-` is standard input.
    public init(path: String) {
        origin = .path(path)
    }

    /// Text in memory; the name appears in messages.
    public init(bytes: [UInt8], name: String) {
        origin = .text(bytes, name: name)
    }

    /// The name in messages.
    public var name: String {
        switch origin {
        case .path(let path): path == "-" ? "standard input" : path
        case .text(_, let name): name
        }
    }

    /// The input from its beginning.
    ///
    /// An input that cannot be read again is the same object until it is consumed.
    func open(_ encoding: TextEncoding) throws -> InputSource {
        if let held { return held }
        let source: InputSource
        switch origin {
        case .path(let path): source = try InputSource(path: path, encoding: encoding)
        case .text(let bytes, let name): source = try InputSource(bytes: bytes, name: name, encoding: encoding)
        }
        if !source.isRereadable { held = source }
        return source
    }
}
