# frozen_string_literal: true

# JSON that goes between a worker and its beat, and to people: on one line, of whatever text there is.

require "json"

module Tempest
  # @api private
  module JSONLine
    module_function

    # @param value [Object] of text, numbers, arrays and hashes; what is no UTF-8 in it has marks in the places of such bytes
    # @return [String]
    def of(value)
      JSON.generate(readable(value))
    end

    def readable(value)
      case value
      when String then Failure.clean(value)
      when Array then value.map { |each| readable(each) }
      when Hash then value.to_h { |key, each| [Failure.clean(key), readable(each)] }
      else value
      end
    end
    private_class_method :readable
  end
end
