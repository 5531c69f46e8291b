// What of a configuration may change while a front runs.

import Tempest

extension FrontConfiguration {
    /// This configuration with what cannot change as the running one has it, and the names of those settings.
    ///
    /// Throws ``FrontConfigurationError`` when the two cannot be joined.
    func replacing(_ running: FrontConfiguration) throws(FrontConfigurationError) -> (FrontConfiguration, kept: [String]) {
        var new = self
        var kept: [String] = []
        if new.addresses != running.addresses { kept.append("listen") }
        if new.redirect?.addresses != running.redirect?.addresses {
            kept.append("redirect")
            new.redirect = running.redirect
        }
        if new.reusesPort != running.reusesPort { kept.append("reuse") }
        if new.socketMode != running.socketMode { kept.append("mode") }
        (new.addresses, new.reusesPort, new.socketMode) = (running.addresses, running.reusesPort, running.socketMode)
        if new.patience != running.patience { kept.append("patience") }
        if new.waiting != running.waiting { kept.append("waiting") }
        (new.patience, new.waiting) = (running.patience, running.waiting)
        if (new.tls == nil) != (running.tls == nil) {
            kept.append("tls")
            new.tls = running.tls
        }
        if let folder = running.uploads?.folder, let other = new.uploads?.folder, folder != other {
            kept.append("uploads: folder")
            new.uploads?.folder = folder
        }
        let (old, asked) = (running.original, new.original)
        if (old.host, old.listen, old.port) != (asked.host, asked.listen, asked.port) { kept.append("original") }
        new.original = old
        let known = Set(running.routes.filter(\.isOriginal).map(\.queue))
        for route in new.routes where route.isOriginal && !known.contains(route.queue) {
            throw FrontConfigurationError(
                "\(route.pattern): a queue becomes one of node-tempest's workers (`original`) only when the front starts: restart it"
            )
        }
        for route in new.routes where !route.isOriginal && known.contains(route.queue) {
            throw FrontConfigurationError(
                "\(route.pattern): a queue of node-tempest's workers (`original`) stays one until the front is restarted")
        }
        return (new, kept)
    }

    /// Opens the sockets of all addresses; those that are open are closed again when one cannot be had.
    func openSockets() throws(FrontConfigurationError) -> [ListeningSocket] {
        let options = ListenOptions(reusesPort: reusesPort, socketMode: socketMode)
        var wanted = addresses.map { ($0, ListeningSocket.Purpose.requests) }
        wanted += redirect?.addresses.map { ($0, .redirect) } ?? []
        var sockets: [ListeningSocket] = []
        for (address, purpose) in wanted {
            do {
                for var socket in try ListeningSocket.open(address, options: options) {
                    socket.purpose = purpose
                    sockets.append(socket)
                }
            } catch {
                for socket in sockets { socket.close() }
                throw error
            }
        }
        return sockets
    }
}
