# frozen_string_literal: true

# MessagePack. The usual gem allocates what a header claims, takes invalid UTF-8 and keeps the last of duplicate keys; a
# scan that refuses all that would read every byte anyway, so this codec reads and writes by itself.

module Tempest
  # The codec `msgpack`.
  module MessagePackCodec
    module_function

    def name
      "msgpack"
    end

    # @param bytes [String] one document
    # @return [Object] nil, true, false, Integer, Float, String (UTF-8: text, ASCII-8BIT: binary), Array, Hash or {Ext}
    # @raise [CodecError]
    def decode(bytes, limits: STANDARD_LIMITS)
      MessagePackReader.new(bytes, limits).document
    end

    # @return [String] bytes
    # @raise [CodecError] for what MessagePack cannot hold
    def encode(value, limits: STANDARD_LIMITS, canonical: false)
      MessagePackWriter.new(name, limits, canonical).document(value)
    end
  end

  # Reads one MessagePack document. A header's claim is compared with what is left before anything is made of it.
  class MessagePackReader
    # First byte of a number => its size in bytes and its directive for String#unpack1.
    NUMBERS = {
      0xCC => [1, "C"], 0xCD => [2, "S>"], 0xCE => [4, "L>"], 0xCF => [8, "Q>"],
      0xD0 => [1, "c"], 0xD1 => [2, "s>"], 0xD2 => [4, "l>"], 0xD3 => [8, "q>"],
      0xCA => [4, "g"], 0xCB => [8, "G"]
    }.freeze

    def initialize(bytes, limits)
      @tally = Tally.new(MessagePackCodec.name, limits)
      @tally.bytes(bytes.bytesize)
      @bytes = bytes.b
      @size = @bytes.bytesize
      @at = 0
    end

    def document
      value = read
      refuse("bytes after the value") if @at < @size
      value
    end

    private

    def read
      start = @at
      first = @bytes.getbyte(@at) || refuse(@size.zero? ? "nothing at all" : "the document ends too early")
      @at += 1
      return array(first, start) if (first >= 0x90 && first < 0xA0) || first == 0xDC || first == 0xDD
      return map(first, start) if (first >= 0x80 && first < 0x90) || first == 0xDE || first == 0xDF

      @tally.value(start)
      return first if first < 0x80
      return first - 0x100 if first >= 0xE0

      first < 0xC0 ? text(first, start) : scalar(first, start)
    end

    def scalar(first, start)
      case first
      when 0xD9, 0xDA, 0xDB then text(first, start)
      when 0xC0 then nil
      when 0xC2 then false
      when 0xC3 then true
      when 0xC4, 0xC5, 0xC6 then take(length(1 << (first - 0xC4)))
      when 0xC7, 0xC8, 0xC9 then ext(length(1 << (first - 0xC7)))
      when 0xD4, 0xD5, 0xD6, 0xD7, 0xD8 then ext(1 << (first - 0xD4))
      when 0xCA, 0xCB then float(first, start)
      when 0xCC, 0xCD, 0xCE, 0xCF, 0xD0, 0xD1, 0xD2, 0xD3 then number(first)
      else raise CodecError.new(MessagePackCodec.name, "0x#{first.to_s(16).upcase} begins no value", start)
      end
    end

    def number(first)
      size, directive = NUMBERS.fetch(first)
      take(size).unpack1(directive)
    end

    def float(first, start)
      value = number(first)
      value.finite? ? value : raise(CodecError.new(MessagePackCodec.name, "a float that is not finite", start))
    end

    def text(first, start)
      size = first < 0xC0 ? first & 0x1F : length(1 << (first - 0xD9))
      utf8(take(size), start)
    end

    def utf8(bytes, start)
      bytes.force_encoding(Encoding::UTF_8)
      return bytes if bytes.valid_encoding?

      raise CodecError.new(MessagePackCodec.name, "text that is not valid UTF-8", start)
    end

    def ext(size)
      type = take(1).unpack1("c")
      Ext.new(type, take(size))
    end

    def array(first, start)
      @tally.enter(start)
      count = first < 0xA0 ? first & 0x0F : length(2 << (first - 0xDC))
      refuse("#{count} elements are claimed but only #{@size - @at} bytes are left") if count > @size - @at
      elements = []
      count.times { elements << read }
      @tally.leave
      elements
    end

    def map(first, start)
      @tally.enter(start)
      count = first < 0x90 ? first & 0x0F : length(2 << (first - 0xDE))
      refuse("#{count} pairs are claimed but only #{@size - @at} bytes are left") if count * 2 > @size - @at
      members = {}
      count.times do
        place = @at
        key = read
        raise CodecError.new(MessagePackCodec.name, "a key that is not text", place) unless key.is_a?(String)

        key = utf8(key, place)
        raise CodecError.new(MessagePackCodec.name, "the key #{key[0, 80].inspect[0, 80]} comes twice", place) if members.key?(key)

        members[key] = read
      end
      @tally.leave
      members
    end

    # A length of 1, 2 or 4 bytes.
    def length(size)
      take(size).unpack1({ 1 => "C", 2 => "S>", 4 => "L>" }.fetch(size))
    end

    def take(size)
      refuse("#{size} bytes are claimed but only #{@size - @at} are left") if size > @size - @at
      bytes = @bytes.byteslice(@at, size)
      @at += size
      bytes
    end

    def refuse(what)
      raise CodecError.new(MessagePackCodec.name, what, @at)
    end
  end

  # Writes one MessagePack document, each value in its smallest format.
  class MessagePackWriter < ValueWriter
    FIXED_EXT = { 1 => 0xD4, 2 => 0xD5, 4 => 0xD6, 8 => 0xD7, 16 => 0xD8 }.freeze

    private

    def null(out)
      out << 0xC0
    end

    def bool(value, out)
      out << (value ? 0xC3 : 0xC2)
    end

    def integer(value, out)
      out << (value.negative? ? negative(value) : positive(value))
    end

    def positive(value)
      if value < 0x80 then [value].pack("C")
      elsif value < 0x100 then [0xCC, value].pack("CC")
      elsif value < 0x10000 then [0xCD, value].pack("CS>")
      elsif value < 0x1_0000_0000 then [0xCE, value].pack("CL>")
      else [0xCF, value].pack("CQ>")
      end
    end

    def negative(value)
      if value >= -0x20 then [value].pack("c")
      elsif value >= -0x80 then [0xD0, value].pack("Cc")
      elsif value >= -0x8000 then [0xD1, value].pack("Cs>")
      elsif value >= -0x8000_0000 then [0xD2, value].pack("Cl>")
      else [0xD3, value].pack("Cq>")
      end
    end

    def float(value, out)
      out << [0xCB, value].pack("CG")
    end

    def text(value, out)
      size = value.bytesize
      out << (size < 32 ? [0xA0 | size].pack("C") : header(size, 0xD9, 0xDA, 0xDB)) << value.b
    end

    def binary(value, out)
      out << header(value.bytesize, 0xC4, 0xC5, 0xC6) << value
    end

    def ext(value, out)
      size = value.data.bytesize
      fixed = FIXED_EXT[size]
      out << (fixed ? [fixed].pack("C") : header(size, 0xC7, 0xC8, 0xC9)) << [value.type].pack("c") << value.data
    end

    def array(values, out)
      out << (values.size < 16 ? [0x90 | values.size].pack("C") : header(values.size, nil, 0xDC, 0xDD))
      values.each { |value| write(value, out) }
    end

    def map(pairs, out)
      out << (pairs.size < 16 ? [0x80 | pairs.size].pack("C") : header(pairs.size, nil, 0xDE, 0xDF))
      pairs.each do |key, value|
        text(key, out)
        write(value, out)
      end
    end

    # The first byte and the size, in the smallest of up to three formats.
    def header(size, byte, short, long)
      if byte && size < 0x100 then [byte, size].pack("CC")
      elsif size < 0x10000 then [short, size].pack("CS>")
      else [long, size].pack("CL>")
      end
    end
  end
end
