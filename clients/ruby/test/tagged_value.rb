# frozen_string_literal: true

# The vectors' way of writing values, so that they mean the same in every language, and a comparison that sees all of it.

module TaggedValue
  module_function

  def read(tagged)
    return tagged unless tagged.is_a?(Hash)
    kind, content = tagged.first
    case kind
    when "int" then Integer(content, 10)
    when "float" then { "nan" => Float::NAN, "inf" => Float::INFINITY, "-inf" => -Float::INFINITY }.fetch(content.downcase) { Float(content) }
    when "text" then content
    when "binary" then [content].pack("H*")
    when "array" then content.map { |element| read(element) }
    when "map" then content.to_h { |key, member| [key, read(member)] }
    when "ext" then Tempest::Ext.new(content[0], [content[1]].pack("H*"))
    else raise "unknown tag #{kind}"
    end
  end

  # Compares what Ruby's == does not: 1 and 1.0, 0.0 and -0.0, text and binary, the order of maps.
  def shape(value)
    case value
    when Array then value.map { |element| shape(element) }
    when Hash then [:map, value.map { |key, member| [shape(key), shape(member)] }]
    when Float then [:float, [value].pack("G")]
    when String then [value.encoding.name, value.b]
    when Tempest::Ext then [:ext, value.type, value.data]
    else [value.class, value]
    end
  end
end
