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

    # What the operator calls the program: TEMPEST_PROCESS goes before a name in the program, so that a supervisor finds what
    # it has started.
    #
    # @param name [String, nil] nil: ruby, the host, and the process id
    # @return [String] `[A-Za-z0-9_.-]{1,100}`
    def chosen(name, environment = ENV)
      given = environment["TEMPEST_PROCESS"].to_s
      name = given.empty? ? name || "ruby-#{Socket.gethostname}-#{Process.pid}" : given
      name.to_s.gsub(/[^A-Za-z0-9_.-]/, "-")[0, 100].then { |text| text.empty? ? "ruby" : text }
    end

    # @param name [String] as {chosen} made it
    # @return [String] `[A-Za-z0-9_.-]{1,128}`, never the same twice
    def fresh(name)
      "#{name}.#{ulid}"
    end

    # 48 bits of milliseconds and 80 random ones, in 26 characters.
    def ulid
      number = (Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond) << 80) | SecureRandom.random_number(1 << 80)
      Array.new(26) { |place| ALPHABET[(number >> (5 * (25 - place))) & 31] }.join
    end
  end
end
