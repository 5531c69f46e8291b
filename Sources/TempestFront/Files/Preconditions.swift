// Which of the conditions of a request for a file hold (RFC 9110, section 13).

import HTTPTypes

/// What names the version of a file that would be sent.
struct Validators: Sendable {
    /// The first is the one to send; the others name the same version. Empty: nothing does.
    var tags: [EntityTag]
    var modified: HTTPDate
}

/// Decides conditional requests for a file that is there.
enum Preconditions {
    enum Outcome: Equatable {
        case proceed
        /// 304
        case notModified
        /// 412
        case failed
    }

    /// Evaluates the conditions of a GET or HEAD in the order of RFC 9110, section 13.2.2.
    static func evaluate(_ headers: HTTPFields, _ validators: Validators, now: HTTPDate) -> Outcome {
        if let match = headers[.ifMatch] {
            switch EntityTagCondition(match) {
            case .any: break
            case .list(let wanted):
                let matches = wanted.contains { tag in validators.tags.contains { $0.isStronglyEqual(to: tag) } }
                guard matches else { return .failed }
            }
        } else if let since = date(headers, .ifUnmodifiedSince, now: now), validators.modified > since {
            return .failed
        }
        if let noneMatch = headers[.ifNoneMatch] {
            switch EntityTagCondition(noneMatch) {
            case .any: return .notModified
            case .list(let known):
                let matches = known.contains { tag in validators.tags.contains { $0.isWeaklyEqual(to: tag) } }
                return matches ? .notModified : .proceed
            }
        }
        if let since = date(headers, .ifModifiedSince, now: now), validators.modified <= since { return .notModified }
        return .proceed
    }

    /// Whether the `Range` of a GET counts: there is no `If-Range`, or it names this very version. A weak tag never does.
    static func allowsRange(_ headers: HTTPFields, _ validators: Validators, now: HTTPDate) -> Bool {
        let values = headers[values: .ifRange]
        guard let value = values.first else { return true }
        guard values.count == 1 else { return false }
        if let tag = EntityTagCondition.single(value) { return validators.tags.contains { $0.isStronglyEqual(to: tag) } }
        guard let date = HTTPDate(value, now: now) else { return false }
        return date == validators.modified
    }

    /// A date that is none, or stands there twice, does not count.
    private static func date(_ headers: HTTPFields, _ name: HTTPField.Name, now: HTTPDate) -> HTTPDate? {
        let values = headers[values: name]
        guard values.count == 1 else { return nil }
        return HTTPDate(values[0], now: now)
    }
}
