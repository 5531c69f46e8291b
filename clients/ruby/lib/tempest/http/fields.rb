# frozen_string_literal: true

# Names and values in the order in which a browser sent them, as those of a query. Request makes them of queries and forms.

module Tempest
  module HTTP
    # `fields["tag"]` is the first value of a name, `fields.all("tag")` are all of them; iteration is everything in order.
    class Fields
      include Enumerable

      # @return [Array<(String, String)>]
      attr_reader :pairs

      def initialize(pairs = [])
        @pairs = pairs
      end

      # @return [String, nil]
      def [](name)
        pair = @pairs.assoc(name)
        pair && pair[1]
      end

      # As Hash#fetch, of the first value.
      def fetch(name, *default)
        pair = @pairs.assoc(name)
        return pair[1] if pair
        return yield(name) if block_given?

        default.empty? ? raise(KeyError, "there is no #{name.inspect}") : default.first
      end

      # @return [Array<String>] the values of that name, in order
      def all(name)
        @pairs.select { |each, _| each == name }.map(&:last)
      end

      # @return [Boolean]
      def key?(name)
        @pairs.any? { |each, _| each == name }
      end

      # @yieldparam name [String]
      # @yieldparam value [String]
      def each(&block)
        @pairs.each(&block)
      end

      # @return [Hash{String => String}] the first value of each name
      def to_h
        @pairs.each_with_object({}) { |(name, value), found| found[name] = value unless found.key?(name) }
      end
    end
  end
end
