# frozen_string_literal: true

require_relative "lib/tempest/version"

Gem::Specification.new do |spec|
  spec.name = "tempest-queue"
  spec.version = Tempest::VERSION
  spec.summary = "Workers and callers of Tempest, job queues in Redis that programs in any language share"
  spec.description = "A full worker (at least once, never two final answers) and a caller of the Tempest protocol: " \
                     "JSON, MessagePack and tnetstring, levels, several answers, no Lua of your own."
  spec.authors = ["The Tempest authors"]
  spec.license = "MIT"
  spec.required_ruby_version = ">= 3.0"
  spec.files = Dir.chdir(__dir__) { Dir["lib/**/*.{rb,lua}", "exe/*", "examples/*.rb", "README.md"] }
  spec.bindir = "exe"
  spec.executables = ["tempest-rack"]
  spec.require_paths = ["lib"]
  spec.add_dependency "redis", ">= 4.8", "< 6"
end
