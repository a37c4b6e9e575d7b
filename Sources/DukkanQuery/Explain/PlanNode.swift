import DukkanFormat
import DukkanStorage

/// One operator of a plan, with what its cost is found by.
struct PlanNode: Sendable {
    var name: String
    var subject = ""
    var facts: [Explanation.Fact] = []
    /// Stages that are this operator's work.
    var stages: [WorkMeter.Stage] = []
    /// The stage whose rows are this operator's.
    var rows: WorkMeter.Stage?
    var source = Source.none
    var inputs: [PlanNode] = []

    /// Where rows come from, for the operators that read.
    enum Source: Sendable {
        case none
        /// The scan of all tables.
        case scan
        /// A table of it, with what the plan lets be read of its columns.
        case table(Int, TableSnapshot, [Explanation.Column])
        /// The end of the query: its rows are those of the answer.
        case answer
    }

    /// The operators from the answer down, each the only input of the one before.
    static func chain(_ nodes: [PlanNode]) -> PlanNode {
        var nodes = nodes
        var last = nodes.removeLast()
        while var next = nodes.popLast() {
            next.inputs.append(last)
            last = next
        }
        return last
    }

    mutating func add(_ name: String, _ text: String?) {
        if let text { facts.append(Explanation.Fact(name: name, content: .text(text))) }
    }

    mutating func add(_ name: String, texts: [String]) {
        if !texts.isEmpty { facts.append(Explanation.Fact(name: name, content: .texts(texts))) }
    }

    mutating func add(_ name: String, count: Int) {
        facts.append(Explanation.Fact(name: name, content: .count(count)))
    }
}

extension WorkMeter.Stage {
    private static func own(_ number: Int) -> WorkMeter.Stage { WorkMeter.Stage(place: freePlace + number) }

    /// Values from the customer's rows of other tables, and customer keys for each row.
    static let lookup = own(0)
    /// Which customers are in the segments.
    static let segment = own(1)
    static let filter = own(2)
    /// Numbering the groups.
    static let group = own(3)
    static let aggregate = own(4)
    /// Which steps each row matches.
    static let steps = own(5)
    /// The state machine of a funnel, the periods of a retention.
    static let sequence = own(6)
    /// Making rows of the answer.
    static let rows = own(7)
    /// Counting for the explanation itself.
    static let counting = own(8)
    // The calling thread's.
    static let plan = own(9)
    static let run = own(10)
    static let merge = own(11)
    static let sort = own(12)
    static let output = own(13)
}
