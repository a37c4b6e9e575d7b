import CDukkanKernels

/// What a stream decodes into: 64-bit integers, or codes of 32 bits, which keep the low half of each value.
protocol StreamElement: FixedWidthInteger, BitwiseCopyable {
    /// Unpacks a vertical mini-block: writes 1,024 values.
    static func unpackVertical(
        _ bytes: UnsafePointer<UInt8>, _ width: Int, _ reference: Int64, _ out: UnsafeMutablePointer<Self>)
    static func unpackHorizontal(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ width: Int, _ reference: Int64, _ out: UnsafeMutablePointer<Self>
    )
    static func scale(_ values: UnsafeMutablePointer<Self>, _ count: Int, multiplier: UInt64, addend: Int64)
    static func runningSums(_ values: UnsafeMutablePointer<Self>, _ count: Int, first: Int64)
    /// Adds `highs << shift` to the values whose bit is set, one high part after the other.
    static func addSpread(
        _ highs: UnsafePointer<Int64>, _ bits: UnsafePointer<UInt64>, _ count: Int, _ shift: Int,
        _ out: UnsafeMutablePointer<Self>)
    /// The next of `values` for each row whose bit is set, `absent` for the others.
    static func spread(
        _ values: UnsafePointer<Self>, _ bits: UnsafePointer<UInt64>, _ count: Int, absent: Self,
        _ out: UnsafeMutablePointer<Self>)
    /// The next of `values` for each row whose bit is set, which begins a run, and the same for the rows behind it.
    ///
    /// Bit 0 is set, and bits past `count` are not.
    static func fillForward(
        _ values: UnsafePointer<Self>, _ bits: UnsafePointer<UInt64>, _ count: Int, _ out: UnsafeMutablePointer<Self>)
    /// Writes eight equal values.
    static func storeEight(_ value: Self, _ out: UnsafeMutablePointer<Self>)
}

extension Int64: StreamElement {
    static func unpackVertical(
        _ bytes: UnsafePointer<UInt8>, _ width: Int, _ reference: Int64, _ out: UnsafeMutablePointer<Int64>
    ) {
        dukkan_unpack_integers(bytes, UInt32(width), UInt64(bitPattern: reference), out)
    }

    static func unpackHorizontal(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ width: Int, _ reference: Int64,
        _ out: UnsafeMutablePointer<Int64>
    ) {
        dukkan_unpack_tail_integers(bytes, count, UInt32(width), UInt64(bitPattern: reference), out)
    }

    static func scale(_ values: UnsafeMutablePointer<Int64>, _ count: Int, multiplier: UInt64, addend: Int64) {
        dukkan_scale(values, count, multiplier, UInt64(bitPattern: addend))
    }

    static func runningSums(_ values: UnsafeMutablePointer<Int64>, _ count: Int, first: Int64) {
        dukkan_running_sums(values, count, first)
    }

    static func addSpread(
        _ highs: UnsafePointer<Int64>, _ bits: UnsafePointer<UInt64>, _ count: Int, _ shift: Int,
        _ out: UnsafeMutablePointer<Int64>
    ) {
        dukkan_spread_add_integers(highs, bits, count, UInt32(shift), out)
    }

    static func spread(
        _ values: UnsafePointer<Int64>, _ bits: UnsafePointer<UInt64>, _ count: Int, absent: Int64,
        _ out: UnsafeMutablePointer<Int64>
    ) {
        dukkan_spread_integers(values, bits, count, absent, out)
    }

    static func fillForward(
        _ values: UnsafePointer<Int64>, _ bits: UnsafePointer<UInt64>, _ count: Int, _ out: UnsafeMutablePointer<Int64>
    ) {
        dukkan_fill_forward_integers(values, bits, count, out)
    }

    @inline(__always)
    static func storeEight(_ value: Int64, _ out: UnsafeMutablePointer<Int64>) {
        UnsafeMutableRawPointer(out).storeBytes(of: SIMD8(repeating: value), as: SIMD8<Int64>.self)
    }
}

extension UInt32: StreamElement {
    static func unpackVertical(
        _ bytes: UnsafePointer<UInt8>, _ width: Int, _ reference: Int64, _ out: UnsafeMutablePointer<UInt32>
    ) {
        if width <= 32 {
            dukkan_unpack_codes(bytes, UInt32(width), UInt32(truncatingIfNeeded: reference), out)
        } else {
            unpackWide(bytes, width, UInt32(truncatingIfNeeded: reference), out)
        }
    }

    static func unpackHorizontal(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ width: Int, _ reference: Int64,
        _ out: UnsafeMutablePointer<UInt32>
    ) {
        dukkan_unpack_tail_codes(bytes, count, UInt32(width), UInt32(truncatingIfNeeded: reference), out)
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

    static func addSpread(
        _ highs: UnsafePointer<Int64>, _ bits: UnsafePointer<UInt64>, _ count: Int, _ shift: Int,
        _ out: UnsafeMutablePointer<UInt32>
    ) {
        dukkan_spread_add_codes(highs, bits, count, UInt32(shift), out)
    }

    static func spread(
        _ values: UnsafePointer<UInt32>, _ bits: UnsafePointer<UInt64>, _ count: Int, absent: UInt32,
        _ out: UnsafeMutablePointer<UInt32>
    ) {
        dukkan_spread_codes(values, bits, count, absent, out)
    }

    static func fillForward(
        _ values: UnsafePointer<UInt32>, _ bits: UnsafePointer<UInt64>, _ count: Int,
        _ out: UnsafeMutablePointer<UInt32>
    ) {
        dukkan_fill_forward_codes(values, bits, count, out)
    }

    @inline(__always)
    static func storeEight(_ value: UInt32, _ out: UnsafeMutablePointer<UInt32>) {
        UnsafeMutableRawPointer(out).storeBytes(of: SIMD8(repeating: value), as: SIMD8<UInt32>.self)
    }
}

extension PackedEncoding {
    /// - Parameter wanted: a bit for each mini-block to be unpacked, the last one for all from the 64th on; the values of the
    ///   others are left as they are.
    static func decode<Output: StreamElement>(
        _ reader: inout ByteReader, _ count: Int, miniBlocks wanted: UInt64 = ~0,
        into out: UnsafeMutablePointer<Output>, scratch: ScratchArena
    ) throws(DukkanError) {
        var reference: Int64 = 0
        var start = 0
        while start < count {
            let length = min(PartLimits.miniBlockValueCount, count - start)
            let form = try reader.byte()
            let width = Int(form & 0x7F)
            guard width <= 64 else { throw corrupt("a width of \(width) bits") }
            reference = reference &+ (try reader.signed())
            let packed = try reader.take(packedByteCount(length, width))
            if wanted >> UInt64(min(start / PartLimits.miniBlockValueCount, 63)) & 1 == 0 {
                if form & patchedFlag != 0 { _ = try Patches(&reader, length, width) }
                start += length
                continue
            }
            if length == PartLimits.miniBlockValueCount {
                Output.unpackVertical(packed, width, reference, out + start)
            } else if length >= verticalCountMin {
                // The kernel writes more values than `out` has room for.
                let full = scratch.allocate(Output.self, PartLimits.miniBlockValueCount)
                Output.unpackVertical(packed, width, reference, full)
                (out + start).update(from: full, count: length)
            } else {
                Output.unpackHorizontal(packed, length, width, reference, out + start)
            }
            // Only now, since what was just unpacked brings them into the cache.
            if form & patchedFlag != 0 {
                try Patches(&reader, length, width).apply(length, width, out + start, scratch)
            }
            start += length
        }
    }

    /// What is added to some values of a mini-block, as it is written.
    private struct Patches {
        let count: Int
        let gapWidth: UInt8
        let places: UnsafePointer<UInt8>
        let placeByteCount: Int
        let base: UInt64
        let highWidth: Int
        let packed: UnsafePointer<UInt8>

        init(_ reader: inout ByteReader, _ valueCount: Int, _ width: Int) throws(DukkanError) {
            count = try reader.count(valueCount - 1, "patches of a mini-block") + 1
            guard width < 64 else { throw corrupt("patches beside values of 64 bits") }
            gapWidth = try reader.byte()
            guard gapWidth <= 10 || gapWidth == bitmapForm else { throw corrupt("gaps of \(gapWidth) bits") }
            placeByteCount = gapWidth == bitmapForm ? (valueCount + 7) / 8 : (count * Int(gapWidth) + 7) / 8
            places = try reader.take(placeByteCount)
            base = try reader.varint()
            highWidth = Int(try reader.byte())
            guard highWidth <= 64 else { throw corrupt("patches of \(highWidth) bits") }
            packed = try reader.take((count * highWidth + 7) / 8)
        }

        func apply<Output: StreamElement>(
            _ valueCount: Int, _ width: Int, _ out: UnsafeMutablePointer<Output>, _ scratch: ScratchArena
        ) throws(DukkanError) {
            let (highs, memory) = scratch.patches
            dukkan_unpack_tail_integers(packed, count, UInt32(highWidth), base, highs)
            if gapWidth == bitmapForm {
                let words = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt64.self)
                words[(valueCount - 1) / 64] = 0
                UnsafeMutableRawPointer(words).copyMemory(from: places, byteCount: placeByteCount)
                if valueCount & 63 != 0 { words[(valueCount - 1) / 64] &= (1 << UInt64(valueCount & 63)) - 1 }
                guard dukkan_count_bits(words, (valueCount + 63) / 64) == count else {
                    throw corrupt("patches other than stated")
                }
                Output.addSpread(highs, words, valueCount, width, out)
            } else {
                let positions = memory
                dukkan_unpack_tail_integers(places, count, UInt32(gapWidth), 1, positions)
                dukkan_running_sums(positions, count, -1)
                guard positions[count - 1] < Int64(valueCount) else {
                    throw corrupt("a patch outside its mini-block")
                }
                let shift = Int64(width)
                for i in 0..<count {
                    let position = Int(positions[i])
                    out[position] = out[position] &+ Output(truncatingIfNeeded: highs[i] &<< shift)
                }
            }
        }
    }
}
