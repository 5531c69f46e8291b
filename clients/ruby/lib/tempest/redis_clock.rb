# frozen_string_literal: true

# Redis' clock as this process knows it: what expires_at, deadline and due times are compared with. Set from TIME, and by
# each tick after that.

module Tempest
  # Milliseconds since 1970 by Redis' clock, read without asking Redis. Many threads may use it.
  class RedisClock
    # @return [Integer] Redis' milliseconds less this process's monotonic ones
    attr_accessor :offset

    def initialize
      # Until Redis was asked, this computer's clock is the best guess.
      @offset = Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond) - RedisClock.monotonic
    end

    # @return [Integer]
    def now
      RedisClock.monotonic + @offset
    end

    # Asks Redis for the time.
    # @param connection [Connection]
    # @return [self]
    # @raise [ConnectionLost, ServerError]
    def set(connection)
      sent = RedisClock.monotonic
      seconds, micros = connection.call("TIME").map(&:to_i)
      @offset = RedisClock.offset((seconds * 1000) + (micros / 1000), sent, RedisClock.monotonic)
      self
    end

    # @param time [Integer] what Redis said, between the two
    # @param sent [Integer] monotonic milliseconds
    # @param received [Integer]
    # @return [Integer]
    def self.offset(time, sent, received)
      time - ((sent + received) / 2)
    end

    # @return [Integer] milliseconds
    def self.monotonic
      Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond)
    end
  end
end
