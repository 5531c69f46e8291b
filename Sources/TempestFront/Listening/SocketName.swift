// The address of a socket as the system has it.

#if os(Linux)
// The whole module compiled at once takes some of C's types for those of NIO's own headers.
import CNIOLinux
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

struct SocketName {
    private var storage = sockaddr_storage()
    private let length: socklen_t

    var family: CInt { CInt(storage.ss_family) }

    init(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) {
        self.length = length
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min($0.count, Int(length))))
        }
    }

    private init<Address>(_ address: Address, length: Int = MemoryLayout<Address>.size) {
        self.length = socklen_t(length)
        withUnsafeMutableBytes(of: &storage) { storage in
            withUnsafeBytes(of: address) { storage.copyMemory(from: $0) }
        }
    }

    static func four(_ address: in_addr, port: Int) -> SocketName {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(port).bigEndian
        name.sin_addr = address
        return SocketName(name)
    }

    static func six(_ address: in6_addr, port: Int) -> SocketName {
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = in_port_t(port).bigEndian
        name.sin6_addr = address
        return SocketName(name)
    }

    /// - Parameter path: of at most 107 bytes; one that begins with a zero byte is abstract: a name without a file.
    init(unix path: String) {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8.prefix(MemoryLayout.size(ofValue: name.sun_path) - 1))
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        let offset = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: name.sun_path)
        // An abstract name is exactly its bytes; a path ends with a zero.
        self.init(name, length: offset + bytes.count + (bytes.first == 0 ? 0 : 1))
    }

    func bind(_ descriptor: CInt) -> CInt { with { systemBind(descriptor, $0, $1) } }
    func connect(_ descriptor: CInt) -> CInt { with { systemConnect(descriptor, $0, $1) } }

    /// Sends a datagram; the count that was sent, or -1 and `errno`.
    func send(_ bytes: [UInt8], from descriptor: CInt) -> Int {
        with { sendto(descriptor, bytes, bytes.count, CInt(sendFlags), $0, $1) }
    }

    private func with<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    // MARK: What a socket is bound to

    private static func own(_ descriptor: CInt) -> SocketName? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getsockname(descriptor, address, &length) == 0 ? SocketName(address, length) : nil
            }
        }
    }

    static func port(of descriptor: CInt) -> Int? {
        guard let name = own(descriptor) else { return nil }
        return name.with { address, _ in
            switch name.family {
            case AF_INET:
                address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { Int(in_port_t(bigEndian: $0.pointee.sin_port)) }
            case AF_INET6:
                address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { Int(in_port_t(bigEndian: $0.pointee.sin6_port)) }
            default: nil
            }
        }
    }

    /// `127.0.0.1:8080`, `[::]:8080`, `unix:/run/tempest.sock`.
    static func text(of descriptor: CInt) -> String? {
        guard let name = own(descriptor) else { return nil }
        if name.family == AF_UNIX {
            return name.with { address, length in
                address.withMemoryRebound(to: sockaddr_un.self, capacity: 1) { unix in
                    withUnsafeBytes(of: unix.pointee.sun_path) { path in
                        "unix:" + String(decoding: path.prefix { $0 != 0 }, as: UTF8.self)
                    }
                }
            }
        }
        guard let port = port(of: descriptor) else { return nil }
        var host = [CChar](repeating: 0, count: 256)
        let code = name.with { getnameinfo($0, $1, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) }
        guard code == 0 else { return nil }
        let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.family == AF_INET6 ? "[\(text)]:\(port)" : "\(text):\(port)"
    }
}

#if os(Linux)
private let sendFlags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
#else
private let sendFlags = CInt(0)
#endif

private func systemBind(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
    bind(descriptor, address, length)
}

private func systemConnect(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
    connect(descriptor, address, length)
}
