# frozen_string_literal: true

# Whether a Redis throws keys away when it is full: then jobs vanish that it has acknowledged. A worker asks when it starts, and says so.

module Tempest
  # What is wrong with a Redis that evicts.
  module Eviction
    module_function

    # @param line [Connection]
    # @return [String, nil] what to say of it; nil: it keeps what it has, or this user may not ask
    # @raise [ConnectionLost]
    def warning(line)
      info = line.call("INFO", "memory")
      policy = info[/^maxmemory_policy:(allkeys-[a-z]+)/, 1]
      return if policy.nil? || info.match?(/^maxmemory:0\r?$/)

      "this Redis throws jobs away when it is full: its maxmemory-policy is #{policy}; set it to noeviction"
    rescue ServerError
      nil
    end
  end
end
