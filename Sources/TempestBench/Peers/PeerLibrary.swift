// The libraries in other languages that are measured beside ours: those of our own clients, and those that we compare ourselves with.
// Before it: every run, and --compare. After it: PeerEnvironment finds them, PeerProcess runs them.

/// A library that a child process measures, in one codec.
struct PeerLibrary: Sendable, Equatable {
    enum Language: String, Sendable, CaseIterable { case python = "Python", ruby = "Ruby" }

    /// As the peer scripts call it.
    let name: String
    let codec: String
    let language: Language
    /// What it reads into: dictionaries (`value`), or a type of the payload (`tokens`).
    var kind = CandidateKey.Kind.value
    /// What pip installs; nil: it comes with the language or from the system.
    var package: String?
    /// Whether it is the codec of one of our own clients, which every run measures.
    var isClient = false

    /// The name of a client's codecs in reports.
    static func client(_ language: Language) -> String { "\(CandidateKey.tempest) (\(language.rawValue))" }

    static let all =
        Language.allCases.flatMap { language in
            ["json", "msgpack", "tnetstring"].map {
                PeerLibrary(name: client(language), codec: $0, language: language, isClient: true)
            }
        } + [
            PeerLibrary(name: "orjson", codec: "json", language: .python, package: "orjson"),
            PeerLibrary(name: "msgspec", codec: "json", language: .python, package: "msgspec"),
            PeerLibrary(name: "msgspec", codec: "json", language: .python, kind: .tokens, package: "msgspec"),
            PeerLibrary(name: "json (Python)", codec: "json", language: .python),
            PeerLibrary(name: "json (Ruby)", codec: "json", language: .ruby),
            PeerLibrary(name: "ormsgpack", codec: "msgpack", language: .python, package: "ormsgpack"),
            PeerLibrary(name: "msgspec", codec: "msgpack", language: .python, package: "msgspec"),
            PeerLibrary(name: "msgspec", codec: "msgpack", language: .python, kind: .tokens, package: "msgspec"),
            PeerLibrary(name: "msgpack (Python)", codec: "msgpack", language: .python, package: "msgpack"),
            PeerLibrary(name: "msgpack (Ruby)", codec: "msgpack", language: .ruby),
            PeerLibrary(name: "tnetstring3", codec: "tnetstring", language: .python, package: "tnetstring3"),
        ]

    /// One of each name: a library may have several codecs and kinds.
    static let named: [PeerLibrary] = all.reduce(into: []) { found, one in
        if !found.contains(where: { $0.name == one.name }) { found.append(one) }
    }

    /// What pip installs for them.
    static var packages: [String] { named.compactMap(\.package) }
}
