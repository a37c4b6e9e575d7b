import DukkanFormat
import DukkanStorage

/// A short life of a store, in steps that each begin with opening it: every fault at every call of every step.
struct ScriptedLife: Sendable {
    struct Step: Sendable {
        var name: String
        var body: @Sendable (FaultyShop) throws -> Void
    }

    /// A step, with what is there when it begins, and the calls that it makes without a fault.
    struct Stage: Sendable {
        var number: Int
        var step: Step
        var disk: SimulatedDisk
        var model: ShopModel
        var calls: [SimulatedFileSystem.Call]

        var isFirst: Bool { number == 0 }
    }

    static let steps: [Step] = [
        Step(name: "create") { try $0.create() },
        Step(name: "table") {
            try $0.make(ShopModel.shops[0])
            try $0.commit()
        },
        // Many rows in several calls: several parts in one transaction.
        Step(name: "import") { shop in
            try shop.make(ShopModel.shops[1])
            for seed in 0..<5 { try shop.append(Rows.random(18, seed: UInt64(seed), keys: 70), ShopModel.shops[0]) }
            try shop.append(Rows.random(50, seed: 9), ShopModel.shops[1])
            try shop.commit()
        },
        Step(name: "replace") { shop in
            try shop.append(Rows.random(30, seed: 10, keys: 70), ShopModel.shops[0])
            try shop.commit()
        },
        // Enough small commits in one handle for merges of parts and of deletion files.
        Step(name: "commits") { shop in
            for seed in 20..<33 {
                try shop.append(Rows.random(4, seed: UInt64(seed), keys: 70), ShopModel.shops[0])
                try shop.commit()
            }
        },
        Step(name: "column") { shop in
            try shop.append(Rows.random(5, seed: 40, keys: 70), ShopModel.shops[0])
            try shop.widen(ShopModel.shops[0])
            try shop.append(Rows.random(10, seed: 41, keys: 70), ShopModel.shops[0])
            try shop.commit()
        },
        Step(name: "rollback") { shop in
            try shop.append(Rows.random(45, seed: 50, keys: 70), ShopModel.shops[0])
            try shop.rollback()
            try shop.append(Rows.random(3, seed: 51, keys: 70), ShopModel.shops[1])
            try shop.commit()
        },
        Step(name: "compact") { try $0.compact() },
        Step(name: "erase") { try $0.erase(["3", "11"]) },
        Step(name: "drop") { shop in
            try shop.drop(ShopModel.shops[1])
            try shop.make(ShopModel.shops[1], isWide: true)
            try shop.append(Rows.random(6, seed: 60), ShopModel.shops[1])
            try shop.commit()
        },
        Step(name: "reopen") { _ in },
    ]

    let stages: [Stage]

    /// Lives through the steps without a fault.
    init() throws {
        var stages: [Stage] = []
        var disk = SimulatedDisk()
        var model = ShopModel()
        for (number, step) in ScriptedLife.steps.enumerated() {
            var stage = Stage(number: number, step: step, disk: disk, model: model, calls: [])
            let shop = stage.begin(faults: [:])
            try stage.live(shop)
            stage.calls = shop.system.calls
            stages.append(stage)
            disk = shop.system.disk
            model = shop.model
            try Inspection(expectation: shop.expectation, options: shop.options).run(disk, seed: 1)
        }
        self.stages = stages
    }
}

extension ScriptedLife.Stage {
    func begin(faults: [Int: SimulatedFault]) -> FaultyShop {
        let system = SimulatedFileSystem(seed: UInt64(1_000 + number), disk: disk, faults: faults)
        return FaultyShop(system: system, model: model, isCreated: !isFirst, options: FaultyShop.options)
    }

    /// Opens the store, takes the step and closes it, also when it throws.
    func live(_ shop: FaultyShop) throws {
        defer { shop.close() }
        if !isFirst { try shop.open() }
        try step.body(shop)
    }

    /// The faults that can happen at a call, without those that images show.
    func faults(at call: Int) -> [SimulatedFault] {
        SimulatedFault.possible(at: calls[call].operation).filter { $0 != .crash && $0 != .death }
    }

    /// One fault at one call; then the store is looked at, as the next process finds it and as it is after a loss of power.
    func run(_ fault: SimulatedFault, at call: Int, _ tally: FaultTally) {
        let name = "script/\(step.name)/\(call)/\(fault.name)"
        guard FaultCampaign.includes(name) else { return }
        let shop = begin(faults: [call: fault])
        let system = shop.system
        do {
            var failure: (any Error)?
            do { try live(shop) } catch { failure = error }
            tally.add(system.events)
            try judge(failure, of: fault)
            guard system.openCount == 0 else { throw FaultComplaint("\(system.openCount) descriptors are left open") }
            let inspection = Inspection(expectation: shop.expectation, options: shop.options)
            let seed = UInt64(call) << 8 | UInt64(number)
            let result = try inspection.run(system.disk, seed: seed)
            if fault.isFailedSync(at: calls[call].operation) {
                try inspectAfterLossOfPower(shop, system.disk, seed)
                // What the next writer has shown must stay.
                var settled = inspection
                settled = Inspection(
                    expectation: .init(committed: result.state, attempt: nil, isCreated: !isFirst),
                    options: shop.options, isThorough: false)
                var generator = SeededGenerator(seed: seed)
                for survival in SimulatedDisk.Survival.allCases {
                    try settled.run(result.disk.afterLossOfPower(survival, &generator), seed: seed)
                }
            }
        } catch {
            tally.complain(error, in: name, trace: system.trace)
        }
    }

    /// A call that fails once: the same handle commits again, and the step goes through, unless a synchronisation or a
    /// rename was lost.
    func runAgain(_ fault: SimulatedFault, at call: Int, _ tally: FaultTally) {
        let name = "script/\(step.name)/\(call)/\(fault.name), again"
        guard FaultCampaign.includes(name) else { return }
        let shop = begin(faults: [call: fault])
        shop.commitsAgain = true
        let system = shop.system
        do {
            var failure: (any Error)?
            do { try live(shop) } catch { failure = error }
            tally.add(system.events)
            try judge(failure, of: fault)
            guard system.openCount == 0 else { throw FaultComplaint("\(system.openCount) descriptors are left open") }
            try Inspection(expectation: shop.expectation, options: shop.options, isThorough: false)
                .run(system.disk, seed: UInt64(call))
        } catch {
            tally.complain(error, in: name, trace: system.trace)
        }
    }

    private func inspectAfterLossOfPower(_ shop: FaultyShop, _ disk: SimulatedDisk, _ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for survival in SimulatedDisk.Survival.allCases {
            try Inspection(expectation: shop.expectation, options: shop.options, isThorough: false)
                .run(disk.afterLossOfPower(survival, &generator), seed: seed)
        }
    }

    /// Which error a fault may lead to.
    private func judge(_ failure: (any Error)?, of fault: SimulatedFault) throws {
        guard let failure else { return }
        if failure is FaultComplaint { throw failure }
        guard let error = failure as? DukkanError else { throw FaultComplaint("another error: \(failure)") }
        if fault.isHarmless { throw FaultComplaint("\(fault.name) was not borne: \(error)") }
        guard [.inputOutput, .outcomeUnknown, .alreadyExists].contains(error.code) else {
            throw FaultComplaint("\(fault.name) led to \(error.code): \(error)")
        }
    }
}
