# frozen_string_literal: true

# A Rack application that answers with what Rack reads in a form, as JSON, and gives a header back in its bytes. As a program it reads
# bodies by itself, with no queue between: one JSON a line on its input, one on its output.

require "json"
require "rack"
require "stringio"

# Serves from a queue and by itself.
module Parsed
  module_function

  def call(env)
    header = env["HTTP_X_A"]
    found = begin
      { "form" => plain(Rack::Request.new(env).POST) }
    rescue StandardError => e
      { "error" => e.class.name }
    end
    found["header"] = header && header.unpack1("H*")
    headers = { "content-type" => "application/json" }
    headers["x-back"] = header if header
    [200, headers, [JSON.generate(found)]]
  end

  # Texts by their bytes, files by what Rack says of them.
  def plain(value)
    case value
    when Hash
      if value[:tempfile]
        { "file" => [value[:name], value[:filename], value[:type], value[:head]].map { |text| text && text.unpack1("H*") },
          "content" => value[:tempfile].tap(&:rewind).read.unpack1("H*") }
      else
        value.map { |key, each| [key.to_s.unpack1("H*"), plain(each)] }
      end
    when Array then value.map { |each| plain(each) }
    when String then value.unpack1("H*")
    else value
    end
  end
end

if $PROGRAM_NAME == __FILE__
  $stdin.each_line do |line|
    type, body = JSON.parse(line)
    body = [body].pack("H*")
    env = { "REQUEST_METHOD" => "POST", "CONTENT_TYPE" => type, "CONTENT_LENGTH" => body.bytesize.to_s, "rack.input" => StringIO.new(body) }
    puts Parsed.call(env).last.first
    $stdout.flush
  end
end
