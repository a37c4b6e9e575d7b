import DukkanTime

/// The advice that an error gives for a misspelled keyword or name.
package enum NearestName {
    /// The candidate nearest to a misspelled name, without regard to case; nil when none is near enough.
    ///
    /// Near enough: at most a third of the letters, and at least one, inserted, deleted, replaced or swapped with their
    /// neighbour. Stricter than `NearName`, which lists several and may guess: here one is put into the person's mouth.
    /// Of equally near candidates the first one wins.
    package static func find(_ name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().utf8)
        guard !wanted.isEmpty, wanted.count <= NearName.lengthMax else { return nil }
        var best: (edits: Int, candidate: String)?
        for candidate in candidates {
            let letters = Array(candidate.lowercased().utf8)
            let editsMax = max(1, min(wanted.count, letters.count) / 3)
            guard letters.count <= NearName.lengthMax, abs(letters.count - wanted.count) <= editsMax else { continue }
            let edits = NearName.distance(wanted, letters)
            // A single letter is near to everything short.
            guard edits <= editsMax, edits < min(wanted.count, letters.count) else { continue }
            if edits < best?.edits ?? .max { best = (edits, candidate) }
        }
        return best?.candidate
    }

    /// The advice `did you mean x?` for a misspelled name, nil when no candidate is near enough.
    package static func advice(for name: String, among candidates: some Sequence<String>) -> String? {
        find(name, among: candidates).map { "did you mean \($0)?" }
    }
}
