# frozen_string_literal: true

# Serves any Rack application from a queue: what fronts put on it becomes requests, what the application says answers. Needs the
# gem rack (2.2 or 3), which the rest of this library does not: `require "tempest/rack"`.
#
#   worker = Tempest::Worker.new("web", concurrency: 8)
#   worker.handle("url", Tempest::Rack::Gateway.new(app), context: true)
#   worker.run

require "rack"
require "tempest"
require_relative "rack/environment"
require_relative "rack/response"
require_relative "rack/gateway"

module Tempest
  # The executable tempest-rack does this with the application of a config.ru.
  module Rack
    # @param path [String] of a config.ru
    # @return [#call] the application in it
    # @raise [ArgumentError] if there is no such file
    def self.load(path)
      raise ArgumentError, "there is no file #{path}" unless File.file?(path)

      found = ::Rack::Builder.parse_file(path)
      # Rack 2 returns its options, too.
      found.is_a?(Array) ? found.first : found
    end
  end
end
