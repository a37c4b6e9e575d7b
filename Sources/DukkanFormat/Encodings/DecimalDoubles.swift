import CDukkanKernels

/// Doubles that came from decimal numbers, as integers and a power of ten: 12.34 is 1234 / 10^2, and division being
/// rounded correctly gives the same bits back as reading "12.34" did.
///
/// What does not come back bit for bit (-0.0, NaN, infinities, long fractions) is an exception and stored as it is.
///
/// The idea is that of "ALP: Adaptive Lossless floating-Point Compression" (Afroozeh et al. 2023); dividing instead of
/// multiplying by the inverse makes every decimal of up to 15 digits exact.
enum DecimalDoubles {
    /// 10^22 is the largest power of ten that a double holds exactly.
    static let scaleMax = 22
    /// The decoder's conversion needs |integer| <= 2^51.
    static let magnitudeMax = 2_251_799_813_685_248.0

    static let powers: [Double] = {
        var powers = [1.0]
        for _ in 0..<scaleMax { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()

    /// The integer that stands for a double at a scale; nil if none does.
    @inline(__always)
    static func integer(_ value: Double, power: Double) -> Int64? {
        let scaled = (value * power).rounded(.toNearestOrEven)
        guard scaled.magnitude <= magnitudeMax else { return nil }
        // -0.0 becomes 0 and comes back as 0.0, which the comparison of bits finds.
        let integer = Int64(scaled)
        return (Double(integer) / power).bitPattern == value.bitPattern ? integer : nil
    }

    /// The scale at which the most values of a sample are exact; nil if fewer than nine in ten are.
    static func scale(_ values: UnsafePointer<Double>, _ count: Int) -> Int? {
        let step = max(1, count / 256)
        var bestScale: Int?
        var bestMisses = count / step / 10 + 1
        for scale in 0...17 {
            var misses = 0
            var i = 0
            while i < count && misses < bestMisses {
                if integer(values[i], power: powers[scale]) == nil { misses += 1 }
                i += step
            }
            if misses < bestMisses {
                bestMisses = misses
                bestScale = scale
            }
            if misses == 0 { break }
        }
        return bestScale
    }
}

/// Doubles as bytes: a tag, then the form that it names.
enum DoubleStream {
    /// Scale, exceptions, stream of integers.
    static let decimalTag: UInt8 = 0
    /// Stream of the bit patterns.
    static let bitsTag: UInt8 = 1
    /// Width of the low parts, stream of the high parts, stream of the low parts of the bit patterns.
    static let splitTag: UInt8 = 2
    private static let lowWidth = 48

    static func encode(
        _ values: UnsafePointer<Double>, _ count: Int, into writer: inout ByteWriter, effort: EncodingEffort
    ) {
        guard count > 0 else { return }
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * count) { memory in
            let first = memory.baseAddress!, second = first + count
            for i in 0..<count { first[i] = Int64(bitPattern: values[i].bitPattern) }
            var best = ByteWriter()
            best.append(bitsTag)
            IntegerStream.encode(first, count, into: &best, effort: effort)
            if best.count > count * 3 {
                let mask = Int64(1) << Int64(lowWidth) - 1
                for i in 0..<count {
                    second[i] = first[i] & mask
                    first[i] >>= Int64(lowWidth)
                }
                var split = ByteWriter()
                split.append(splitTag)
                split.append(UInt8(lowWidth))
                IntegerStream.encode(first, count, into: &split, effort: effort)
                IntegerStream.encode(second, count, into: &split, effort: effort)
                if split.count < best.count { best = split }
            }
            if let scale = DecimalDoubles.scale(values, count) {
                let decimal = encodeDecimal(values, count, scale, integers: first, effort)
                if decimal.count < best.count { best = decimal }
            }
            writer.append(best.bytes)
        }
    }

    private static func encodeDecimal(
        _ values: UnsafePointer<Double>, _ count: Int, _ scale: Int, integers: UnsafeMutablePointer<Int64>,
        _ effort: EncodingEffort
    ) -> ByteWriter {
        var positions: [Int64] = []
        var exceptions: [Int64] = []
        let power = DecimalDoubles.powers[scale]
        var previous: Int64 = 0
        for i in 0..<count {
            if let integer = DecimalDoubles.integer(values[i], power: power) {
                previous = integer
            } else {
                positions.append(Int64(i))
                exceptions.append(Int64(bitPattern: values[i].bitPattern))
            }
            integers[i] = previous
        }
        var writer = ByteWriter()
        writer.append(decimalTag)
        writer.append(UInt8(scale))
        writer.appendVarint(positions.count)
        IntegerStream.encode(positions, positions.count, into: &writer, effort: effort)
        IntegerStream.encode(exceptions, exceptions.count, into: &writer, effort: effort)
        IntegerStream.encode(integers, count, into: &writer, effort: effort)
        return writer
    }

    static func decode(
        _ reader: inout ByteReader, _ count: Int, into out: UnsafeMutablePointer<Double>, scratch: ScratchArena
    ) throws(DukkanError) {
        guard count > 0 else { return }
        let tag = try reader.byte()
        scratch.note(0, tag == decimalTag ? "decimal" : tag == bitsTag ? "bits" : "split")
        // The integers are written where the doubles will stand: both have eight bytes.
        let integers = UnsafeMutableRawPointer(out).assumingMemoryBound(to: Int64.self)
        switch tag {
        case decimalTag:
            try decodeDecimal(&reader, count, integers, out, scratch)
        case bitsTag:
            try IntegerStream.decode(&reader, count, into: integers, scratch: scratch)
        case splitTag:
            let lowWidth = Int64(try reader.byte())
            guard lowWidth < 64 else { throw corrupt("a split at bit \(lowWidth)") }
            let lows = scratch.allocate(Int64.self, count)
            try IntegerStream.decode(&reader, count, into: integers, scratch: scratch)
            try IntegerStream.decode(&reader, count, into: lows, scratch: scratch)
            for i in 0..<count { integers[i] = (integers[i] &<< lowWidth) | lows[i] }
        default:
            throw corrupt("unknown form \(tag) of doubles")
        }
    }

    private static func decodeDecimal(
        _ reader: inout ByteReader, _ count: Int, _ integers: UnsafeMutablePointer<Int64>,
        _ out: UnsafeMutablePointer<Double>, _ scratch: ScratchArena
    ) throws(DukkanError) {
        let scale = Int(try reader.byte())
        guard scale <= DecimalDoubles.scaleMax else { throw corrupt("a scale of \(scale)") }
        let exceptionCount = try reader.count(count, "exceptions")
        let positions = scratch.allocate(Int64.self, exceptionCount)
        let exceptions = scratch.allocate(Int64.self, exceptionCount)
        try IntegerStream.decode(&reader, exceptionCount, into: positions, scratch: scratch)
        try IntegerStream.decode(&reader, exceptionCount, into: exceptions, scratch: scratch)
        for i in 0..<exceptionCount {
            guard positions[i] >= 0, positions[i] < Int64(count) else {
                throw corrupt("an exception outside its block")
            }
        }
        try IntegerStream.decode(&reader, count, into: integers, scratch: scratch)
        dukkan_divide_to_doubles(integers, count, DecimalDoubles.powers[scale], out)
        for i in 0..<exceptionCount {
            out[Int(positions[i])] = Double(bitPattern: UInt64(bitPattern: exceptions[i]))
        }
    }
}
