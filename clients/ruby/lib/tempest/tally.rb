# frozen_string_literal: true

# The limits of protocol/codecs.md, and the count that every reader and writer keeps against them. What comes from
# Redis is hostile: nothing is read deeper or longer than this.

module Tempest
  # How much one document may hold.
  #
  # @!attribute depth [Integer] of nested arrays and maps
  # @!attribute values [Integer] scalars, arrays, maps and keys together
  # @!attribute bytes [Integer] of the encoded document
  Limits = Struct.new(:depth, :values, :bytes) do
    def initialize(depth: 64, values: 1_000_000, bytes: 16 * 1024 * 1024)
      super(depth, values, bytes)
      freeze
    end
  end

  # The limits that are used if none are given.
  STANDARD_LIMITS = Limits.new

  # Counts what one reader or writer has seen so far.
  class Tally
    # @param codec [String] the codec's name, for messages
    # @param limits [Limits]
    def initialize(codec, limits)
      @codec = codec
      @limits = limits
      @most = limits.values
      @depth = 0
      @values = 0
      @size = 0
    end

    # @raise [CodecError] for a document of more bytes than allowed
    def bytes(size)
      return if size <= @limits.bytes

      raise CodecError.new(@codec, "#{size} bytes are more than the limit of #{@limits.bytes}")
    end

    # Bytes of a text or binary that is about to be written: a document that is too large is refused before it is there, and before
    # the rest of its value is looked at.
    # @raise [CodecError]
    def room(size)
      @size += size
      raise CodecError.new(@codec, "more than the limit of #{@limits.bytes} bytes") if @size > @limits.bytes
    end

    # So many values are in an array or a map that is about to be written.
    # @raise [CodecError]
    def ahead(count)
      raise CodecError.new(@codec, "more than #{@limits.values} values") if @values + count > @most
    end

    # One more scalar, array, map or key.
    def value(offset = nil)
      @values += 1
      raise CodecError.new(@codec, "more than #{@limits.values} values", offset) if @values > @most
    end

    # Counts an array or a map. What is read or written from here to `leave` is one level deeper.
    def enter(offset = nil)
      value(offset)
      @depth += 1
      raise CodecError.new(@codec, "nested deeper than #{@limits.depth}", offset) if @depth > @limits.depth
    end

    def leave
      @depth -= 1
    end
  end
end
