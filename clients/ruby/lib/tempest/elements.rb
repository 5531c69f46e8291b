# frozen_string_literal: true

# Several elements as one answer: most handlers answer with one value, those of HTTP and of sockets with more, or with none.
# A handler returns it, or gives the same to Context#send_answer; Runner takes it apart.

module Tempest
  # What the args of an answer are, as they are: `Elements.new(200, { "content-type" => "text/plain" }, "hello")`, or
  # `Elements.new` for an answer without any. An Array would be one element.
  class Elements
    # @return [Array]
    attr_reader :values

    def initialize(*values)
      @values = values
    end

    # @return [Array] the args of an answer with that value: the value alone, unless it is Elements
    def self.args(value)
      value.is_a?(Elements) ? value.values : [value]
    end

    def ==(other)
      other.is_a?(Elements) && values == other.values
    end
  end
end
