# frozen_string_literal: true

# The library's version; the protocol's is the revision in tempest.lua.

module Tempest
  VERSION = "0.1.0"
end
