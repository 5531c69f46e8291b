import Foundation
import TempestTesting
import Testing

@testable import TempestSupervisor

#if canImport(System)
import struct System.FileDescriptor
#else
import struct SystemPackage.FileDescriptor
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

@Suite("The writer of lines")
struct LineWriterTests {
    private func writer(to target: FileDescriptor, patience: Duration) -> LineWriter {
        LineWriter(to: target, patience: patience) { dropped, _ in Array("(\(dropped) dropped)\n".utf8) }
    }

    /// Whole lines of what a descriptor gives until one is `last`.
    private func lines(_ reader: FileDescriptor, until last: String) throws -> [String] {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !text.suffix(last.utf8.count + 1).elementsEqual("\(last)\n".utf8) {
            let count = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
            guard count > 0 else { break }
            text += buffer.prefix(count)
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// On a thread of its own: those of the pool are few, and whoever writes needs one, too.
    private func reading(_ reader: FileDescriptor, until last: String) -> Task<[String], any Error> {
        Task {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread { continuation.resume(with: Result { try lines(reader, until: last) }) }
            }
        }
    }

    @Test("All lines arrive, in order, at a reader that is slow")
    func order() async throws {
        let (reader, end) = try FileDescriptor.pipe()
        let writer = writer(to: end, patience: .seconds(600))
        let reading = reading(reader, until: "last")
        for number in 0..<20_000 {
            let line = Array("\(number) \(String(repeating: "x", count: 100))\n".utf8)
            while !writer.add(line, lines: 1) { await Task.yield() }
        }
        writer.add(Array("last\n".utf8), lines: 1, isOwn: true)
        let seen = try await reading.value
        #expect(seen.count == 20_001 && seen.dropLast().enumerated().allSatisfy { $1.hasPrefix("\($0) ") })
        try await eventually("all is written") { writer.isIdle }
        try end.close()
        try reader.close()
    }

    @Test("When nobody reads the buffer is bounded; later lines are dropped, and whoever reads again is told how many")
    func stalled() async throws {
        let (reader, end) = try FileDescriptor.pipe()
        let writer = writer(to: end, patience: .milliseconds(200))
        let line = Array((String(repeating: "x", count: 999) + "\n").utf8)
        var offered = 0
        func offer() -> Bool {
            let isTaken = writer.add(line, lines: 1)
            if isTaken { offered += 1 }
            return isTaken
        }
        while offer() {}
        #expect(offered * line.count <= LineWriter.most + (1 << 20), "the buffer and what the pipe holds")
        #expect(!writer.isIdle, "it waits for the reader")
        // The thread may make room once more until the pipe is full; then nobody reads for as long as the patience.
        for _ in 0..<2000 { try await eventually("its patience is over") { offer() } }
        let reading = reading(reader, until: "last")
        try await eventually("it is read") { writer.isIdle }
        writer.add(Array("last\n".utf8), lines: 1)
        let seen = try await reading.value
        let note = try #require(seen.dropLast().last)
        let dropped = try #require(note.firstMatch(of: /^\((\d+) dropped\)$/).flatMap { Int($0.1) }, "\(note.prefix(40))")
        #expect(dropped > 0 && seen.count == offered - dropped + 2 && seen.last == "last")
        try end.close()
        try reader.close()
    }

    @Test("A reader that goes away holds up nothing")
    func gone() async throws {
        let (reader, end) = try FileDescriptor.pipe()
        let writer = writer(to: end, patience: .seconds(600))
        signal(SIGPIPE, SIG_IGN)
        try reader.close()
        for _ in 0..<5000 {
            while !writer.add([UInt8](repeating: 10, count: 1000), lines: 1000) { await Task.yield() }
        }
        try await eventually("all is gone") { writer.isIdle }
        try end.close()
    }
}
