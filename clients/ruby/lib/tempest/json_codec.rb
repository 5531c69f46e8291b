# frozen_string_literal: true

# JSON, as strict as protocol/codecs.md asks for: Ruby's own parser takes comments, duplicate keys and invalid UTF-8, so
# this one reads by itself, in one pass and in linear time. Binary travels as the map {"$b64": "…"}.

require "strscan"

module Tempest
  # The codec `json`.
  module JSONCodec
    # The only key of the map that stands for binary.
    MARKER = "$b64"
    MARKER_KEYS = /\A\$+b64\z/.freeze

    module_function

    def name
      "json"
    end

    # @param bytes [String] one document
    # @return [Object] nil, true, false, Integer, Float, String (UTF-8: text, ASCII-8BIT: binary), Array or Hash
    # @raise [CodecError]
    def decode(bytes, limits: STANDARD_LIMITS)
      JSONReader.new(bytes, limits).document
    end

    # @return [String] compact JSON, ASCII-8BIT bytes of valid UTF-8
    # @raise [CodecError] for what JSON cannot hold
    def encode(value, limits: STANDARD_LIMITS, canonical: false)
      JSONWriter.new(name, limits, canonical).document(value)
    end

    # @return [String, nil] the bytes, if the text is canonical base64
    def base64(text)
      bytes = text.unpack1("m0")
      [bytes].pack("m0") == text ? bytes : nil
    rescue ArgumentError
      nil
    end
  end

  # Reads one JSON document.
  class JSONReader
    SPACE = /[ \t\r\n]*/n.freeze
    PLAIN = /[^"\\\x00-\x1f]*/n.freeze
    NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/n.freeze
    BINARY = /\{[ \t\r\n]*"\$b64"[ \t\r\n]*:[ \t\r\n]*"([A-Za-z0-9+\/=]*)"[ \t\r\n]*\}/n.freeze
    WORDS = { "true" => true, "false" => false, "null" => nil }.freeze
    ESCAPES = { "\"" => "\"", "\\" => "\\", "/" => "/", "b" => "\b", "f" => "\f", "n" => "\n", "r" => "\r", "t" => "\t" }.freeze

    def initialize(bytes, limits)
      @tally = Tally.new(JSONCodec.name, limits)
      @tally.bytes(bytes.bytesize)
      check_utf8(bytes.dup.force_encoding(Encoding::UTF_8))
      @scanner = StringScanner.new(bytes.b)
    end

    def document
      @scanner.skip(SPACE)
      refuse("nothing at all") if @scanner.eos?
      value = read
      @scanner.skip(SPACE)
      refuse("bytes after the value") unless @scanner.eos?
      value
    end

    private

    def check_utf8(text)
      return if text.valid_encoding?

      offset = 0
      text.each_char do |char|
        raise CodecError.new(JSONCodec.name, "text that is not valid UTF-8", offset) unless char.valid_encoding?

        offset += char.bytesize
      end
    end

    def read
      case @scanner.peek(1)
      when "\"" then scalar { string }
      when "[" then @tally.nested(@scanner.pos) { array }
      when "{" then binary || unmarked(@tally.nested(@scanner.pos) { map })
      when "-", "0".."9" then scalar { number }
      else scalar { word }
      end
    end

    def scalar
      @tally.value(@scanner.pos)
      yield
    end

    # Binary is a scalar, though it looks like a map.
    def binary
      start = @scanner.pos
      return unless @scanner.skip(BINARY)

      bytes = JSONCodec.base64(@scanner[1])
      bytes ? @tally.value(start) : @scanner.pos = start
      bytes
    end

    # A map that would be taken for binary was written with one `$` more.
    def unmarked(map)
      return map unless map.size == 1

      key, text = map.first
      return map unless text.is_a?(String) && text.encoding == Encoding::UTF_8 && JSONCodec::MARKER_KEYS.match?(key)

      bytes = JSONCodec.base64(text)
      return map unless bytes

      key == JSONCodec::MARKER ? bytes : { key[1..] => text }
    end

    def array
      elements = []
      each_member("]") { elements << read }
      elements
    end

    def map
      members = {}
      each_member("}") do
        start = @scanner.pos
        refuse("a map's key begins with a quotation mark") unless @scanner.peek(1) == "\""
        key = scalar { string }
        raise CodecError.new(JSONCodec.name, "the key #{key.inspect[0, 80]} comes twice", start) if members.key?(key)

        @scanner.skip(SPACE)
        refuse("a colon is missing after a key") unless @scanner.skip(/:/n)
        @scanner.skip(SPACE)
        members[key] = read
      end
      members
    end

    # What stands between an opening bracket and its closing one, parted by commas.
    def each_member(closing)
      @scanner.getch
      @scanner.skip(SPACE)
      return @scanner.getch if @scanner.peek(1) == closing

      loop do
        yield
        @scanner.skip(SPACE)
        break @scanner.getch if @scanner.peek(1) == closing

        refuse("a comma or #{closing} is missing") unless @scanner.skip(/,/n)
        @scanner.skip(SPACE)
      end
    end

    def string
      @scanner.getch
      text = @scanner.scan(PLAIN)
      until @scanner.skip(/"/n)
        text << escape
        text << @scanner.scan(PLAIN)
      end
      text.force_encoding(Encoding::UTF_8)
    end

    def escape
      refuse(@scanner.eos? ? "a string that does not end" : "a raw control character in a string") unless @scanner.skip(/\\/n)
      return surrogates(hex) if @scanner.skip(/u/n)

      short = ESCAPES[@scanner.peek(1)]
      refuse("an escape that JSON does not have") unless short
      @scanner.getch
      short
    end

    def surrogates(unit)
      return [unit].pack("U").b unless unit.between?(0xD800, 0xDFFF)

      refuse("a lone surrogate") unless unit < 0xDC00 && @scanner.skip(/\\u/n)
      low = hex
      refuse("a lone surrogate") unless low.between?(0xDC00, 0xDFFF)
      [0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)].pack("U").b
    end

    def hex
      digits = @scanner.scan(/[0-9a-fA-F]{4}/n)
      refuse("\\u needs four hexadecimal digits") unless digits
      digits.to_i(16)
    end

    def number
      start = @scanner.pos
      text = @scanner.scan(NUMBER)
      refuse("a number without digits") unless text
      return float(text, start) if @scanner[1] || @scanner[2]

      value = text.bytesize <= 20 ? text.to_i : nil
      return value if value && ValueWriter::INTEGERS.cover?(value)

      raise CodecError.new(JSONCodec.name, "an integer outside of -2^63 to 2^64-1", start)
    end

    def float(text, start)
      FloatText.read(text) || raise(CodecError.new(JSONCodec.name, "a float that is not finite", start))
    end

    def word
      text = @scanner.check(/true|false|null/n)
      refuse(@scanner.eos? ? "the document ends too early" : "no value begins with #{@scanner.peek(1).inspect}") unless text
      @scanner.pos += text.bytesize
      WORDS[text]
    end

    def refuse(what)
      raise CodecError.new(JSONCodec.name, what, @scanner.pos)
    end
  end

  # Writes one JSON document.
  class JSONWriter < ValueWriter
    ESCAPED = /["\\\x00-\x1f]/n.freeze
    SHORT = { "\"" => "\\\"", "\\" => "\\\\", "\b" => "\\b", "\f" => "\\f", "\n" => "\\n", "\r" => "\\r", "\t" => "\\t" }.freeze

    private

    def null(out)
      out << "null"
    end

    def bool(value, out)
      out << (value ? "true" : "false")
    end

    def integer(value, out)
      out << value.to_s
    end

    def float(value, out)
      out << FloatText.write(value)
    end

    def text(value, out)
      out << "\"" << value.b.gsub(ESCAPED) { |char| SHORT[char] || format("\\u%04x", char.ord) } << "\""
    end

    def binary(value, out)
      out << "{\"$b64\":\"" << [value].pack("m0") << "\"}"
    end

    def ext(value, _out)
      refuse("an ext (of type #{value.type}) exists only in msgpack")
    end

    def array(values, out)
      out << "["
      values.each_with_index do |value, index|
        out << "," unless index.zero?
        write(value, out)
      end
      out << "]"
    end

    def map(pairs, out)
      out << "{"
      more = nil
      pairs.each do |key, value|
        out << "," if more
        more = text(looks_binary?(pairs, key, value) ? "$#{key}" : key, out)
        out << ":"
        write(value, out)
      end
      out << "}"
    end

    def looks_binary?(pairs, key, value)
      return false unless pairs.size == 1 && JSONCodec::MARKER_KEYS.match?(key)
      return false unless value.is_a?(Symbol) || (value.is_a?(String) && value.encoding != Encoding::BINARY)

      !JSONCodec.base64(value.to_s.b).nil?
    end
  end
end
