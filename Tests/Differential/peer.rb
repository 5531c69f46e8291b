# frozen_string_literal: true

# The Ruby side of the comparison of languages: reads bytes, and writes what it read in every codec. Started by compare.py;
# Sources/Frames.swift and Sources/Tokens.swift say what goes through the pipes.

require "tempest"

CODECS = { "j" => Tempest::JSONCodec, "m" => Tempest::MessagePackCodec, "t" => Tempest::TNetstringCodec }.freeze

def put_tokens(value, out)
  case value
  when nil then out << "n"
  when true then out << "t"
  when false then out << "f"
  when Integer then out << "i" << value.to_s << ";"
  when Float then out << "d" << [value].pack("G").unpack1("H*")
  when String then out << (value.encoding == Encoding::BINARY ? "b" : "s") << value.bytesize.to_s << ":" << value.b
  when Tempest::Ext then out << "e" << value.type.to_s << "," << value.data.bytesize.to_s << ":" << value.data
  when Array
    out << "["
    value.each { |element| put_tokens(element, out) }
    out << "]"
  when Hash
    out << "{"
    value.each do |key, element|
      put_tokens(key, out)
      put_tokens(element, out)
    end
    out << "}"
  end
end

def block(content)
  content ? [content.bytesize].pack("L>") << content : "\xFF\xFF\xFF\xFF".b
end

def written(value, codec, canonical: false)
  codec.encode(value, canonical: canonical)
rescue Tempest::CodecError
  nil
end

def answer(data, codec)
  value = codec.decode(data)
  tokens = String.new(encoding: Encoding::BINARY)
  put_tokens(value, tokens)
  forms = [tokens, *CODECS.values.map { |each| written(value, each) }, written(value, codec, canonical: true)]
  forms.each_with_object("\x01".b) { |form, out| out << block(form) }
rescue Tempest::CodecError => e
  "\x00".b << e.message.b
end

$stdin.binmode
$stdout.binmode
while (head = $stdin.read(4))
  frame = $stdin.read(head.unpack1("L>"))
  at = 1
  answers = String.new(encoding: Encoding::BINARY)
  while at < frame.bytesize
    size = frame.byteslice(at + 1, 4).unpack1("L>")
    answers << block(answer(frame.byteslice(at + 5, size), CODECS.fetch(frame.byteslice(at, 1))))
    at += 5 + size
  end
  $stdout.write(block(answers))
  $stdout.flush
end
