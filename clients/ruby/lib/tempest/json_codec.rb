# frozen_string_literal: true

# JSON, as strict as protocol/codecs.md asks for: Ruby's own parser takes comments, duplicate keys and invalid UTF-8, so
# this one reads by itself, in linear time, and leaves to it only strings with escapes that are known to be right. Binary travels as the map {"$b64": "…"}.

require "json"
require "strscan"

module Tempest
  # The codec `json`.
  module JSONCodec
    # The only key of the map that stands for binary.
    MARKER = "$b64"
    # Canonical base64 of whole groups of four: an exception for each text that is none would be slow.
    BASE64 = %r{\A[A-Za-z0-9+/]*+(?:(?<=[AQgw])==|(?<=[AEIMQUYcgkosw048])=)?\z}.freeze
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
      return unless (text.bytesize % 4).zero? && BASE64.match?(text)

      text.unpack1("m0")
    end
  end

  # Reads one JSON document.
  class JSONReader
    # The quantifiers with a plus give nothing back, so that long texts need no memory for it.
    SPACE = /[ \t\r\n]*+/n.freeze
    COMMA = /[ \t\r\n]*+,[ \t\r\n]*+/n.freeze
    COLON = /[ \t\r\n]*+:[ \t\r\n]*+/n.freeze
    PLAIN = /"[^"\\\x00-\x1f]*+"/n.freeze
    # What a string may hold.
    UNIT = %r{
      (?: [^"\\\x00-\x1f]++
        | \\ (?: ["\\/bfnrt]
               | u (?: [0-9a-cA-CefEF] [0-9a-fA-F]{3}
                     | [dD] [0-7] [0-9a-fA-F]{2}
                     | [dD] [89abAB] [0-9a-fA-F]{2} \\ u [dD] [c-fC-F] [0-9a-fA-F]{2} ) ) )
    }nx.freeze
    # A short string with escapes; a longer one is read piece by piece.
    ESCAPED = /"#{UNIT}{0,100}"/n.freeze
    PIECE = /#{UNIT}{1,500}/n.freeze
    NUMBER = /-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?/n.freeze
    # An integer of so many characters needs no comparison.
    SHORT = 18
    BINARY = %r{\{[ \t\r\n]*+"\$b64"[ \t\r\n]*+:[ \t\r\n]*+"([A-Za-z0-9+/=]*+)"[ \t\r\n]*+\}}n.freeze
    # Bytes of UTF-8 that are looked at together.
    WINDOW = 65_536

    MARK = "\xEF\xBB\xBF".b.freeze
    WIDE_MARKS = ["\xFF\xFE".b.freeze, "\xFE\xFF".b.freeze].freeze

    def initialize(bytes, limits)
      @tally = Tally.new(JSONCodec.name, limits)
      @tally.bytes(bytes.bytesize)
      check_mark(bytes.byteslice(0, 3).b)
      @text = bytes.dup.force_encoding(Encoding::UTF_8)
      check_utf8
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

    def check_mark(head)
      raise CodecError.new(JSONCodec.name, "begins with a byte order mark: remove its three bytes", 0) if head == MARK
      return unless head.start_with?(*WIDE_MARKS)

      raise CodecError.new(JSONCodec.name, "looks like UTF-16 or UTF-32: write it as UTF-8", 0)
    end

    def check_utf8
      return if @text.valid_encoding?

      offset = 0
      while (part = window(offset)).valid_encoding?
        offset += part.bytesize
      end
      part.each_char do |char|
        raise CodecError.new(JSONCodec.name, "text that is not valid UTF-8", offset) unless char.valid_encoding?

        offset += char.bytesize
      end
    end

    # Bytes from the offset on; their end cuts no letter into two.
    def window(offset)
      size = WINDOW
      size -= 1 while size > WINDOW - 4 && (@text.getbyte(offset + size) || 0).between?(0x80, 0xBF)
      @text.byteslice(offset, size)
    end

    def byte
      @text.getbyte(@scanner.pos)
    end

    def read
      start = @scanner.pos
      case @text.getbyte(start)
      when 0x22
        @tally.value(start)
        string(start)
      when 0x2D, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39
        @tally.value(start)
        number(start)
      when 0x5B then array(start)
      when 0x7B then binary(start) || unmarked(map(start))
      else
        @tally.value(start)
        word
      end
    end

    # Binary is a scalar, though it looks like a map.
    def binary(start)
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

    def array(start)
      @tally.enter(start)
      elements = []
      unless empty?(0x5D)
        loop do
          elements << read
          next if @scanner.skip(COMMA)

          close(0x5D)
          break
        end
      end
      @tally.leave
      elements
    end

    def map(start)
      @tally.enter(start)
      members = {}
      unless empty?(0x7D)
        loop do
          member(members)
          next if @scanner.skip(COMMA)

          close(0x7D)
          break
        end
      end
      @tally.leave
      members
    end

    def member(members)
      start = @scanner.pos
      refuse("a map's key begins with a quotation mark") unless byte == 0x22
      @tally.value(start)
      key = string(start)
      raise CodecError.new(JSONCodec.name, "the key #{key[0, 80].inspect[0, 80]} comes twice", start) if members.key?(key)

      unless @scanner.skip(COLON)
        @scanner.skip(SPACE)
        refuse("a colon is missing after a key")
      end
      members[key] = read
    end

    # Behind an opening bracket; whether the closing one follows at once. Then it is passed, too.
    def empty?(closing)
      @scanner.pos += 1
      @scanner.skip(SPACE)
      return false unless byte == closing

      @scanner.pos += 1
      true
    end

    def close(closing)
      @scanner.skip(SPACE)
      refuse("a comma or #{closing.chr} is missing") unless byte == closing
      @scanner.pos += 1
    end

    def string(start)
      size = @scanner.skip(PLAIN)
      return @text.byteslice(start + 1, size - 2) if size

      # Ruby's own parser reads escapes when the string is known to hold nothing that is not allowed.
      size = @scanner.skip(ESCAPED) || pieces(start)
      ::JSON.parse(@text.byteslice(start, size))
    end

    def pieces(start)
      @scanner.pos = start + 1
      nil while @scanner.skip(PIECE)
      refuse_string unless byte == 0x22
      @scanner.pos += 1
      @scanner.pos - start
    end

    # Says what is wrong with what no string may hold.
    def refuse_string
      refuse(@scanner.eos? ? "a string that does not end" : "a raw control character in a string") unless @scanner.skip(/\\/n)
      refuse("an escape that JSON does not have") unless @scanner.skip(/u/n)
      refuse("a lone surrogate") unless hex.between?(0xD800, 0xDBFF) && @scanner.skip(/\\u/n)
      hex
      refuse("a lone surrogate")
    end

    def hex
      digits = @scanner.scan(/[0-9a-fA-F]{4}/n)
      refuse("\\u needs four hexadecimal digits") unless digits
      digits.to_i(16)
    end

    def number(start)
      text = @scanner.scan(NUMBER)
      refuse("a number without digits") unless text
      return float(text, start) if @scanner[1] || @scanner[2]
      return text.to_i if text.bytesize <= SHORT

      value = text.bytesize <= 20 ? text.to_i : nil
      return value if value && ValueWriter::INTEGERS.cover?(value)

      raise CodecError.new(JSONCodec.name, "an integer outside of -2^63 to 2^64-1", start)
    end

    def float(text, start)
      FloatText.read(text) || raise(CodecError.new(JSONCodec.name, "a float that is not finite", start))
    end

    def word
      case byte
      when 0x74 then return true if @scanner.skip(/true/n)
      when 0x66 then return false if @scanner.skip(/false/n)
      when 0x6E then return nil if @scanner.skip(/null/n)
      end
      refuse(@scanner.eos? ? "the document ends too early" : "no value begins with #{@scanner.peek(1).inspect}")
    end

    def refuse(what)
      raise CodecError.new(JSONCodec.name, what, @scanner.pos)
    end
  end

  # Writes one JSON document.
  class JSONWriter < ValueWriter
    ESCAPED = /["\\\x00-\x1f]/.freeze
    SHORT = { "\"" => "\\\"", "\\" => "\\\\", "\b" => "\\b", "\f" => "\\f", "\n" => "\\n", "\r" => "\\r", "\t" => "\\t" }.freeze
    # Each byte as it is written.
    BYTES = (0..255).map { |byte| byte.chr.b.then { |char| SHORT[char] || (byte < 0x20 ? format("\\u%04x", byte) : char) }.b.freeze }.freeze
    CONTROLS = BYTES.each_with_index.to_h { |text, byte| [byte.chr.b, text] }.freeze
    # Bytes that are looked up together.
    WINDOW = 4096

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
      out << "\""
      if ESCAPED.match?(value) then escaped(value.b, out)
      else out << (value.ascii_only? ? value : value.b)
      end
      out << "\""
    end

    # Where much is escaped, gsub is many times slower than a look at every byte.
    def escaped(bytes, out)
      return out << bytes.gsub(ESCAPED, CONTROLS) if bytes.bytesize > 100 && bytes.count("\"\\\\\u0000-\u001f") < bytes.bytesize / 16

      0.step(bytes.bytesize - 1, WINDOW) { |at| out << BYTES.values_at(*bytes.byteslice(at, WINDOW).unpack("C*")).join }
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
