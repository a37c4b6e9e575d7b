import DukkanFormat
import DukkanQuery

extension CanonicalPrinter {
    /// Writes an expression, in parentheses if it binds less tightly than its place asks for.
    mutating func print(_ expression: Expression, atLeast minimum: Int = Binding.or) {
        let binding = CanonicalPrinter.binding(of: expression)
        if binding < minimum { write("(") }
        printOpen(expression, binding)
        if binding < minimum { write(")") }
    }

    private static func binding(of expression: Expression) -> Int {
        switch expression {
        case .not: Binding.not
        case .negate: Binding.sign
        case .binary(let operation, _, _): Binding.of(operation)
        case .between, .inList, .like, .segmentAt: Binding.membership
        case .isNull: Binding.isNull
        case .literal, .interval, .now, .column, .when, .call, .aggregate, .inSegment, .segment, .funnel:
            Binding.primary
        }
    }

    private mutating func printOpen(_ expression: Expression, _ binding: Int) {
        switch expression {
        case .literal(let value): print(value)
        case .interval(let microseconds): print(microseconds: microseconds)
        case .now: write("NOW")
        case .column(let column): print(column)
        case .not(let operand):
            write("NOT ")
            print(operand, atLeast: Binding.not)
        case .negate(let operand): printNegated(operand)
        case .binary(let operation, let left, let right):
            // Comparisons do not chain: both sides bind more tightly.
            print(left, atLeast: binding == Binding.comparison ? binding + 1 : binding)
            write(" \(operation.rawValue) ")
            print(right, atLeast: binding + 1)
        case .between(let operand, let low, let high, let negated):
            let isAmbiguous = !negated && isStepName(low)
            if isAmbiguous { write("(") }
            print(operand, atLeast: Binding.concatenation)
            write(negated ? " NOT BETWEEN " : " BETWEEN ")
            print(low, atLeast: Binding.concatenation)
            write(" AND ")
            print(high, atLeast: Binding.concatenation)
            if isAmbiguous { write(")") }
        case .inList(let operand, let elements, let negated):
            print(operand, atLeast: Binding.concatenation)
            write(negated ? " NOT IN (" : " IN (")
            list(elements) { $0.print($1) }
            write(")")
        case .like(let operand, let pattern, let caseInsensitive, let negated):
            print(operand, atLeast: Binding.concatenation)
            write(negated ? " NOT" : "")
            write(caseInsensitive ? " ILIKE " : " LIKE ")
            print(string: pattern)
        case .isNull(let operand, let negated):
            print(operand, atLeast: Binding.isNull)
            write(negated ? " IS NOT NULL" : " IS NULL")
        case .when(let branches, let otherwise): print(branches, otherwise)
        case .call(let function, let arguments): print(function, arguments)
        case .aggregate(let aggregate): print(aggregate)
        case .inSegment(let name):
            write("IN SEGMENT ")
            print(name: name)
        case .segment(let condition):
            write("SEGMENT (")
            inContext(segment: true) { $0.print(condition) }
            write(")")
        case .segmentAt(let segment, let time):
            print(segment, atLeast: Binding.primary)
            write(" AT ")
            let begin = text.utf8.count
            print(time, atLeast: Binding.concatenation)
            protect(from: begin) { $0 == .least }
        case .funnel(let membership): print(membership)
        }
    }

    /// Whether an expression would be read as a step, behind the `BETWEEN` of an exclusion.
    private func isStepName(_ expression: Expression) -> Bool {
        guard !exclusionSteps.isEmpty, case .column(let column) = expression, column.table == nil else { return false }
        return exclusionSteps.contains(column.name.lowercased())
    }

    /// A minus directly before a number would become the number's own, and `--` begins a comment.
    private mutating func printNegated(_ operand: Expression) {
        write("-")
        switch operand {
        case .literal(.int), .literal(.decimal), .literal(.double), .interval, .negate:
            write("(")
            print(operand)
            write(")")
        default: print(operand, atLeast: Binding.sign)
        }
    }

    private mutating func print(_ branches: [WhenBranch], _ otherwise: Expression?) {
        write("CASE")
        for branch in branches {
            write(" WHEN ")
            print(branch.condition)
            write(" THEN ")
            print(branch.value)
        }
        if let otherwise {
            write(" ELSE ")
            print(otherwise)
        }
        write(" END")
    }

    private mutating func print(_ function: String, _ arguments: [Expression]) {
        if CanonicalPrinter.isPlainFunction(function) { write(function) } else { quote(function, with: "\"") }
        write("(")
        list(arguments) { $0.print($1) }
        write(")")
    }

    // MARK: Aggregates

    mutating func print(_ aggregate: Aggregate) {
        let inSegment = inSegment
        switch aggregate.function {
        case .count: write("count(")
        case .countDistinct: write("count(DISTINCT ")
        case .sum: write("sum(")
        case .average: write("avg(")
        case .minimum: write("min(")
        case .maximum: write("max(")
        case .quantile(let fraction): write(fraction == 0.5 ? "median(" : "quantile(")
        case .first: write("first(")
        case .last: write("last(")
        case .activePeriods(let period, let count): write("active(\(period.rawValue), \(count)")
        }
        inContext(segment: false) { printer in
            let isActive = if case .activePeriods = aggregate.function { true } else { false }
            let isNamed = isActive ? false : printer.printArgument(of: aggregate, inSegment: inSegment)
            if case .quantile(let fraction) = aggregate.function, fraction != 0.5 { printer.write(", \(fraction)") }
            if let table = aggregate.table, !isNamed {
                printer.write(" FROM ")
                printer.print(name: table)
            }
            if aggregate.table != nil, let filter = aggregate.filter {
                printer.write(" WHERE ")
                printer.print(filter)
            }
        }
        write(")")
        if aggregate.table == nil, let filter = aggregate.filter {
            write(" FILTER (WHERE ")
            inContext(segment: false) { $0.print(filter) }
            write(")")
        }
    }

    /// Writes what is aggregated; true if that names the table too, as `orders` or `orders.revenue` in a segment.
    private mutating func printArgument(of aggregate: Aggregate, inSegment: Bool) -> Bool {
        let table = inSegment ? aggregate.table : nil
        guard let argument = aggregate.argument else {
            if let table { print(name: table) } else { write("*") }
            return table != nil
        }
        if let table, case .column(let column) = argument, column.table == nil {
            print(ColumnName(column.name, in: table))
            return true
        }
        let begin = text.utf8.count
        print(argument)
        // `DISTINCT - x` would be a difference of the column called distinct, `DISTINCT IN …` a list of its values.
        if aggregate.function == .countDistinct { protectOperand(from: begin) }
        return false
    }
}
