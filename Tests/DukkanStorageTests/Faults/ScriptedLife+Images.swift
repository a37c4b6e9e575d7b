import DukkanFormat
import DukkanStorage

/// Ends of the process and losses of power before every call of a step, and a second fault at every call of the recovery.
///
/// What a step has done to the disk is kept before each call, so one run shows all of them. A call that changes nothing
/// leaves what the call before has left, and is not tried a second time.
extension ScriptedLife.Stage {
    /// Losses of power tried for each image with chance in them.
    private static let chanceCount = 6

    struct ImageCase: Sendable {
        var image: SimulatedFileSystem.Image
        var expectation: FaultyShop.Expectation
        /// The call before which it happened.
        var operation: String
    }

    /// What the disk holds before each call that changed something, and in the end.
    func images() throws -> [ImageCase] {
        let shop = begin(faults: [:])
        shop.system.keepImages()
        try live(shop)
        return shop.system.takeImages().map { image in
            let operation = image.call < calls.count ? calls[image.call].operation.rawValue : "end"
            return ImageCase(image: image, expectation: shop.expectations[image.mark], operation: operation)
        }
    }

    func run(_ end: ImageCase, _ tally: FaultTally) {
        let name = "script/\(step.name)/before \(end.image.call)"
        guard FaultCampaign.includes(name) else { return }
        let seed = UInt64(end.image.call) << 16 | UInt64(number) << 8 | 0xFF
        var generator = SeededGenerator(seed: seed)
        var what = ""
        do {
            what = "end of the process"
            try inspect(end.image.disk, end, what, seed, tally)
            let mixed = Array(repeating: [SimulatedDisk.Survival.some, .stale], count: Self.chanceCount / 2).joined()
            let survivals = end.image.disk.isAllDurable ? [.none] : [.none, .all] + Array(mixed)
            for (number, survival) in survivals.enumerated() {
                what = "loss of power, \(survival) of what was not synchronised survives"
                let disk = end.image.disk.afterLossOfPower(survival, &generator)
                try inspect(disk, end, what, seed, tally)
                if number == 2 { try recover(disk, end, &generator, tally) }
            }
            what = "a second fault after the end of the process"
            try recover(end.image.disk, end, &generator, tally)
        } catch {
            tally.complain(
                FaultComplaint("\(what): \(error)"), in: name, trace: calls[..<end.image.call].map(\.description))
        }
    }

    private func inspect(
        _ disk: SimulatedDisk, _ end: ImageCase, _ what: String, _ seed: UInt64, _ tally: FaultTally
    ) throws {
        tally.add(what, at: "before \(end.operation)")
        let inspection = Inspection(expectation: end.expectation, options: FaultyShop.options)
        let result = try inspection.run(disk, seed: seed)
        // What the next writer has shown stays, whatever of its own changes a loss of power takes.
        var generator = SeededGenerator(seed: seed)
        let settled = FaultyShop.Expectation(
            committed: result.state, attempt: nil, isCreated: end.expectation.isCreated)
        guard !result.disk.isAllDurable else { return }
        for survival in SimulatedDisk.Survival.allCases {
            tally.add("loss of power after recovery", at: "before \(end.operation)")
            try Inspection(expectation: settled, options: FaultyShop.options, isThorough: false)
                .run(result.disk.afterLossOfPower(survival, &generator), seed: seed)
        }
    }

    /// A fault at each call of opening the store, one kind after the other; then it is opened without.
    private func recover(
        _ disk: SimulatedDisk, _ end: ImageCase, _ generator: inout SeededGenerator, _ tally: FaultTally
    ) throws {
        let plain = SimulatedFileSystem(seed: 1, disk: disk)
        do {
            try StoreCore.open(
                path: FaultyShop.path, readOnly: false, options: FaultyShop.options, fileSystem: plain
            ).close()
        } catch let error as DukkanError where error.code == .notFound && !end.expectation.isCreated {
            return
        }
        for call in plain.calls {
            // Where nothing changes one call in three stands for its like.
            if !call.operation.changesDisk && Int.random(in: 0..<3, using: &generator) > 0 { continue }
            let faults = SimulatedFault.possible(at: call.operation)
            let fault = faults[Int.random(in: 0..<faults.count, using: &generator)]
            let system = SimulatedFileSystem(seed: 1, disk: disk, faults: [call.number: fault])
            do {
                try StoreCore.open(
                    path: FaultyShop.path, readOnly: false, options: FaultyShop.options, fileSystem: system
                ).close()
            } catch let error as DukkanError {
                if fault.isHarmless || error.code != .inputOutput {
                    throw FaultComplaint("\(fault.name) while opening led to \(error)")
                }
            }
            tally.add("during recovery: " + fault.name, at: call.operation.rawValue)
            guard system.openCount == 0 else { throw FaultComplaint("descriptors are left open") }
            let left = fault == .crash ? system.disk.afterLossOfPower(.some, &generator) : system.disk
            let inspection = Inspection(
                expectation: end.expectation, options: FaultyShop.options, isThorough: false)
            try inspection.run(left, seed: generator.next())
        }
    }
}

extension ScriptedLife.Stage {
    /// Room for a part only of what the step writes: a step that fails leaves the store as it was, and once there is room
    /// it goes through.
    func run(spare: Int, _ tally: FaultTally) {
        let name = "script/\(step.name)/room for \(spare) bytes"
        guard FaultCampaign.includes(name) else { return }
        let shop = begin(faults: [:])
        let system = shop.system
        let capacity = system.usedByteCount + spare
        system.setCapacity(capacity)
        do {
            do {
                try live(shop)
            } catch let error as DukkanError where error.code == .inputOutput {}
            guard system.refusedForSpaceCount > 0 else { return }
            tally.add("disk full after some bytes", at: step.name)
            guard system.openCount == 0 else { throw FaultComplaint("descriptors are left open") }
            let inspection = Inspection(
                expectation: shop.expectation, options: shop.options, capacity: max(capacity, system.usedByteCount))
            let result = try inspection.run(system.disk, seed: UInt64(spare))
            guard shop.expectation.committed == begin(faults: [:]).expectation.committed, !isFirst else { return }
            // Nothing of the step went through: with room it does.
            let again = FaultyShop(
                system: SimulatedFileSystem(seed: 7, disk: result.disk), model: model, isCreated: true,
                options: shop.options)
            try live(again)
            try Inspection(expectation: again.expectation, options: shop.options, isThorough: false)
                .run(again.system.disk, seed: 8)
        } catch {
            tally.complain(error, in: name, trace: system.trace)
        }
    }
}
