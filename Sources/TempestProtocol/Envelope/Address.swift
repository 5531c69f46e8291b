// respond_to: where the answers of a job go (protocol/answers.md). A key, host or command is never taken from it as it stands.

package enum Address: Sendable, Equatable {
    /// An inbox in the slot of the queue that the job came from: answer and settle are one call.
    case inbox(InboxID)
    /// An inbox of another queue: answer first, settle then.
    case elsewhere(InboxID, QueueName)
    /// A node that listens itself, as in node-tempest.
    case direct(host: String, port: Int)

    /// nil if the text is no address.
    package init?(_ text: String) {
        if let inbox = InboxID(text) {
            self = .inbox(inbox)
            return
        }
        let at = text.split(separator: "@", omittingEmptySubsequences: false)
        if at.count == 2, let inbox = InboxID(at[0]), let queue = try? QueueName(String(at[1])) {
            self = .elsewhere(inbox, queue)
            return
        }
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), let port = UInt16(text[text.index(after: colon)...]),
            port > 0, !text[text.index(after: colon)...].hasPrefix("+")
        else { return nil }
        let host = text[..<colon]
        let isHost = host.utf8.allSatisfy { Name.isWord($0) && $0 != UInt8(ascii: "_") }
        let isIPv6 =
            host.first == "[" && host.last == "]" && host.utf8.count > 2
            && host.dropFirst().dropLast().utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20)
                    || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
            }
        guard (1...253).contains(host.utf8.count), isHost || isIPv6 else { return nil }
        self = .direct(host: String(host), port: Int(port))
    }
}
