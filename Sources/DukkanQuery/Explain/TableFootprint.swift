import DukkanFormat
import DukkanStorage

/// What a plan lets be read of one table: its parts, row blocks and the bytes of the columns' blocks.
struct TableFootprint {
    private(set) var rowBlockCount = 0
    /// Row blocks whose statistics rule the condition out.
    private(set) var prunedCount = 0
    /// Row blocks outside the customers asked.
    private(set) var outsideCount = 0
    /// Row blocks without customer, which a scan by customer passes over.
    private(set) var anonymousCount = 0
    private(set) var columns: [Explanation.Column] = []
    /// What the columns' blocks are written with the help of: blocks of other columns, bitmaps that columns share.
    private var references: [Explanation.Column] = []

    /// - Parameter table: its place among the scan's requests.
    init(_ plan: ScanPlan, table: Int) {
        let request = plan.scan.requests[table]
        let schema = request.table.schema
        let isByCustomer = plan.order != .byBlock
        var wanted = request.columns
        // Overlapping parts are merged by time.
        if isByCustomer, request.table.parts.count > 1, !wanted.contains(schema.timeColumn) {
            wanted.append(schema.timeColumn)
        }
        var customers = Explanation.Column(name: "customer directory", blocksPlanned: 0, bytesPlanned: 0)
        columns = wanted.map { Explanation.Column(name: schema.columns[$0].name, blocksPlanned: 0, bytesPlanned: 0) }
        for (p, part) in request.table.parts.enumerated() {
            let footer = part.footer
            rowBlockCount += footer.rowBlocks.count
            let places = columns.map { part.column(forSchemaColumn: $0.name) }
            for (c, place) in places.enumerated() {
                if let place, let dictionary = footer.columns[place].dictionary {
                    columns[c].bytesPlanned += dictionary.byteCount
                }
            }
            let first = footer.firstNullCustomerBlock
            let inRange = isByCustomer ? footer.blocks(of: plan.customers) : 0..<first
            for b in footer.rowBlocks.indices {
                if b >= first {
                    if plan.order == .byCustomer || (plan.order == .byCustomerWithAnonymous && table > 0) {
                        anonymousCount += 1
                        continue
                    }
                } else if !inRange.contains(b) {
                    outsideCount += 1
                    continue
                }
                if request.isPruned?(p, b) == true {
                    prunedCount += 1
                    continue
                }
                var needsCustomers = isByCustomer && b < first
                var used = UsedReferences()
                for (c, place) in places.enumerated() {
                    guard let place else { continue }
                    let block = footer.columns[place].blocks[b]
                    columns[c].blocksPlanned += 1
                    columns[c].bytesPlanned += block.location.byteCount
                    needsCustomers = needsCustomers || block.needsCustomers
                    used.add(block, footer, b)
                }
                for (name, byteCount) in used.blocks { note(name, byteCount) }
                if needsCustomers {
                    customers.blocksPlanned += 1
                    customers.bytesPlanned += footer.rowBlocks[b].directory.byteCount
                }
            }
        }
        let isDirectoryRead = customers.blocksPlanned > 0 || references.contains { $0.name == customers.name }
        if isDirectoryRead { columns.insert(customers, at: 0) }
        for reference in references {
            if let place = columns.firstIndex(where: { $0.name == reference.name }) {
                columns[place].blocksPlanned += reference.blocksPlanned
                columns[place].bytesPlanned += reference.bytesPlanned
            } else {
                columns.append(reference)
            }
        }
    }

    private mutating func note(_ name: String, _ byteCount: Int) {
        let place = references.firstIndex { $0.name == name } ?? references.count
        if place == references.count {
            references.append(Explanation.Column(name: name, blocksPlanned: 0, bytesPlanned: 0))
        }
        references[place].blocksPlanned += 1
        references[place].bytesPlanned += byteCount
    }
}

/// What the blocks of one row block refer to, each once.
private struct UsedReferences {
    private(set) var blocks: [(name: String, byteCount: Int)] = []
    private var bitmaps: Set<Int> = []
    private var columns: Set<Int> = []
    private var needsCustomers = false

    mutating func add(_ block: PartFooter.ColumnBlock, _ footer: PartFooter, _ rowBlock: Int) {
        if let number = block.sharedBitmap, let location = footer.rowBlocks[rowBlock].bitmaps[number],
            bitmaps.insert(number).inserted
        {
            blocks.append(("shared bitmap", location.byteCount))
        }
        guard let column = block.referenceColumn, columns.insert(column).inserted else { return }
        let reference = footer.columns[column].blocks[rowBlock]
        blocks.append((footer.columns[column].definition.name, reference.location.byteCount))
        if reference.needsCustomers, !needsCustomers {
            needsCustomers = true
            blocks.append(("customer directory", footer.rowBlocks[rowBlock].directory.byteCount))
        }
        add(reference, footer, rowBlock)
    }
}
