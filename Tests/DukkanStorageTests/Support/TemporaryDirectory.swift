import DukkanStorage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A directory of the real file system that goes away with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        path = "/tmp/dukkan-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        mkdir(path, 0o700)
    }

    deinit {
        TemporaryDirectory.remove(path)
    }

    var store: String { path + "/shop.dukkan" }

    private static func remove(_ path: String) {
        let system = PosixFileSystem()
        for name in (try? system.list(path)) ?? [] {
            if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
        }
        rmdir(path)
    }
}
