# frozen_string_literal: true

# The Redis function library. Workers and callers need no Lua of their own: they load protocol/tempest.lua, which is
# reached through a link beside this file (and is a copy of it in a built gem).

module Tempest
  # The library and its revision.
  module Functions
    PATH = File.join(__dir__, "tempest.lua")

    module_function

    # @return [String]
    def source
      @source ||= File.read(PATH, encoding: "UTF-8")
    end

    # @return [Integer]
    def revision
      source[/^local REVISION = (\d+)/, 1].to_i
    end

    # Loads the library if Redis has none or an older one; a newer one is never replaced.
    #
    # @param connection [Connection]
    # @return [Integer] the revision that Redis has now
    # @raise [ServerError] if this user may not load functions
    def ensure_loaded(connection)
      have = loaded(connection)
      return have if have >= revision

      connection.call("FUNCTION", "LOAD", "REPLACE", source)
      revision
    end

    def loaded(connection)
      connection.call("FCALL", "tempest1_revision", "0").to_i
    rescue ServerError => e
      raise unless e.message.match?(/function not found/i)

      0
    end
    private_class_method :loaded
  end
end
