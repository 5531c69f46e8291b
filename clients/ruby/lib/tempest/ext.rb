# frozen_string_literal: true

# MessagePack's extension types, carried as they are: timestamps too. JSON and tnetstring refuse to write them.

module Tempest
  # A typed run of bytes.
  #
  # @!attribute type [Integer] -128 to 127
  # @!attribute data [String] bytes, ASCII-8BIT
  Ext = Struct.new(:type, :data) do
    def initialize(type, data)
      unless type.is_a?(Integer) && type.between?(-128, 127)
        raise ArgumentError, "an ext's type is -128 to 127, not #{type.inspect}"
      end

      super(type, String(data).b.freeze)
      freeze
    end
  end
end
