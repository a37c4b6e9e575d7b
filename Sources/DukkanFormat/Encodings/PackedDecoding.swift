import CDukkanKernels

/// What a stream decodes into: 64-bit integers, or codes of 32 bits, which keep the low half of each value.
protocol StreamElement: FixedWidthInteger, BitwiseCopyable {
    static func unpack(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ width: Int, _ reference: Int64, _ out: UnsafeMutablePointer<Self>
    )
    static func scale(_ values: UnsafeMutablePointer<Self>, _ count: Int, multiplier: UInt64, addend: Int64)
    static func runningSums(_ values: UnsafeMutablePointer<Self>, _ count: Int, first: Int64)
    /// Writes eight equal values.
    static func storeEight(_ value: Self, _ out: UnsafeMutablePointer<Self>)
}

extension Int64: StreamElement {
    @inline(__always)
    static func unpack(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ width: Int, _ reference: Int64,
        _ out: UnsafeMutablePointer<Int64>
    ) {
        if count == PartLimits.miniBlockValueCount {
            dukkan_unpack_integers(bytes, UInt32(width), UInt64(bitPattern: reference), out)
        } else {
            dukkan_unpack_tail_integers(bytes, count, UInt32(width), UInt64(bitPattern: reference), out)
        }
    }

    static func scale(_ values: UnsafeMutablePointer<Int64>, _ count: Int, multiplier: UInt64, addend: Int64) {
        dukkan_scale(values, count, multiplier, UInt64(bitPattern: addend))
    }

    static func runningSums(_ values: UnsafeMutablePointer<Int64>, _ count: Int, first: Int64) {
        dukkan_running_sums(values, count, first)
    }

    @inline(__always)
    static func storeEight(_ value: Int64, _ out: UnsafeMutablePointer<Int64>) {
        UnsafeMutableRawPointer(out).storeBytes(of: SIMD8(repeating: value), as: SIMD8<Int64>.self)
    }
}

extension UInt32: StreamElement {
    @inline(__always)
    static func unpack(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ width: Int, _ reference: Int64,
        _ out: UnsafeMutablePointer<UInt32>
    ) {
        let reference = UInt32(truncatingIfNeeded: reference)
        if count != PartLimits.miniBlockValueCount {
            dukkan_unpack_tail_codes(bytes, count, UInt32(width), reference, out)
        } else if width <= 32 {
            dukkan_unpack_codes(bytes, UInt32(width), reference, out)
        } else {
            unpackWide(bytes, width, reference, out)
        }
    }

    /// Codes never need more than 32 bits, but a file may say so: correct, not fast.
    @inline(never)
    private static func unpackWide(
        _ bytes: UnsafePointer<UInt8>, _ width: Int, _ reference: UInt32, _ out: UnsafeMutablePointer<UInt32>
    ) {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: PartLimits.miniBlockValueCount) { wide in
            dukkan_unpack_integers(bytes, UInt32(width), UInt64(reference), wide.baseAddress!)
            for i in 0..<PartLimits.miniBlockValueCount { out[i] = UInt32(truncatingIfNeeded: wide[i]) }
        }
    }

    static func scale(_ values: UnsafeMutablePointer<UInt32>, _ count: Int, multiplier: UInt64, addend: Int64) {
        let factor = UInt32(truncatingIfNeeded: multiplier), addend = UInt32(truncatingIfNeeded: addend)
        for i in 0..<count { values[i] = values[i] &* factor &+ addend }
    }

    static func runningSums(_ values: UnsafeMutablePointer<UInt32>, _ count: Int, first: Int64) {
        var sum = UInt32(truncatingIfNeeded: first)
        for i in 0..<count {
            sum = sum &+ values[i]
            values[i] = sum
        }
    }

    @inline(__always)
    static func storeEight(_ value: UInt32, _ out: UnsafeMutablePointer<UInt32>) {
        UnsafeMutableRawPointer(out).storeBytes(of: SIMD8(repeating: value), as: SIMD8<UInt32>.self)
    }
}

extension PackedEncoding {
    static func decode<Output: StreamElement>(
        _ reader: inout ByteReader, _ count: Int, into out: UnsafeMutablePointer<Output>
    ) throws(DukkanError) {
        var reference: Int64 = 0
        var start = 0
        while start < count {
            let length = min(PartLimits.miniBlockValueCount, count - start)
            let form = try reader.byte()
            let width = Int(form & 0x7F)
            guard width <= 64 else { throw corrupt("a width of \(width) bits") }
            reference = reference &+ (try reader.signed())
            let packed = try reader.take((length * width + 7) / 8)
            Output.unpack(packed, length, width, reference, out + start)
            if form & patchedFlag != 0 {
                try applyPatches(&reader, length, width, out + start)
            }
            start += length
        }
    }

    @inline(never)
    private static func applyPatches<Output: StreamElement>(
        _ reader: inout ByteReader, _ count: Int, _ width: Int, _ out: UnsafeMutablePointer<Output>
    ) throws(DukkanError) {
        let patchCount = try reader.count(count - 1, "patches of a mini-block") + 1
        guard width < 64 else { throw corrupt("patches beside values of 64 bits") }
        var failure: DukkanError?
        // A mini-block's gaps and high parts take 16 KiB at most.
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * PartLimits.miniBlockValueCount) { memory in
            let positions = memory.baseAddress!, highs = positions + PartLimits.miniBlockValueCount
            do throws(DukkanError) {
                try readPositions(&reader, patchCount, count, positions)
                let base = try reader.varint()
                let highWidth = Int(try reader.byte())
                guard highWidth <= 64 else { throw corrupt("patches of \(highWidth) bits") }
                let packed = try reader.take((patchCount * highWidth + 7) / 8)
                dukkan_unpack_tail_integers(packed, patchCount, UInt32(highWidth), base, highs)
            } catch {
                failure = error
                return
            }
            let shift = Int64(width)
            for i in 0..<patchCount {
                let position = Int(positions[i])
                out[position] = out[position] &+ Output(truncatingIfNeeded: highs[i] &<< shift)
            }
        }
        if let failure { throw failure }
    }

    private static func readPositions(
        _ reader: inout ByteReader, _ patchCount: Int, _ count: Int, _ positions: UnsafeMutablePointer<Int64>
    ) throws(DukkanError) {
        let gapWidth = try reader.byte()
        if gapWidth == bitmapForm {
            let bitmap = try reader.take((count + 7) / 8)
            var found = 0
            for index in 0..<(count + 7) / 8 {
                var byte = bitmap[index]
                while byte != 0 {
                    guard found < patchCount else { throw corrupt("more patches than stated") }
                    positions[found] = Int64(index * 8 + byte.trailingZeroBitCount)
                    found += 1
                    byte &= byte &- 1
                }
            }
            guard found == patchCount, positions[found - 1] < Int64(count) else { throw corrupt("misplaced patches") }
            return
        }
        guard gapWidth <= 10 else { throw corrupt("gaps of \(gapWidth) bits") }
        let packed = try reader.take((patchCount * Int(gapWidth) + 7) / 8)
        dukkan_unpack_tail_integers(packed, patchCount, UInt32(gapWidth), 1, positions)
        dukkan_running_sums(positions, patchCount, -1)
        guard positions[patchCount - 1] < Int64(count) else { throw corrupt("a patch outside its mini-block") }
    }
}
