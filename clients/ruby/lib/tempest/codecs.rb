# frozen_string_literal: true

# Which codec an envelope is in: its first byte decides, and nothing else says it.

module Tempest
  # The codecs by name and by first byte.
  module Codecs
    ALL = { "json" => JSONCodec, "msgpack" => MessagePackCodec, "tnetstring" => TNetstringCodec }.freeze
    LEADING_SPACE = /\A[ \t\r\n]+/n.freeze

    module_function

    # @param name [String, Symbol] json, msgpack or tnetstring
    # @raise [ArgumentError] for any other
    def named(name)
      ALL[name.to_s] || raise(ArgumentError, "no codec is called #{name.inspect}; there are #{ALL.keys.join(', ')}")
    end

    # @param bytes [String] an envelope
    # @return [Module, nil] the codec it claims to be in
    def detect(bytes)
      case bytes.getbyte(0)
      when 0x5B, 0x7B then JSONCodec
      when 0x80..0x9F, 0xDC..0xDF then MessagePackCodec
      when 0x30..0x39 then TNetstringCodec
      when 0x20, 0x09, 0x0D, 0x0A
        space = bytes.b[LEADING_SPACE].bytesize
        [0x5B, 0x7B].include?(bytes.getbyte(space)) ? JSONCodec : nil
      end
    end
  end
end
