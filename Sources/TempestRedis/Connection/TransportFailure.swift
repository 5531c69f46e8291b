// Turns what the operating system, the resolver and TLS report into a RedisError that names the cure.
// Used while a connection is made, and when one breaks.

import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

enum TransportFailure {
    static func error(_ error: any Error, at place: RedisPlace) -> RedisError {
        let address = place.address
        switch error {
        case let error as RedisError:
            return error
        case let error as NIOConnectionError:
            return self.connecting(error, place)
        case let error as IOError:
            return self.system(error, place)
        case ChannelError.connectTimeout(let amount):
            let seconds = Double(amount.nanoseconds / 1_000_000) / 1000
            return RedisError(
                .unreachable, "\(address) did not answer within \(seconds) s: is the address right, and is a firewall between?")
        case SocketAddressError.unixDomainSocketPathTooLong:
            return RedisError(.url, "the socket's path \(address) is too long: unix sockets take about 100 bytes")
        case is SocketAddressError:
            return RedisError(.unreachable, "the host of \(address) has no address: check its name in \(place.origin.name)")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return self.tls(error, place)
        default:
            return RedisError(.connectionLost, "the connection to \(address) was lost: \(error)")
        }
    }

    private static func connecting(_ error: NIOConnectionError, _ place: RedisPlace) -> RedisError {
        guard let first = error.connectionErrors.first else {
            return RedisError(
                .unreachable,
                "the host of \(place.address) has no address: check its name in \(place.origin.name), and the resolver")
        }
        // A host may have several addresses; one that refuses says more than one that cannot be reached.
        let failures = error.connectionErrors.map { self.error($0.error, at: place) }
        return failures.first { $0.code == .refused } ?? self.error(first.error, at: place)
    }

    private static func system(_ error: IOError, _ place: RedisPlace) -> RedisError {
        switch error.errnoCode {
        case ECONNREFUSED:
            return RedisError(
                .refused, "\(place.address) refused the connection: is redis-server running there? Check \(place.origin.name)")
        case ENOENT:
            return RedisError(
                .refused, "there is no socket at \(place.address): is redis-server running with it? Check \(place.origin.name)")
        case EACCES, EPERM:
            return RedisError(
                .permission, "\(place.address) may not be opened by this user: see unixsocketperm in redis.conf, or the firewall")
        case EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EADDRNOTAVAIL, ENETDOWN, EHOSTDOWN:
            return RedisError(
                .unreachable, "\(place.address) cannot be reached (\(error)): is the address right, and the network up?")
        default:
            return RedisError(.connectionLost, "the connection to \(place.address) was lost: \(error)")
        }
    }

    private static func tls(_ error: any Error, _ place: RedisPlace) -> RedisError {
        if case NIOSSLError.uncleanShutdown = error {
            return RedisError(.connectionLost, "the connection to \(place.address) was lost: the server closed it")
        }
        let text = "\(error)"
        let cure =
            if text.contains("CERTIFICATE_VERIFY_FAILED") {
                "its certificate is not signed by a CA that we trust: give the CA's file with ?cacert=…"
            } else if text.contains("WRONG_VERSION_NUMBER") {
                "the server speaks no TLS on this port: use redis://, or its tls-port"
            } else if text.contains("ailedToValidateHostname") || text.contains("ailed to validate hostname") {
                "its certificate is for another name: give that name with ?servername=…"
            } else if text.contains("CERTIFICATE_REQUIRED") || text.contains("HANDSHAKE_FAILURE") {
                "it asks for a client certificate: give one with ?cert=…&key=…"
            } else {
                "check cacert, cert, key and servername in \(place.origin.name)"
            }
        return RedisError(.tls, "TLS with \(place.address) failed: \(cure) (\(text))")
    }
}
