/// Sorting by one copy of the algorithm.
///
/// The standard library's is compiled anew for every type and every closure, several kilobytes each. Lists that are sorted
/// once a query, or once a commit, need none of their own.
@usableFromInline
package enum SharedSort {
    /// The places of `count` elements in order; equal ones stay as they are.
    @usableFromInline
    package static func places(_ count: Int, _ precedes: (Int, Int) -> Bool) -> [Int] {
        withoutActuallyEscaping(precedes) { order(count, Comparison($0)) }
    }

    private static func order(_ count: Int, _ comparison: Comparison) -> [Int] {
        (0..<count).sorted { comparison.precedes($0, $1) }
    }

    /// An object and no closure, so that there is nothing to compile the algorithm for.
    private final class Comparison {
        let precedes: (Int, Int) -> Bool
        init(_ precedes: @escaping (Int, Int) -> Bool) { self.precedes = precedes }
    }
}

extension SharedSort {
    /// Puts numbers in order.
    @inline(never)
    @usableFromInline
    package static func sort(_ values: inout [Int64]) { values.sort() }

    /// Puts numbers in order.
    @inline(never)
    @usableFromInline
    package static func sort(_ values: inout [Int]) { values.sort() }

    /// Puts texts in order.
    @inline(never)
    @usableFromInline
    package static func sort(_ values: inout [String]) { values.sort() }
}

extension Sequence<Int64> {
    /// The numbers in order.
    @inlinable
    package func ascending() -> [Int64] {
        var values = Array(self)
        SharedSort.sort(&values)
        return values
    }
}

extension Sequence<Int> {
    /// The numbers in order.
    @inlinable
    package func ascending() -> [Int] {
        var values = Array(self)
        SharedSort.sort(&values)
        return values
    }
}

extension Sequence<String> {
    /// The texts in order.
    @inlinable
    package func ascending() -> [String] {
        var values = Array(self)
        SharedSort.sort(&values)
        return values
    }
}

extension Array {
    /// The elements in order, as `sorted(by:)` gives them, for lists that are short or rarely sorted.
    @inlinable
    package func inOrder(by precedes: (Element, Element) -> Bool) -> [Element] {
        SharedSort.places(count) { precedes(self[$0], self[$1]) }.map { self[$0] }
    }
}
