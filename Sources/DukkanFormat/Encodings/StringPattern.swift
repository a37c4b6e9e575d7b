/// Strings of one length which differ only in digits at the same places, as UUIDs or padded order numbers: a template,
/// and the digits as numbers.
struct StringPattern {
    /// The fixed characters; what stands at the places of digits means nothing.
    private var template: [UInt8] = []
    /// Places of the digits, ascending.
    private var places: [Int] = []
    private var alphabet = Alphabet.decimal

    /// Longest string that is looked at.
    private static let lengthMax = 128

    /// The digits, ascending by their character, so that strings and numbers have the same order.
    private enum Alphabet: UInt8 {
        case decimal = 0
        case lowerHexadecimal = 1
        case upperHexadecimal = 2

        var radix: UInt64 { self == .decimal ? 10 : 16 }
        /// Digits in one number of 64 bits.
        var groupLength: Int { self == .decimal ? 18 : 16 }
        var digits: StaticString {
            switch self {
            case .decimal: "0123456789"
            case .lowerHexadecimal: "0123456789abcdef"
            case .upperHexadecimal: "0123456789ABCDEF"
            }
        }

        func value(_ character: UInt8) -> UInt64? {
            switch (self, character) {
            case (_, 0x30...0x39): UInt64(character - 0x30)
            case (.lowerHexadecimal, 0x61...0x66): UInt64(character - 0x61 + 10)
            case (.upperHexadecimal, 0x41...0x46): UInt64(character - 0x41 + 10)
            default: nil
            }
        }
    }

    /// The pattern of a list; nil if it has none.
    ///
    /// O(bytes), ends early for lists of other kinds.
    init?(_ strings: StringDictionary) {
        let count = strings.count
        guard count >= 2 else { return nil }
        let length = Int(strings.offsets[1])
        guard (1...StringPattern.lengthMax).contains(length), strings.bytes.count == length * count else { return nil }
        for i in 0...count where Int(strings.offsets[i]) != i * length { return nil }
        template = Array(strings.bytes[0..<length])
        var varies = [Bool](repeating: false, count: length)
        var classes = [UInt8](repeating: 0, count: length)
        let known = strings.bytes.withUnsafeBufferPointer { bytes in
            for i in 0..<count {
                for place in 0..<length {
                    let character = bytes[i * length + place]
                    if character == template[place] { continue }
                    let kind = StringPattern.classOf(character) | StringPattern.classOf(template[place])
                    // A character that is no digit, or hexadecimal ones of both cases.
                    if kind & 8 != 0 { return false }
                    varies[place] = true
                    classes[place] |= kind
                }
            }
            return true
        }
        guard known else { return nil }
        let all = classes.reduce(0, |)
        guard all & 6 != 6 else { return nil }
        alphabet = all & 2 != 0 ? .lowerHexadecimal : all & 4 != 0 ? .upperHexadecimal : .decimal
        places = (0..<length).filter { varies[$0] }
    }

    private static func classOf(_ character: UInt8) -> UInt8 {
        switch character {
        case 0x30...0x39: 1
        case 0x61...0x66: 2
        case 0x41...0x46: 4
        default: 8
        }
    }

    private var groups: [ArraySlice<Int>] {
        stride(from: 0, to: places.count, by: alphabet.groupLength).map {
            places[$0..<min($0 + alphabet.groupLength, places.count)]
        }
    }

    func encode(_ strings: StringDictionary, into writer: inout ByteWriter, effort: EncodingEffort) {
        let count = strings.count, length = template.count
        writer.append(UInt8(length))
        writer.append(alphabet.rawValue)
        writer.append(template)
        writer.fill((length + 7) / 8) { bitmap in
            for place in places { bitmap[place >> 3] |= 1 << UInt8(place & 7) }
        }
        var numbers = [Int64](repeating: 0, count: count)
        for group in groups {
            for i in 0..<count {
                var number: UInt64 = 0
                for place in group {
                    number = number &* alphabet.radix &+ (alphabet.value(strings.bytes[i * length + place]) ?? 0)
                }
                numbers[i] = Int64(bitPattern: number)
            }
            IntegerStream.encode(numbers, count, into: &writer, effort: effort)
        }
    }

    /// Reads the template.
    init(_ reader: inout ByteReader) throws(DukkanError) {
        let length = Int(try reader.byte())
        guard length <= StringPattern.lengthMax else { throw corrupt("a template of \(length) characters") }
        let code = try reader.byte()
        guard let alphabet = Alphabet(rawValue: code) else { throw corrupt("unknown digits \(code) of a template") }
        self.alphabet = alphabet
        template = Array(UnsafeBufferPointer(start: try reader.take(length), count: length))
        let bitmap = try reader.take((length + 7) / 8)
        places = (0..<length).filter { bitmap[$0 >> 3] >> UInt8($0 & 7) & 1 != 0 }
    }

    /// Reads `count` strings behind the template.
    func decode(
        _ reader: inout ByteReader, _ count: Int, _ scratch: ScratchArena
    ) throws(DukkanError) -> StringDictionary {
        let length = template.count
        guard count * length <= PartLimits.dictionaryByteCountMax else { throw corrupt("too many bytes of strings") }
        let groups = groups
        var numbers: [UnsafeMutablePointer<Int64>] = []
        for _ in groups {
            let values = scratch.allocate(Int64.self, count)
            try IntegerStream.decode(&reader, count, into: values, scratch: scratch)
            numbers.append(values)
        }
        for (group, values) in zip(groups, numbers) {
            var limit: UInt64 = 1
            for _ in group { limit = limit &* alphabet.radix }
            // 16 hexadecimal digits fill the whole word.
            if limit == 0 { continue }
            for i in 0..<count where UInt64(bitPattern: values[i]) >= limit {
                throw corrupt("a number with more digits than its template")
            }
        }
        guard StringPattern.ascend(numbers, count) else { throw corrupt("strings that are not in order") }
        let bytes = [UInt8](unsafeUninitializedCapacity: count * length) { out, written in
            write(groups, numbers, count, to: out.baseAddress!)
            written = count * length
        }
        let offsets = (0...count).map { UInt32($0 * length) }
        return StringDictionary(offsets: offsets, bytes: bytes, isSorted: true)
    }

    private func write(
        _ groups: [ArraySlice<Int>], _ numbers: [UnsafeMutablePointer<Int64>], _ count: Int,
        to out: UnsafeMutablePointer<UInt8>
    ) {
        let length = template.count
        template.withUnsafeBufferPointer { template in
            for i in 0..<count { (out + i * length).update(from: template.baseAddress!, count: length) }
        }
        let digits = alphabet.digits.utf8Start
        for (group, values) in zip(groups, numbers) {
            let reversed = Array(group.reversed())
            let decimal = alphabet == .decimal
            for i in 0..<count {
                var rest = UInt64(bitPattern: values[i])
                let string = out + i * length
                for place in reversed {
                    string[place] = digits[Int(truncatingIfNeeded: decimal ? rest % 10 : rest & 15)]
                    rest = decimal ? rest / 10 : rest >> 4
                }
            }
        }
    }

    private static func ascend(_ numbers: [UnsafeMutablePointer<Int64>], _ count: Int) -> Bool {
        for i in 1..<max(count, 1) {
            var greater = false
            for values in numbers {
                let a = UInt64(bitPattern: values[i - 1]), b = UInt64(bitPattern: values[i])
                if a == b { continue }
                greater = a < b
                break
            }
            if !greater { return false }
        }
        return true
    }
}
