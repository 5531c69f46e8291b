// What Redis says to a user who lacks a right, as a sentence that tells what is missing and where the rights are listed. Redis has a text of
// its own for commands, and others for what a function does; protocol/vectors/rights.json has them.

/// Reads such replies.
package enum Denial {
    private static let beginnings = ["NOPERM ", "ERR The user executing the script can't ", "ERR ACL failure in script"]

    /// The sentence for an error reply that says that the user lacks a right; nil for any other.
    ///
    /// - Parameter user: nil: the default user.
    package static func sentence(_ reply: String, user: String?) -> String? {
        guard beginnings.contains(where: { reply.hasPrefix($0) }) else { return nil }
        let what = "the Redis user \"\(user ?? "default")\" may not \(deed(reply))"
        return "\(what): see \"Rights\" in protocol/queues.md. Redis said: \(reply)"
    }

    private static func deed(_ reply: String) -> String {
        let place = place(reply)
        let inPlace = place.map { " in \($0)" } ?? ""
        if let command = between("permissions to run the '", "' command", reply) { return "run \"\(command)\"\(inPlace)" }
        if reply.contains("channel") { return "use a channel of \(place ?? "this command") (ACL LOG names it)" }
        if reply.contains(" key") { return "use a key of \(place ?? "this command") (ACL LOG names it)" }
        return place.map { "run a command of \($0) (ACL LOG names it)" } ?? "do this (ACL LOG says what)"
    }

    /// Whose command it was, if not ours: ` script: <name>, on @user_function:<line>`.
    private static func place(_ reply: String) -> String? {
        if let end = reply.firstRange(of: ", on @user_function:") {
            return reply[..<end.lowerBound].split(separator: " ").last.map { "the function \($0)" }
        }
        return reply.contains(", on @user_script:") ? "a script" : nil
    }

    private static func between(_ start: String, _ end: String, _ text: String) -> Substring? {
        guard let start = text.firstRange(of: start), let end = text[start.upperBound...].firstRange(of: end) else { return nil }
        return text[start.upperBound..<end.lowerBound]
    }
}
