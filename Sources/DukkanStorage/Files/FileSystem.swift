/// A number that the file system gave for an open file.
///
/// It owns nothing; the holder closes it once.
package struct FileDescriptor: Sendable, Hashable {
    package let number: Int32

    package init(_ number: Int32) {
        self.number = number
    }
}

/// What a file is opened for.
package enum FileUse: Sendable {
    /// Reading an existing file.
    case reading
    /// Writing a file that must not exist yet, from its start.
    case creating
    /// Holding a lock; the file is made where it is missing.
    case locking
}

/// A call of the operating system that failed.
package struct SystemCallError: Error, Sendable, Hashable {
    /// The error number, as `ENOSPC`.
    package var number: Int32

    package init(_ number: Int32) {
        self.number = number
    }
}

/// Every file operation of the store, one method for one call of the operating system.
///
/// The methods are primitive on purpose: reads and writes may be short and any call may be interrupted, as in the real
/// system, so that a simulated file system can inject each of these. Callers use the complete forms of the extension,
/// which retry, continue and turn failures into `DukkanError`. Random numbers come from here too: a simulation from one
/// seed then fixes the names of all parts.
package protocol FileSystem: Sendable {
    /// Opens a file; never follows a symbolic link in the last component of its path.
    func open(_ path: String, for use: FileUse) throws(SystemCallError) -> FileDescriptor
    func close(_ file: FileDescriptor)
    func byteCount(_ file: FileDescriptor) throws(SystemCallError) -> Int
    /// Reads at a place; fewer bytes than asked are possible, 0 is the end of the file.
    func read(_ file: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: Int)
        throws(SystemCallError) -> Int
    /// Writes behind what was written; fewer bytes than asked are possible.
    func write(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int
    /// Writes over bytes that were written; fewer bytes than asked are possible.
    func replace(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemCallError) -> Int
    /// Makes the content of a file durable.
    func synchronize(_ file: FileDescriptor) throws(SystemCallError)
    /// Makes the names in a directory durable.
    func synchronizeDirectory(_ path: String) throws(SystemCallError)
    /// Takes the exclusive lock of a file without waiting; false if another holder has it. Closing the file frees it,
    /// as does the end of the process.
    func lock(_ file: FileDescriptor) throws(SystemCallError) -> Bool
    /// Gives a file another name and replaces what had that name.
    func rename(_ path: String, to newPath: String) throws(SystemCallError)
    func remove(_ path: String) throws(SystemCallError)
    func createDirectory(_ path: String) throws(SystemCallError)
    /// Whether a path is that of a symbolic link.
    func isLink(_ path: String) throws(SystemCallError) -> Bool
    /// The names in a directory, in any order, without `.` and `..`.
    func list(_ path: String) throws(SystemCallError) -> [String]
    func random() -> UInt64
    /// Whether calls may come from a thread beside the one that works with the store; not where their order tells.
    var allowsCallsBeside: Bool { get }
    /// A path without symbolic links, `.` and `..`, whose last name need not exist; the path itself where that is not known.
    func canonicalPath(_ path: String) -> String
}

extension FileSystem {
    package func canonicalPath(_ path: String) -> String { path }
    package var allowsCallsBeside: Bool { false }
}

extension FileSystem {
    /// For file systems that have none.
    package func isLink(_ path: String) throws(SystemCallError) -> Bool { false }
}
