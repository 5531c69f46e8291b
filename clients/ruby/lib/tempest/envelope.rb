# frozen_string_literal: true

# From bytes to the array that a job or an answer is, and the rules that their fields have in common. Next: Job, Answer.

module Tempest
  # Reading the outside of jobs and answers.
  module Envelope
    CONTROL = /[\u0000-\u001f\u007f]/.freeze
    # How long a sentence in the dead set gets at most, in characters.
    SENTENCE = 500

    module_function

    # @param bytes [String]
    # @return [(Module, Array)] the codec and the elements
    # @raise [Refused] bad_codec, foreign or bad_envelope
    def open(bytes, limits: STANDARD_LIMITS)
      codec = Codecs.detect(bytes) || refuse("bad_codec", unknown(bytes))
      begin
        document = codec.decode(bytes, limits: limits)
      rescue CodecError => e
        refuse("bad_codec", e.message)
      end
      refuse("foreign", "a map, not an array: the envelope of another system") if document.is_a?(Hash)
      refuse("bad_envelope", "not an array") unless document.is_a?(Array)
      [codec, document]
    end

    # MessagePack's bytes are taken for text where text is asked for, if they are valid UTF-8 (Ruby packs ASCII-8BIT
    # strings so).
    # @return [Object] text, or the value as it was
    def text(value, codec)
      return value unless codec == MessagePackCodec && value.is_a?(String) && value.encoding == Encoding::BINARY

      copy = value.dup.force_encoding(Encoding::UTF_8)
      copy.valid_encoding? ? copy : value
    end

    # @return [String, nil] the text, if the value counts as text
    def plain_text(value, codec)
      found = text(value, codec)
      found if found.is_a?(String) && found.encoding == Encoding::UTF_8
    end

    def text?(value, longest)
      value.is_a?(String) && value.encoding == Encoding::UTF_8 && value.bytesize.between?(1, longest) && !CONTROL.match?(value)
    end

    def check_action(value)
      return value if text?(value, 255)

      refuse("bad_envelope", "action: expected text of 1 to 255 bytes without control characters, found #{kind(value)}")
    end

    def check_job_id(value)
      return value if value.is_a?(Integer) || text?(value, 128)

      refuse("bad_envelope",
             "job_id: expected text of 1 to 128 bytes without control characters, or an integer, found #{kind(value)}")
    end

    def check_args(value)
      value.is_a?(Array) ? value : refuse("bad_envelope", "args: expected an array, found #{kind(value)}")
    end

    # @param elements [Array] the envelope
    # @param place [Integer] where its meta stands, if it has one
    def check_meta(elements, place)
      return {} if elements.size == place

      meta = elements[place]
      meta.is_a?(Hash) ? meta : refuse("bad_envelope", "meta: expected a map, found #{kind(meta)}")
    end

    # @return [String] what a value is called in messages
    def kind(value)
      case value
      when nil then "null"
      when true, false then "bool"
      when Integer then "integer"
      when Float then "float"
      when String then value.encoding == Encoding::BINARY ? "binary" : "text #{value[0, 40].inspect}"
      when Array then "an array"
      when Hash then "a map"
      else "ext"
      end
    end

    def refuse(reason, sentence)
      raise Refused.new(reason, sentence[0, SENTENCE])
    end

    def unknown(bytes)
      first = bytes.getbyte(0)
      return "no bytes at all" unless first
      return "a framed envelope (0xC1), which this revision refuses" if first == 0xC1

      format("no codec begins with the byte 0x%02X", first)
    end
    private_class_method :unknown
  end
end
