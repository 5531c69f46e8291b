import Foundation
import NIOCore
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Multipart forms, fuzzed")
struct MultipartFuzzTests {
    /// FUZZ_SEED runs one seed again; FUZZ_ROUNDS says how many forms.
    static let seed = ProcessInfo.processInfo.environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
    static let rounds = ProcessInfo.processInfo.environment["FUZZ_ROUNDS"].flatMap { Int($0) } ?? 500

    @Test("Forms of random contents read as what was written, however they are cut; damaged ones are read alike or refused alike")
    func fuzz() throws {
        print("multipart fuzz: FUZZ_SEED=\(Self.seed)")
        var dice = SeededRandom(Self.seed)
        let letters = Array("\r\n-bB a:;\"=".utf8)
        for round in 0..<Self.rounds {
            let boundary = String(
                decoding: (0..<Int.random(in: 1...5, using: &dice)).map { _ in letters[Int.random(in: 2...4, using: &dice)] },
                as: UTF8.self)
            let delimiter = Array("\r\n--\(boundary)".utf8)
            var contents: [[UInt8]] = []
            var form: [UInt8] = []
            for index in 0..<Int.random(in: 0...3, using: &dice) {
                var content = (0..<Int.random(in: 0...60, using: &dice)).map { _ in letters.randomElement(using: &dice) ?? 0 }
                // A content must not have the boundary: that is what boundaries are chosen for.
                while let place = (Array("\r\n".utf8) + content).indices(of: delimiter).first {
                    content.remove(at: max(0, place))
                }
                contents.append(content)
                form +=
                    Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(index)\"; filename=\"f\"\r\n\r\n".utf8)
                    + content + [0x0D, 0x0A]
            }
            form += Array("--\(boundary)--\r\n".utf8)
            let whole = FormReading.outcome([form[...]], boundary: boundary)
            guard case .success(let parts) = whole else {
                Issue.record(
                    "seed \(Self.seed), round \(round): \(whole) of \(String(decoding: form, as: UTF8.self).debugDescription)")
                return
            }
            #expect(parts.map(\.content) == contents, "seed \(Self.seed), round \(round)")

            if Bool.random(using: &dice), !form.isEmpty {
                for _ in 0..<Int.random(in: 1...3, using: &dice) {
                    let place = Int.random(in: 0..<form.count, using: &dice)
                    switch Int.random(in: 0..<3, using: &dice) {
                    case 0: form.remove(at: place)
                    case 1: form.insert(letters.randomElement(using: &dice) ?? 0, at: place)
                    default: form[place] = UInt8.random(in: 0...255, using: &dice)
                    }
                    if form.isEmpty { break }
                }
            }
            let damaged = FormReading.outcome([form[...]], boundary: boundary)
            var pieces: [ArraySlice<UInt8>] = []
            var start = 0
            while start < form.count {
                let end = min(form.count, start + Int.random(in: 1...12, using: &dice))
                pieces.append(form[start..<end])
                start = end
            }
            #expect(
                FormReading.outcome(pieces, boundary: boundary) == damaged,
                "seed \(Self.seed), round \(round): \(String(decoding: form, as: UTF8.self).debugDescription)")
        }
    }
}

extension [UInt8] {
    /// Where a sequence begins in this one.
    fileprivate func indices(of other: [UInt8]) -> [Int] {
        guard count >= other.count else { return [] }
        return (0...(count - other.count)).filter { self[$0...].starts(with: other) }
    }
}
