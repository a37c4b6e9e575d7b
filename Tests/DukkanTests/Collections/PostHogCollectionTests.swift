import Dukkan
import Foundation
import Testing

/// Every case of PostHog's own tests that can be said, as a statement on a store.
@Suite(.enabled(if: CaseCollections.directory != nil, Comment(rawValue: CaseCollections.isAbsent)))
struct PostHogCollectionTests {
    /// Checks a case; throws where it cannot be said.
    private static func check(_ item: CollectionCase, onlySaying: Bool = false) throws {
        switch item.kind {
        case "funnel_steps":
            let funnel = try PostHogFunnels(item)
            if !onlySaying { try funnel.checkSteps() }
        case "funnel_trends":
            let funnel = try PostHogFunnels(item)
            if !onlySaying { try funnel.checkTrends() }
        case "time_to_convert":
            let funnel = try PostHogFunnels(item)
            if !onlySaying { try funnel.checkTimeToConvert() }
        case "retention":
            let retention = try PostHogRetention(item)
            if !onlySaying { try retention.check() }
        case "lifecycle", "stickiness", "paths":
            let activity = try PostHogActivity(item)
            if !onlySaying { try activity.check() }
        case "correlation":
            throw CannotBeSaid("odds of counts that are given, without events to ask: a formula, no query")
        default: throw CannotBeSaid("there is no query of the kind \(item.kind)")
        }
    }

    /// Why a case cannot be said; nil where it can.
    private static func reason(_ item: CollectionCase) -> String? {
        do {
            try check(item, onlySaying: true)
            return nil
        } catch let error as CannotBeSaid {
            return error.reason
        } catch {
            return nil
        }
    }

    private static let said = CaseCollections.postHog.filter { reason($0) == nil }

    @Test(arguments: said)
    func `the answer is that of PostHog`(item: CollectionCase) throws {
        try Self.check(item)
    }

    @Test func `no case is left out in silence`() {
        CaseSummary(CaseCollections.postHog, reason: Self.reason).report()
    }
}

/// Tells how many cases of a collection are asked, and why the others are not.
struct CaseSummary {
    private var asked: [String: Int] = [:]
    private var unsaid: [(String, String)] = []
    private let count: Int

    init(_ items: [CollectionCase], reason: (CollectionCase) -> String?) {
        count = items.count
        for item in items {
            if let reason = reason(item) {
                unsaid.append((item.testDescription, reason))
            } else {
                asked[item.kind, default: 0] += 1
            }
        }
    }

    func report() {
        let kinds = asked.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        print("cases asked: \(kinds); cases that cannot be said: \(unsaid.count)")
        for (name, reason) in unsaid { print("  cannot be said: \(name): \(reason)") }
        #expect(asked.values.reduce(0, +) + unsaid.count == count)
        #expect(count > 0)
        // A reader that understands nothing would say nothing and pass.
        #expect(unsaid.count * 4 < count)
    }
}
