# frozen_string_literal: true

# Walks a Ruby value for the three codecs: what is text, what is binary, which keys a map has, what is no value at all.
# A codec's writer says only how each kind becomes bytes.

module Tempest
  # What the writers share. A codec implements null, bool, integer, float, text, binary, ext, array and map, each of
  # which appends to the buffer that it is given.
  #
  # A String is text, unless its encoding is ASCII-8BIT: then it is binary. Symbols are written as text, and so are times, decimal numbers and
  # URIs ({LanguageTypes}).
  class ValueWriter
    INTEGERS = (-(2**63)..(2**64 - 1)).freeze

    # @param codec [String] the codec's name, for messages
    # @param canonical [Boolean] sort the keys of maps by their UTF-8 bytes
    def initialize(codec, limits, canonical)
      @codec = codec
      @tally = Tally.new(codec, limits)
      @canonical = canonical
    end

    # @return [String] the value's bytes, ASCII-8BIT
    # @raise [CodecError] for what is no value in this codec
    def document(value)
      out = String.new(capacity: 256, encoding: Encoding::BINARY)
      write(value, out)
      @tally.bytes(out.bytesize)
      out
    end

    # Appends one value.
    def write(value, out)
      case value
      when Array
        @tally.enter
        @tally.ahead(value.size)
        array(value, out)
        @tally.leave
      when Hash
        @tally.enter
        @tally.ahead(2 * value.size)
        map(members(value), out)
        @tally.leave
      else
        @tally.value
        scalar(value, out)
      end
    end

    private

    def scalar(value, out)
      case value
      when String then value.encoding == Encoding::BINARY ? binary(fitting(value), out) : text(utf8(value), out)
      when Integer then integer(in_range(value), out)
      when Float then float(finite(value), out)
      when nil then null(out)
      when true, false then bool(value, out)
      when Symbol then text(utf8(value.name), out)
      when Ext
        fitting(value.data)
        ext(value, out)
      else text(utf8(LanguageTypes.form(value) || no_value(value)), out)
      end
    end

    def no_value(value)
      refuse("a #{value.class} is no value; give nil, true, false, an Integer, Float, String, Array, Hash, Time, BigDecimal, URI or Tempest::Ext")
    end

    # The pairs of a map, keys as UTF-8 text.
    def members(hash)
      pairs = {}
      hash.each do |key, value|
        name = key_text(key)
        refuse("the key #{name[0, 80].inspect[0, 80]} comes twice in one map") if pairs.key?(name)
        @tally.value
        pairs[name] = value
      end
      @canonical ? pairs.sort_by { |name, _| name.b } : pairs
    end

    def key_text(key)
      case key
      when Symbol then utf8(key.name)
      when String then key.encoding == Encoding::BINARY ? utf8(key.dup.force_encoding(Encoding::UTF_8)) : utf8(key)
      else refuse("a map's keys are text, and one that is #{key.class} is not")
      end
    end

    def utf8(string)
      text = string.encoding == Encoding::UTF_8 ? string : string.encode(Encoding::UTF_8)
      fitting(text)
      refuse("text that is not valid UTF-8; binary has the encoding ASCII-8BIT (String#b)") unless text.valid_encoding?
      text
    rescue EncodingError => e
      refuse("text that cannot be written as UTF-8 (#{e.message})")
    end

    def fitting(bytes)
      @tally.room(bytes.bytesize)
      bytes
    end

    # Not by its digits: a large number takes seconds to be written out.
    def in_range(value)
      refuse("an integer of #{value.bit_length} bits is outside of -2^63 to 2^64-1") unless INTEGERS.cover?(value)
      value
    end

    def finite(value)
      refuse("#{value} is no value: floats are finite") unless value.finite?
      value
    end

    def refuse(what)
      raise CodecError.new(@codec, what)
    end
  end
end
