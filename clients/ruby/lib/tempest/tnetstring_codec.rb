# frozen_string_literal: true

# Tagged netstrings: LENGTH ":" BYTES TYPE. Small enough to read by eye, and the third codec of the protocol.

require "strscan"

module Tempest
  # The codec `tnetstring`.
  module TNetstringCodec
    module_function

    def name
      "tnetstring"
    end

    # Binary has no type of its own here: `,` is text if it is valid UTF-8, else binary.
    #
    # @param bytes [String] one document
    # @return [Object] nil, true, false, Integer, Float, String, Array or Hash
    # @raise [CodecError]
    def decode(bytes, limits: STANDARD_LIMITS)
      TNetstringReader.new(bytes, limits).document
    end

    # @return [String] bytes
    # @raise [CodecError] for what a tnetstring cannot hold
    def encode(value, limits: STANDARD_LIMITS, canonical: false)
      TNetstringWriter.new(name, limits, canonical).document(value)
    end
  end

  # Reads one tnetstring.
  class TNetstringReader
    # A length has at most nine digits.
    LONGEST_LENGTH = 9
    LENGTH = /(?:0|[1-9][0-9]{0,8}):/n.freeze
    INTEGER = /\A(?:0|-?[1-9][0-9]{0,19})\z/n.freeze
    FLOAT = /\A-?[0-9]++(?:\.[0-9]++)?(?:e[+-]?[0-9]++)?\z/n.freeze

    def initialize(bytes, limits)
      @tally = Tally.new(TNetstringCodec.name, limits)
      @tally.bytes(bytes.bytesize)
      @bytes = bytes.b
      @scanner = StringScanner.new(@bytes)
      @at = 0
    end

    def document
      refuse("nothing at all", 0) if @bytes.empty?
      value = read(@bytes.bytesize)
      refuse("bytes after the value", @at) if @at < @bytes.bytesize
      value
    end

    private

    # The value that begins at @at; then @at is the byte after it, which is at most the limit.
    def read(limit)
      start = @at
      from = payload(start, limit)
      type_at = from + @size
      type = @bytes.getbyte(type_at)
      value = case type
              when 0x5D then array(start, from, type_at)
              when 0x7D then map(start, from, type_at)
              else
                @tally.value(start)
                scalar(type, from, type_at - from, type_at)
              end
      @at = type_at + 1
      value
    end

    # Where the bytes of the value begin; @size is how many they are.
    def payload(start, limit)
      @scanner.pos = start
      length = @scanner.skip(LENGTH)
      if length
        from = start + length
        @size = @bytes.byteslice(start, length - 1).to_i
        return from if from + @size < limit
      end
      searched(start, limit)
    end

    # The same, digit by digit, which says what is wrong.
    def searched(start, limit)
      size = 0
      at = start
      while at < limit && (digit = @bytes.getbyte(at)).between?(0x30, 0x39)
        size = size * 10 + digit - 0x30
        at += 1
        refuse("a length of more than #{LONGEST_LENGTH} digits", start) if at - start > LONGEST_LENGTH
      end
      refuse("a length is missing", start) if at == start
      refuse("a length with a leading zero", start) if at - start > 1 && @bytes.getbyte(start) == 0x30
      refuse("a colon is missing after the length", at) unless at < limit && @bytes.getbyte(at) == 0x3A
      left = limit - at - 2
      refuse("#{size} bytes and a type are claimed but only #{limit - at - 1} bytes are left", start) if size > left
      @size = size
      at + 1
    end

    def scalar(type, from, size, type_at)
      case type
      when 0x2C then text(from, size)
      when 0x23 then integer(from, size)
      when 0x5E then float(from, size)
      when 0x21 then bool(from, size)
      when 0x7E then size.zero? ? nil : refuse("null has no bytes", from)
      else refuse("no type is written #{@bytes.byteslice(type_at, 1).inspect}", type_at)
      end
    end

    def text(from, size)
      bytes = @bytes.byteslice(from, size).force_encoding(Encoding::UTF_8)
      bytes.valid_encoding? ? bytes : bytes.force_encoding(Encoding::BINARY)
    end

    def integer(from, size)
      digits = @bytes.byteslice(from, size)
      value = INTEGER.match?(digits) ? digits.to_i : nil
      return value if value && ValueWriter::INTEGERS.cover?(value)

      refuse("no integer of -2^63 to 2^64-1: #{digits[0, 24].inspect}", from)
    end

    def float(from, size)
      digits = @bytes.byteslice(from, size)
      refuse("no float: #{digits[0, 24].inspect}", from) unless FLOAT.match?(digits)
      FloatText.read(digits) || refuse("a float that is not finite", from)
    end

    def bool(from, size)
      case @bytes.byteslice(from, size)
      when "true" then true
      when "false" then false
      else refuse("neither true nor false", from)
      end
    end

    def array(start, from, limit)
      @tally.enter(start)
      @at = from
      elements = []
      elements << read(limit) while @at < limit
      @tally.leave
      elements
    end

    def map(start, from, limit)
      @tally.enter(start)
      @at = from
      members = {}
      while @at < limit
        place = @at
        key = read(limit)
        refuse("a key that is not text", place) unless key.is_a?(String) && key.encoding == Encoding::UTF_8
        refuse("the key #{key[0, 80].inspect[0, 80]} comes twice", place) if members.key?(key)
        refuse("a map ends between key and value", @at) unless @at < limit
        members[key] = read(limit)
      end
      @tally.leave
      members
    end

    def refuse(what, offset)
      raise CodecError.new(TNetstringCodec.name, what, offset)
    end
  end

  # Writes one tnetstring.
  class TNetstringWriter < ValueWriter
    private

    def null(out)
      out << "0:~"
    end

    def bool(value, out)
      out << (value ? "4:true!" : "5:false!")
    end

    def integer(value, out)
      wrap(value.to_s, "#", out)
    end

    def float(value, out)
      wrap(FloatText.write(value), "^", out)
    end

    def text(value, out)
      wrap(value.b, ",", out)
    end

    def binary(value, out)
      wrap(value, ",", out)
    end

    def ext(value, _out)
      refuse("an ext (of type #{value.type}) exists only in msgpack")
    end

    def array(values, out)
      inner = String.new(encoding: Encoding::BINARY)
      values.each { |value| write(value, inner) }
      wrap(inner, "]", out)
    end

    def map(pairs, out)
      inner = String.new(encoding: Encoding::BINARY)
      pairs.each do |key, value|
        text(key, inner)
        write(value, inner)
      end
      wrap(inner, "}", out)
    end

    def wrap(bytes, type, out)
      out << bytes.bytesize.to_s << ":" << bytes << type
    end
  end
end
