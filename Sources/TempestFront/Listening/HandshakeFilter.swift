// Ends the coming of new TCP connections to a socket that still listens, so that those which have come can be accepted before it is closed.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

#if os(Linux)
/// The system drops a client's first packet (SYN), as if it had been lost: the client sends it again a second later, to whoever listens then.
/// Handshakes that are under way come to their end. Closing the socket alone resets them, and all that wait to be accepted.
enum HandshakeFilter {
    /// As `struct sock_filter` of linux/filter.h.
    private struct Instruction {
        var code: UInt16
        var whenTrue: UInt8 = 0
        var whenFalse: UInt8 = 0
        var value: UInt32
    }

    /// As `struct sock_fprog`.
    private struct Program {
        var count: UInt16
        var instructions: UnsafeMutablePointer<Instruction>
    }

    static func attach(to descriptor: CInt) {
        let (loadByte, jumpIfSet, end): (UInt16, UInt16, UInt16) = (0x30, 0x45, 0x06)
        var instructions = [
            // The flags of the TCP header, at which a packet for a listening socket begins.
            Instruction(code: loadByte, value: 13),
            Instruction(code: jumpIfSet, whenTrue: 0, whenFalse: 1, value: 0x02),
            Instruction(code: end, value: 0),
            Instruction(code: end, value: .max),
        ]
        instructions.withUnsafeMutableBufferPointer { buffer in
            guard let first = buffer.baseAddress else { return }
            var program = Program(count: UInt16(buffer.count), instructions: first)
            // Where it is not allowed, connections that come in this very moment are reset.
            _ = setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, socklen_t(MemoryLayout<Program>.size))
        }
    }
}
#endif
