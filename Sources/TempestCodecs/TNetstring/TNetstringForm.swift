// Tokens as tnetstring. A container's length stands before it and is known after it: a gap is left and closed at the end.
// Before it: a FormWriting, which has checked them. After it: bytes for Redis.

/// Writes one document of tnetstring.
public struct TNetstringWriter: BufferedWriting {
    /// The rules and the form.
    public var base: FormWriter<TNetstringForm>

    /// A writer for one document.
    init(limits: Limits) { base = FormWriter(TNetstringForm(OutputBuffer()), limits: limits) }

    init(base: FormWriter<TNetstringForm>) { self.base = base }
}

/// The form of tnetstring: written in time linear in its size however deep it is.
public struct TNetstringForm: BufferedForm {
    /// What was left free before a container: room for ten digits and a colon, of which the last are used.
    private struct Gap {
        var start: Int
        /// How many bytes of it are not used; while it is open, those of all the gaps before.
        var unused: Int
        /// The gap of the container around it, -1: none.
        var before: Int
    }

    private static let room = 11

    private var output: OutputBuffer
    private var gaps: [Gap] = []
    /// The unused bytes of all closed gaps.
    private var unused = 0
    /// The gap of the innermost open container, -1: none.
    private var open = -1
    private var depth = 0

    /// Asked for once a document: a static constant that must be worked out costs a call at every look.
    private let packsText = SmallText.isKnownLayout

    init(_ output: OutputBuffer) { self.output = output }

    /// `tnetstring`.
    public static var codec: String { "tnetstring" }
    /// Bytes that are sure to be left: gaps that are still open count as two bytes.
    public var size: Int { output.count &- unused &- depth &* (Self.room &- 2) }

    /// Writes `0:~`.
    public mutating func null() { output.append("0:~") }
    /// Writes `4:true!` or `5:false!`.
    public mutating func bool(_ value: Bool) { if value { output.append("4:true!") } else { output.append("5:false!") } }
    /// Writes digits.
    @_effects(releasenone)
    public mutating func int(_ value: Int64) { number(UInt8(ascii: "#")) { IntegerText.write(value, to: $0) } }
    /// Writes digits.
    @_effects(releasenone)
    public mutating func uint(_ value: UInt64) { number(UInt8(ascii: "#")) { IntegerText.write(value, to: $0) } }
    /// Writes digits with a point.
    @_effects(releasenone)
    public mutating func double(_ value: Double) { number(UInt8(ascii: "^")) { FloatText.write(value, to: $0) } }

    /// Writes text.
    @_effects(releasenone)
    public mutating func text(_ utf8: UnsafeRawBufferPointer) {
        let count = utf8.count
        output.write(upTo: count &+ IntegerText.longest &+ 2) { place in
            let digits = IntegerText.write(UInt64(truncatingIfNeeded: count), to: place)
            place[digits] = UInt8(ascii: ":")
            if let base = utf8.baseAddress {
                UnsafeMutableRawPointer(place + digits + 1).copyMemory(from: base, byteCount: count)
            }
            place[digits &+ count &+ 1] = UInt8(ascii: ",")
            return digits &+ count &+ 2
        }
    }

    /// Writes text.
    @inline(__always)
    @_effects(releasenone)
    public mutating func text(_ string: String) {
        let bits = SmallText.bits(string)
        guard packsText, bits.isSmall else {
            return string.withFastUTF8 { text($0) }
        }
        output.write(upTo: 20) { place in
            let count = bits.count
            let digits = IntegerText.write(UInt64(truncatingIfNeeded: count), to: place)
            let raw = UnsafeMutableRawPointer(place + digits + 1)
            place[digits] = UInt8(ascii: ":")
            raw.storeBytes(of: bits.low, as: UInt64.self)
            raw.storeBytes(of: bits.high, toByteOffset: 8, as: UInt64.self)
            place[digits &+ count &+ 1] = UInt8(ascii: ",")
            return digits &+ count &+ 2
        }
    }

    /// Writes bytes as text: there is one form for both.
    @_effects(releasenone)
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) { text(bytes) }

    /// Opens an array.
    public mutating func beginArray(count: Int) { begin() }
    /// Closes the array.
    public mutating func endArray() { end(UInt8(ascii: "]")) }
    /// Opens a map.
    public mutating func beginMap(count: Int) { begin() }
    /// Writes a key.
    @_effects(releasenone)
    public mutating func key(_ utf8: UnsafeRawBufferPointer, isOnly: Bool) { text(utf8) }
    /// Writes a key.
    @_effects(releasenone)
    public mutating func key(_ string: String, isOnly: Bool) { text(string) }
    /// Closes the map.
    public mutating func endMap() { end(UInt8(ascii: "}")) }

    /// Hands out the bytes, with the gaps closed.
    public mutating func finish() -> [UInt8] {
        guard let first = gaps.first else { return output.finish() }
        output.rewrite { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            var target = first.start
            for (number, gap) in gaps.enumerated() {
                let start = gap.start + gap.unused
                let end = number + 1 < gaps.count ? gaps[number + 1].start : bytes.count
                // The stretches overlap: copyMemory allows for it.
                (base + target).copyMemory(from: base + start, byteCount: end - start)
                target += end - start
            }
            return target
        }
        return output.finish()
    }

    private mutating func begin() {
        gaps.append(Gap(start: output.count, unused: unused, before: open))
        open = gaps.count - 1
        depth += 1
        output.write(upTo: Self.room) { _ in Self.room }
    }

    private mutating func end(_ tag: UInt8) {
        let gap = gaps[open]
        var length = output.count - gap.start - Self.room - (unused - gap.unused)
        var used = 1
        output.overwrite(gap.start, Self.room) { place in
            place[Self.room - 1] = UInt8(ascii: ":")
            repeat {
                used += 1
                place[Self.room - used] = 48 + UInt8(truncatingIfNeeded: length % 10)
                length /= 10
            } while length > 0
        }
        gaps[open].unused = Self.room - used
        unused += Self.room - used
        open = gap.before
        depth -= 1
        output.append(tag)
    }

    /// Writes a number, of at most 25 digits and signs, and then its length before it.
    @inline(__always)
    private mutating func number(_ tag: UInt8, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
        output.write(upTo: FloatText.longest &+ 4) { place in
            // Nearly all numbers have less than ten digits: those are where they belong.
            let length = write(place + 2)
            if length < 10 {
                place[0] = 48 &+ UInt8(truncatingIfNeeded: length)
                place[1] = UInt8(ascii: ":")
                place[length &+ 2] = tag
                return length &+ 3
            }
            UnsafeMutableRawPointer(place + 3).copyMemory(from: place + 2, byteCount: length)
            place[0] = 48 &+ UInt8(truncatingIfNeeded: length / 10)
            place[1] = 48 &+ UInt8(truncatingIfNeeded: length % 10)
            place[2] = UInt8(ascii: ":")
            place[length &+ 3] = tag
            return length &+ 4
        }
    }
}
