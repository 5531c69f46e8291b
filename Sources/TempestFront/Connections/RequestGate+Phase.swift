// Where a connection of HTTP/1 is between its first request and its end.

import NIOHTTP1

extension RequestGate {
    enum Phase {
        /// Requests and responses; may go anywhere.
        case open
        /// A request for an upgrade is here but for its end.
        case offered(HTTPRequestHead)
        /// An upgrader decides; next: 101 and another handler, or refusing. How many bytes had come when it began.
        case upgrading(received: Int)
        /// The earlier responses go out; then this one, and over.
        case refusing(HTTPResponseStatus, HTTPHeaders)
        /// Nothing is read and nothing written any more; the output closes, and soon the rest.
        case over
    }
}
