// The settings of a front's route that are for WebSockets alone, checked.

import TempestCodecs

extension FrontRoute {
    /// Bytes that a message of a socket may have at most: 125 to 16 MiB, which is what the protocol's codecs read.
    static let messageRange = 125...(16 << 20)

    /// Throws ``FrontConfigurationError`` for subprotocols that no page can offer, and settings of sockets on a route for requests.
    func checkSocket() throws(FrontConfigurationError) {
        for name in protocols where !Subprotocols.isToken(name) {
            throw FrontConfigurationError(
                "\(pattern): `protocols` has \(name.prefix(80).debugDescription): a subprotocol is a word such as graphql-ws, without "
                    + "spaces, commas and the like")
        }
        guard !isSocket,
            !origins.isEmpty || !protocols.isEmpty || socketLimits.frame != nil || socketLimits.message != SocketLimits().message
        else {
            return
        }
        throw FrontConfigurationError(
            "\(pattern): `origins`, `protocols`, `frame` and `message` are for WebSockets: set `socket: true`, or leave them out")
    }
}
