// Sockets that listen: made by system calls of our own, so that an address that is taken is named, two fronts can share a port, and a
// unix socket that somebody answers on is left alone.

#if os(Linux)
// The whole module compiled at once takes C's stat for that of NIO's own headers.
import CNIOLinux
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A descriptor that listens, and where.
struct ListeningSocket {
    /// What its connections are for.
    enum Purpose {
        /// The front's routes.
        case requests
        /// To be sent to https.
        case redirect
    }

    let descriptor: CInt
    /// For the log, with the port that the system has chosen.
    let address: String
    /// A unix socket's file, which is removed at the end.
    var file: SocketFile?
    var purpose = Purpose.requests
    /// Whether this process has opened it: what it does to another's socket would outlive it.
    var isOwn = true

    /// How many connections may wait to be accepted; the system's own limit holds too.
    private static let backlog: CInt = 1024

    /// Opens an address; all addresses are two sockets, one for each family, so that every client has an address of its own family.
    ///
    /// - Throws: ``FrontConfigurationError`` that says which address cannot be had, and why.
    static func open(_ address: ListenAddress, options: ListenOptions) throws(FrontConfigurationError) -> [ListeningSocket] {
        switch address {
        case .unix(let path): [try unix(path, mode: options.socketMode)]
        case .tcp(let host, let port) where host.isEmpty: try all(port, options)
        case .tcp(let host, let port): try tcp(host, port, address, options)
        }
    }

    /// Whether connections wait to be accepted.
    var hasWaiting: Bool {
        var look = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&look, 1, 0) > 0 && look.revents & Int16(POLLIN) != 0
    }

    /// No new connection begins from now on; those that wait can still be accepted. Only for a socket of its own.
    func stopQueueing() {
        if let file { return file.remove() }
        #if os(Linux)
        HandshakeFilter.attach(to: descriptor)
        #endif
    }

    func close() {
        _ = systemClose(descriptor)
        file?.remove()
    }

    // MARK: TCP

    private static func all(_ port: Int, _ options: ListenOptions) throws(FrontConfigurationError) -> [ListeningSocket] {
        // With port 0 the second family may find the first one's port taken: then another is tried.
        for attempt in 0... {
            let six: ListeningSocket?
            do {
                six = try bound(.six(in6addr_any, port: port), shown: "[::]:\(port)", options)
            } catch  where error.code == EAFNOSUPPORT || error.code == EADDRNOTAVAIL || error.code == EPROTONOSUPPORT {
                // A machine without IPv6.
                six = nil
            } catch {
                throw error.message
            }
            let chosen = six.flatMap { SocketName.port(of: $0.descriptor) } ?? port
            do {
                let four = try bound(.four(in_addr(s_addr: 0), port: chosen), shown: "0.0.0.0:\(chosen)", options)
                return [six, four].compactMap(\.self)
            } catch  where error.code == EAFNOSUPPORT && six != nil {
                return [six].compactMap(\.self)
            } catch {
                six?.close()
                guard port == 0, error.code == EADDRINUSE, attempt < 10 else { throw error.message }
            }
        }
        preconditionFailure("the loop has no end")
    }

    private static func tcp(
        _ host: String, _ port: Int, _ address: ListenAddress, _ options: ListenOptions
    ) throws(FrontConfigurationError) -> [ListeningSocket] {
        var hints = addrinfo()
        hints.ai_socktype = streamType
        hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0, let first = list else {
            throw FrontConfigurationError(
                "cannot listen on \(address): the host \(host.debugDescription) is not known (\(String(cString: gai_strerror(code))))"
            )
        }
        defer { freeaddrinfo(list) }
        do {
            return [try bound(SocketName(first.pointee.ai_addr, first.pointee.ai_addrlen), shown: "\(address)", options)]
        } catch {
            throw error.message
        }
    }

    /// What a system call said, and the sentence about it.
    private struct Failure: Error {
        let code: CInt
        let message: FrontConfigurationError

        init(_ code: CInt, _ address: String) {
            let cure =
                switch code {
                case EADDRINUSE:
                    ": another process listens there. Stop it, choose another port, or let several fronts share the port (--reuse-port, `reuse: true`)"
                case EACCES, EPERM:
                    ": not permitted. Ports below 1024 need root, the capability CAP_NET_BIND_SERVICE, or a socket from systemd"
                case EADDRNOTAVAIL: ": this machine has no such address"
                default: ": \(String(cString: strerror(code)))"
                }
            (self.code, message) = (code, FrontConfigurationError("cannot listen on \(address)\(cure)"))
        }
    }

    private static func bound(_ name: SocketName, shown: String, _ options: ListenOptions) throws(Failure) -> ListeningSocket {
        let descriptor = socket(name.family, streamType, 0)
        guard descriptor >= 0 else { throw Failure(errno, shown) }
        prepare(descriptor)
        set(descriptor, SOL_SOCKET, SO_REUSEADDR)
        if options.reusesPort { set(descriptor, SOL_SOCKET, SO_REUSEPORT) }
        if name.family == AF_INET6 { set(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY) }
        guard name.bind(descriptor) == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            _ = systemClose(descriptor)
            throw Failure(code, shown)
        }
        return ListeningSocket(descriptor: descriptor, address: SocketName.text(of: descriptor) ?? shown)
    }

    // MARK: Unix

    private static func unix(_ path: String, mode: UInt32?) throws(FrontConfigurationError) -> ListeningSocket {
        let name = SocketName(unix: path)
        let descriptor = socket(AF_UNIX, streamType, 0)
        guard descriptor >= 0 else { throw Failure(errno, "unix:\(path)").message }
        prepare(descriptor)
        var isBound = name.bind(descriptor) == 0
        if !isBound, errno == EADDRINUSE {
            do throws(FrontConfigurationError) {
                try removeStale(path, name)
            } catch {
                _ = systemClose(descriptor)
                throw error
            }
            isBound = name.bind(descriptor) == 0
        }
        guard isBound, mode.map({ chmod(path, mode_t($0)) == 0 }) ?? true, listen(descriptor, backlog) == 0 else {
            let reason = String(cString: strerror(errno))
            _ = systemClose(descriptor)
            throw FrontConfigurationError(
                "cannot listen on unix:\(path): \(reason). The folder must exist, and this user must be allowed to write there")
        }
        return ListeningSocket(descriptor: descriptor, address: "unix:\(path)", file: SocketFile(path))
    }

    /// Removes the file of a front that was killed; a file that is not a socket, or that somebody answers on, stays.
    private static func removeStale(_ path: String, _ name: SocketName) throws(FrontConfigurationError) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        guard info.st_mode & S_IFMT == S_IFSOCK else {
            throw FrontConfigurationError("cannot listen on unix:\(path): there is a file of that name that is not a socket")
        }
        let probe = socket(AF_UNIX, streamType, 0)
        guard probe >= 0 else { throw Failure(errno, "unix:\(path)").message }
        defer { _ = systemClose(probe) }
        prepare(probe)
        // A full queue answers EAGAIN: somebody listens.
        guard name.connect(probe) != 0, errno == ECONNREFUSED else {
            throw FrontConfigurationError(
                "cannot listen on unix:\(path): another process listens there. Stop it, or choose another path")
        }
        _ = unlink(path)
    }

    // MARK: Options

    /// Not inherited by other programs, and never blocking.
    static func prepare(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    private static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt) {
        var one: CInt = 1
        _ = setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<CInt>.size))
    }

    #if canImport(Glibc)
    static let streamType = CInt(SOCK_STREAM.rawValue)
    #else
    static let streamType = SOCK_STREAM
    #endif
}

/// How addresses are opened.
struct ListenOptions: Sendable {
    /// Several processes may listen on one port, and the system spreads connections over them.
    var reusesPort = false
    /// Of a unix socket's file; nil: what the umask leaves.
    var socketMode: UInt32?
}

private func systemClose(_ descriptor: CInt) -> CInt { close(descriptor) }
