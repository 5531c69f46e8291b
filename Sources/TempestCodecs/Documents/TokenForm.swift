// How a codec writes tokens, once they are known to be in order: what differs from codec to codec, and nothing else.
// Before it: a FormWriting, which has checked. After it: bytes for Redis.

/// The form that a codec gives to tokens. ``FormWriting`` makes a ``TokenWriter`` of it.
///
/// Everything that comes here has been checked: keys and values take turns, containers hold what was announced, text is UTF-8,
/// floats are finite. A form has no more to do than to append bytes to an array of its own, which may begin with bytes that stand
/// before every document.
public protocol TokenForm {
    /// The codec's name, which begins the messages.
    static var codec: String { get }
    /// Bytes that are sure to be in the document: those so far. Asked for after every token, and held against the limit.
    var size: Int { get }

    /// Writes null.
    mutating func null()
    /// Writes a bool.
    mutating func bool(_ value: Bool)
    /// Writes an integer.
    mutating func int(_ value: Int64)
    /// Writes an integer, of any size.
    mutating func uint(_ value: UInt64)
    /// Writes a finite float.
    mutating func double(_ value: Double)
    /// Writes text.
    mutating func text(_ utf8: UnsafeRawBufferPointer)
    /// Writes text that is at hand as a string. By default its UTF-8.
    mutating func text(_ string: String)
    /// Writes bytes.
    mutating func binary(_ bytes: UnsafeRawBufferPointer)
    /// Writes a MessagePack extension. By default throws ``CodecError/Code/unencodable``: only MessagePack has a form for it.
    mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError)
    /// Comes before every element and every key but the first of a container. By default nothing.
    mutating func separate()
    /// Opens an array of `count` elements.
    mutating func beginArray(count: Int)
    /// Closes the array.
    mutating func endArray()
    /// Opens a map of `count` pairs.
    mutating func beginMap(count: Int)
    /// Writes a key. `isOnly`: it is the only one of its map.
    mutating func key(_ utf8: UnsafeRawBufferPointer, isOnly: Bool)
    /// Writes a key that is at hand as a string. By default its UTF-8.
    mutating func key(_ string: String, isOnly: Bool)
    /// Separates, and writes a key that is at hand as a string and not the only one of its map. By default ``separate()`` and
    /// ``key(_:isOnly:)``.
    mutating func nextKey(_ string: String)
    /// Closes the map.
    mutating func endMap()
    /// Hands out the bytes, once, when the value is complete.
    mutating func finish() -> [UInt8]
}

extension TokenForm {
    /// Refuses.
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        throw CodecError(.unencodable, "\(Self.codec): there is no form for an ext (type \(type)), send it as MessagePack")
    }

    /// Nothing.
    @inline(__always)
    public mutating func separate() {}

    /// Writes text.
    @inline(__always)
    public mutating func text(_ string: String) {
        string.withFastUTF8 { text($0) }
    }

    /// Writes a key.
    @inline(__always)
    public mutating func key(_ string: String, isOnly: Bool) {
        string.withFastUTF8 { key($0, isOnly: isOnly) }
    }

    /// Separates, and writes a key.
    @inline(__always)
    public mutating func nextKey(_ string: String) {
        separate()
        key(string, isOnly: false)
    }
}
