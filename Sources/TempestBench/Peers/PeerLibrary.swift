// The libraries of other languages that we compare ourselves with.
// Before it: --compare. After it: PeerEnvironment finds them, PeerProcess runs them.

/// A library that a child process measures.
struct PeerLibrary: Sendable, Equatable {
    enum Language: String, Sendable { case python = "Python", ruby = "Ruby" }

    /// As the peer scripts call it.
    let name: String
    let codec: String
    let language: Language
    /// What pip installs; nil: it comes with the language or from the system.
    let package: String?

    static let all = [
        PeerLibrary(name: "orjson", codec: "json", language: .python, package: "orjson"),
        PeerLibrary(name: "json (Python)", codec: "json", language: .python, package: nil),
        PeerLibrary(name: "json (Ruby)", codec: "json", language: .ruby, package: nil),
        PeerLibrary(name: "ormsgpack", codec: "msgpack", language: .python, package: "ormsgpack"),
        PeerLibrary(name: "msgpack (Python)", codec: "msgpack", language: .python, package: "msgpack"),
        PeerLibrary(name: "msgpack (Ruby)", codec: "msgpack", language: .ruby, package: nil),
        PeerLibrary(name: "tnetstring3", codec: "tnetstring", language: .python, package: "tnetstring3"),
    ]
}
