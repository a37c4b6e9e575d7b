/// The files and names of a machine: what its programs see, and what is on the disk.
///
/// A value: a copy is what the machine holds at a moment, at the cost of its names.
struct SimulatedDisk: Sendable {
    /// Bytes that reach the disk together or not at all.
    static let sectorByteCount = 512

    /// What of the changes that were not synchronised is on the disk after a loss of power.
    enum Survival: Sendable, CaseIterable {
        /// Nothing.
        case none
        /// Everything.
        case all
        /// Any sectors and any changes of names, each by chance; a sector left out between others holds zeros.
        case some
        /// The same, with old bytes in sectors left out.
        case stale
    }

    /// What a failed `fsync` does with the pages of the file.
    enum PageLoss: Sendable, CaseIterable {
        /// They wait for the next one.
        case kept
        /// They stay visible but are forgotten: no later call writes them.
        case lost
        /// Half of the sectors have reached the disk, the others are forgotten.
        case half
        /// They are forgotten, and reading shows what is on the disk.
        case evicted
    }

    private struct File: Sendable {
        /// As programs see it.
        var bytes: [UInt8] = []
        /// As it is on the disk.
        var durable: [UInt8] = []
        /// First byte that the next synchronisation writes; a multiple of a sector, or the end.
        var waitingStart = 0

        mutating func append(_ new: UnsafeRawBufferPointer) {
            waitingStart = min(waitingStart, bytes.count / sectorByteCount * sectorByteCount)
            bytes.append(contentsOf: new)
        }

        /// Bytes behind those replaced may wait once more, which loses no less.
        mutating func replace(_ new: UnsafeRawBufferPointer, at offset: Int) {
            waitingStart = min(waitingStart, offset / sectorByteCount * sectorByteCount)
            bytes.replaceSubrange(offset..<offset + new.count, with: new)
        }

        /// Writes the waiting sectors that `isKept` names to the disk; no sector waits afterwards.
        mutating func writeBack(stale: UInt8 = 0, _ isKept: () -> Bool) {
            var start = waitingStart
            while start < bytes.count {
                let end = min(bytes.count, start + sectorByteCount)
                if isKept() {
                    if durable.count < end {
                        durable.append(contentsOf: repeatElement(stale, count: end - durable.count))
                    }
                    durable.replaceSubrange(start..<end, with: bytes[start..<end])
                }
                start = end
            }
            waitingStart = bytes.count
        }
    }

    /// A change of a directory that is not on the disk yet.
    private enum NameChange: Sendable {
        case made(String, file: Int)
        case removed(String)
        case renamed(String, to: String, file: Int)
        case directory(String)
    }

    private var files: [File] = []
    private(set) var names: [String: Int] = [:]
    private(set) var directories: Set<String> = ["/"]
    private var durableNames: [String: Int] = [:]
    private var durableDirectories: Set<String> = ["/"]
    /// Changes by the directory that they are in.
    private var waiting: [String: [NameChange]] = [:]
    /// Grows with every change.
    private(set) var version = 0

    static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: 0x2F), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    // MARK: Files

    func bytes(_ file: Int) -> [UInt8] { files[file].bytes }
    func byteCount(_ file: Int) -> Int { files[file].bytes.count }

    /// Bytes of the files that have a name or that `open` counts.
    func usedByteCount(open: some Sequence<Int>) -> Int {
        Set(names.values).union(open).reduce(0) { $0 + files[$1].bytes.count }
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer, to file: Int) {
        version += 1
        files[file].append(bytes)
    }

    mutating func replace(_ bytes: UnsafeRawBufferPointer, in file: Int, at offset: Int) {
        version += 1
        files[file].replace(bytes, at: offset)
    }

    mutating func synchronize(_ file: Int) {
        version += 1
        if files[file].waitingStart == 0 {
            files[file].durable = files[file].bytes
            files[file].waitingStart = files[file].bytes.count
        } else {
            files[file].writeBack { true }
        }
    }

    mutating func failToSynchronize(_ file: Int, _ loss: PageLoss, _ generator: inout SeededGenerator) {
        version += 1
        switch loss {
        case .kept: break
        case .lost: files[file].waitingStart = files[file].bytes.count
        case .half: files[file].writeBack { Bool.random(using: &generator) }
        case .evicted:
            files[file].bytes = files[file].durable
            files[file].waitingStart = files[file].bytes.count
        }
    }

    /// Changes the bytes of a file behind the store's back, on the disk too.
    mutating func damage(_ file: Int, _ change: (inout [UInt8]) -> Void) {
        version += 1
        change(&files[file].bytes)
        files[file].durable = files[file].bytes
        files[file].waitingStart = files[file].bytes.count
    }

    // MARK: Names

    mutating func make(_ path: String) -> Int {
        files.append(File())
        names[path] = files.count - 1
        note(.made(path, file: files.count - 1), path)
        return files.count - 1
    }

    mutating func makeDirectory(_ path: String) {
        directories.insert(path)
        note(.directory(path), path)
    }

    mutating func remove(_ path: String) {
        names[path] = nil
        note(.removed(path), path)
    }

    mutating func rename(_ path: String, to newPath: String) {
        guard let file = names.removeValue(forKey: path) else { return }
        names[newPath] = file
        note(.renamed(path, to: newPath, file: file), path)
    }

    private mutating func note(_ change: NameChange, _ path: String) {
        version += 1
        waiting[SimulatedDisk.directory(of: path), default: []].append(change)
    }

    mutating func synchronizeDirectory(_ path: String) {
        version += 1
        for change in waiting.removeValue(forKey: path) ?? [] { writeBack(change) }
    }

    /// Some of the changes of a directory reach the disk; all still wait.
    mutating func failToSynchronizeDirectory(_ path: String, _ generator: inout SeededGenerator) {
        version += 1
        for change in waiting[path] ?? [] where Bool.random(using: &generator) { writeBack(change) }
    }

    private mutating func writeBack(_ change: NameChange) {
        switch change {
        case .made(let name, let file): durableNames[name] = file
        case .removed(let name): durableNames[name] = nil
        case .directory(let name): durableDirectories.insert(name)
        case .renamed(let name, let newName, let file):
            durableNames[name] = nil
            durableNames[newName] = file
        }
    }

    // MARK: Losing power

    /// Whether a loss of power could lose anything.
    var isAllDurable: Bool {
        waiting.values.allSatisfy(\.isEmpty)
            && names.values.allSatisfy { files[$0].waitingStart >= files[$0].bytes.count && isWhole($0) }
    }

    private func isWhole(_ file: Int) -> Bool { files[file].durable.count == files[file].bytes.count }

    /// What is there when the machine starts again.
    func afterLossOfPower(_ survival: Survival, _ generator: inout SeededGenerator) -> SimulatedDisk {
        var left = self
        left.version = 0
        func survives() -> Bool {
            switch survival {
            case .none: false
            case .all: true
            case .some, .stale: Bool.random(using: &generator)
            }
        }
        for directory in waiting.keys.sorted() {
            for change in waiting[directory] ?? [] where survives() { left.writeBack(change) }
        }
        left.waiting = [:]
        // A directory that is not on the disk has taken everything in it along.
        var reachable = left.durableDirectories
        while let lost = reachable.first(where: { !reachable.contains(SimulatedDisk.directory(of: $0)) }) {
            reachable.remove(lost)
        }
        left.directories = reachable
        left.durableDirectories = reachable
        left.names = left.durableNames.filter { reachable.contains(SimulatedDisk.directory(of: $0.key)) }
        left.durableNames = left.names
        let stale: UInt8 = survival == .stale ? 0xA5 : 0
        for file in Set(left.names.values).sorted() {
            left.files[file].writeBack(stale: stale, survives)
            left.files[file].bytes = left.files[file].durable
            left.files[file].waitingStart = left.files[file].bytes.count
        }
        return left
    }

    /// The names that files have now or may have after a loss of power.
    var reachableNames: Set<String> {
        var reachable = Set(names.keys).union(durableNames.keys)
        for change in waiting.values.joined() {
            switch change {
            case .made(let name, _): reachable.insert(name)
            case .renamed(let name, let newName, _): reachable.formUnion([name, newName])
            case .removed, .directory: break
            }
        }
        return reachable
    }
}
