// From where on a browser has to read a channel's history: what its Last-Event-ID says, or where its stream stood when Redis went away.

import TempestCodecs

/// Where a browser stands in the history of its channel.
enum HistoryPlace: Sendable, Hashable {
    /// It has everything up to this message, ``HistoryID/zero``: nothing.
    case after(HistoryID)
    /// It names something that the history cannot place: it gets the gap and then all that is kept.
    case lost(String)

    /// From an id that a browser says; nil for an empty one, which names nothing.
    init?(lastEventID text: String) {
        guard !text.isEmpty else { return nil }
        self = HistoryID(text).map { .after($0) } ?? .lost(String(text.prefix(Self.longest)))
    }

    /// The id as it was asked for.
    var asked: String {
        switch self {
        case .after(let id): "\(id)"
        case .lost(let text): text
        }
    }

    /// Characters of an unknown id that are told back.
    private static let longest = 128
}

/// The event that tells a browser that it has missed messages which are not kept any more.
struct HistoryGap: Sendable, Equatable {
    /// The id that it asked for.
    let asked: String
    /// The first message that there is after the gap; nil: nothing is kept.
    let first: HistoryID?

    /// `event: gap` with `{"asked": …, "first": …}`. It has an id only where no event with one follows, so that the same gap is not told at
    /// each return.
    var text: String {
        let data: Value = .map(["asked": .text(asked), "first": first.map { .text("\($0)") } ?? .null])
        let json = (try? JSONCodec().encode(data)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        return (first == nil ? "id: \(HistoryID.zero)\n" : "") + "event: gap\ndata: \(json)\n\n"
    }
}
