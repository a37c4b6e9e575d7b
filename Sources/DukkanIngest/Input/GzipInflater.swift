import CZlib
import DukkanFormat

/// Unpacks gzip data, also of several members one after the other.
final class GzipInflater {
    static let inputBytes = 256 << 10

    private var stream = z_stream()
    private var input: UnsafeMutableRawBufferPointer
    private var isMemberOpen = true
    private var isAtEnd = false

    /// `head`: bytes of the data that were read already.
    init(head: [UInt8]) throws {
        input = .allocate(byteCount: GzipInflater.inputBytes, alignment: 16)
        input.copyBytes(from: head)
        // 16 asks for the gzip form, 15 is the largest window.
        guard inflateInit2_(&stream, 16 + 15, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            input.deallocate()
            throw DukkanError(.inputOutput, "zlib cannot be started")
        }
        stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_in = UInt32(head.count)
    }

    deinit {
        inflateEnd(&stream)
        input.deallocate()
    }

    /// Writes unpacked bytes; 0 at the end only.
    ///
    /// `readMore` reads packed ones, 0 at the end.
    func read(
        into output: UnsafeMutableRawBufferPointer, readMore: (UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> Int {
        let wanted = min(output.count, 1 << 30)
        stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(wanted)
        while Int(stream.avail_out) == wanted, !isAtEnd, wanted > 0 {
            if stream.avail_in == 0 {
                let got = try readMore(input)
                stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_in = UInt32(got)
                if got == 0 {
                    if isMemberOpen { throw DukkanError(.invalidInput, "the gzip data end too early") }
                    isAtEnd = true
                    break
                }
            }
            if !isMemberOpen {
                // Padding of zeros behind the last member is common on tapes and block devices.
                if stream.next_in.pointee == 0 {
                    stream.next_in += 1
                    stream.avail_in -= 1
                    continue
                }
                inflateReset(&stream)
                isMemberOpen = true
            }
            switch inflate(&stream, Z_NO_FLUSH) {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: isMemberOpen = false
            default:
                let reason = stream.msg.map { String(cString: $0) } ?? "unknown form"
                throw DukkanError(.invalidInput, "the gzip data are damaged: \(reason)")
            }
        }
        return wanted - Int(stream.avail_out)
    }
}
