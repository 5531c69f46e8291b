// Where our Python and Ruby clients are when they are not installed: in a checkout around the current folder or this program.
// Before it: every run. After it: the peer scripts load a client from there.

/// The folders of a checkout.
enum ClientCheckout {
    /// The folder to load a client from; nil if there is no checkout.
    static func folder(_ language: PeerLibrary.Language) -> String? {
        folder(language, startingAt: Files.startingFolders)
    }

    /// Where the clients are in a checkout.
    static func place(_ language: PeerLibrary.Language) -> String {
        switch language {
        case .python: "clients/python/src"
        case .ruby: "clients/ruby/lib"
        }
    }

    /// The nearest one, in the starting folders or above them.
    static func folder(_ language: PeerLibrary.Language, startingAt starts: [String]) -> String? {
        let file = language == .python ? "tempest/codecs.py" : "tempest/codecs.rb"
        for start in starts {
            var parts = start.split(separator: "/")
            while true {
                let folder = parts.map { "/" + $0 }.joined() + "/" + place(language)
                if Files.exists(folder + "/" + file) { return folder }
                if parts.popLast() == nil { break }
            }
        }
        return nil
    }
}
