# frozen_string_literal: true

# P of the protocol: what a worker is called on one queue. New for every start, so that Redis can tell a process that
# came back from the one whose jobs were given away.

require "securerandom"
require "socket"

module Tempest
  # Makes names such as `ruby-host-4711.01J…`.
  module ProcessName
    ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

    module_function

    # @param name [String] what the operator calls the program
    # @return [String] `[A-Za-z0-9_.-]{1,128}`, never the same twice
    def fresh(name)
      "#{"#{name}-#{Socket.gethostname}-#{Process.pid}".gsub(/[^A-Za-z0-9_.-]/, '-')[0, 100]}.#{ulid}"
    end

    # 48 bits of milliseconds and 80 random ones, in 26 characters.
    def ulid
      number = (Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond) << 80) | SecureRandom.random_number(1 << 80)
      Array.new(26) { |place| ALPHABET[(number >> (5 * (25 - place))) & 31] }.join
    end
  end
end
