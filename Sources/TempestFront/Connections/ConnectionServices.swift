// What all connections of a server share.

struct ConnectionServices: Sendable {
    let limits: ConnectionLimits
    let clocks: ConnectionClocks
    let registry: ConnectionRegistry
    let drain: Drain
    /// What a connection may become instead of HTTP; nil: nothing.
    var upgrader: (any ConnectionUpgrader)?
    /// Request ids and the access log; nil: neither.
    var access: AccessPolicy?
    /// Whether any response may have to be compressed.
    var compresses = false

    init(limits: ConnectionLimits, clocks: ConnectionClocks? = nil, registry: ConnectionRegistry, drain: Drain = Drain()) {
        (self.limits, self.registry, self.drain) = (limits, registry, drain)
        self.clocks = clocks ?? ConnectionClocks(resolution: limits.resolution)
    }
}
