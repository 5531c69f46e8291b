import NIOCore
import Tempest
import Testing

@testable import TempestFront

/// A part of a form as the reader hands it out, its content in one piece.
struct ReadPart: Equatable {
    var head: MultipartPart
    var content: [UInt8]
}

/// Feeding forms to the reader, cut in every way.
enum FormReading {
    /// Reads a form from pieces. Throws what the reader throws, also for one that is not whole.
    static func read(
        _ pieces: [ArraySlice<UInt8>], boundary: String = "b", limits: MultipartReader.Limits = .init()
    ) throws
        -> [ReadPart]
    {
        var reader = MultipartReader(boundary: Array(boundary.utf8), limits: limits)
        var parts: [ReadPart] = []
        var isOpen = false
        var isOver = false
        for piece in pieces {
            reader.feed(ByteBuffer(bytes: piece))
            while let event = try reader.next() {
                #expect(!isOver)
                switch event {
                case .part(let head):
                    #expect(!isOpen)
                    isOpen = true
                    parts.append(ReadPart(head: head, content: []))
                case .data(let data):
                    #expect(isOpen && data.readableBytes > 0)
                    parts[parts.count - 1].content += data.readableBytesView
                case .partEnd:
                    #expect(isOpen)
                    isOpen = false
                case .end:
                    #expect(!isOpen)
                    isOver = true
                }
            }
        }
        try reader.finish()
        #expect(isOver)
        return parts
    }

    static func read(_ text: String, boundary: String = "b", limits: MultipartReader.Limits = .init()) throws -> [ReadPart] {
        try read([Array(text.utf8)[...]], boundary: boundary, limits: limits)
    }

    /// What it makes of a form, an error among it: for comparing.
    static func outcome(_ pieces: [ArraySlice<UInt8>], boundary: String = "b") -> Result<[ReadPart], FormError> {
        do {
            return .success(try read(pieces, boundary: boundary))
        } catch let refusal as FormError {
            return .failure(refusal)
        } catch {
            Issue.record("not a refusal: \(error)")
            return .success([])
        }
    }

    /// A form of a field and a file.
    static func form(_ content: String, boundary: String = "b", name: String = "file", filename: String = "a.txt") -> String {
        """
        --\(boundary)\r
        Content-Disposition: form-data; name="title"\r
        \r
        Grüße\r
        --\(boundary)\r
        Content-Disposition: form-data; name="\(name)"; filename="\(filename)"\r
        Content-Type: text/plain\r
        \r
        \(content)\r
        --\(boundary)--\r

        """
    }
}
