import DukkanFuzzing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

// The program is libFuzzer's: it calls back with one input after the other. Built by `tools/fuzz`.

private typealias Callback = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>, _ callback: Callback
) -> CInt

/// The reader that is fuzzed, named by the environment: all arguments are libFuzzer's own.
private let target = FuzzTarget(rawValue: getenv("DUKKAN_FUZZ_TARGET").map { String(cString: $0) } ?? "")

/// Reads one input; whatever must not happen ends the program.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    guard let target else { fatalError("DUKKAN_FUZZ_TARGET names no target") }
    do {
        try target.run(UnsafeRawBufferPointer(start: data, count: size))
    } catch {
        fatalError("\(target): \(error)")
    }
    return 0
}

/// The program, under the name that the package manager links as `main`.
@_cdecl("DukkanFuzzer_main")
public func fuzzerMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { testOneInput($0, $1) }
}
