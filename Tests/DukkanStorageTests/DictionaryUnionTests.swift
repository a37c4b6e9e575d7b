import DukkanFormat
import Testing

@testable import DukkanStorage

/// The union of dictionaries holds each string once, in order, and says where the strings of each input went.
@Suite struct DictionaryUnionTests {
    @Test func unitesWhateverTheInputsShare() {
        var random = SeededGenerator(seed: 7)
        for inputCount in [2, 3, 4, 5, 8, 9, 33] {
            let inputs = (0..<inputCount).map { _ in
                let count = Int.random(in: 0...40, using: &random)
                let strings = Set(
                    (0..<count).map { _ in
                        String(repeating: "é", count: Int.random(in: 0...3, using: &random))
                            + "\(Int.random(in: 0..<60, using: &random))"
                    })
                return StringDictionary(strings.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
            }
            let union = DictionaryUnion(inputs)
            let all = Set(inputs.flatMap { input in (0..<input.count).map { input.string($0) } })
            let expected = all.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect((0..<union.dictionary.count).map { union.dictionary.string($0) } == expected)
            #expect(union.dictionary.isSorted)
            for (input, map) in zip(inputs, union.maps) {
                for code in 0..<input.count {
                    let new = map.map { Int($0[code]) } ?? code
                    #expect(union.dictionary.string(new) == input.string(code))
                }
            }
        }
    }

    @Test func aDictionaryAloneStaysAsItIs() {
        let only = StringDictionary(["a", "b"])
        let union = DictionaryUnion([only, only])
        #expect(union.dictionary === only)
        #expect(union.maps.allSatisfy { $0 == nil })
        #expect(DictionaryUnion([]).dictionary.count == 0)
    }
}
