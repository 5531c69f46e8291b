# frozen_string_literal: true

# What a producer may say of one job besides its arguments: how often and how long it may run, and until when it is worth
# beginning. Before it: the arguments of Client#push and its kin, in seconds. After it: meta, in milliseconds of Redis' clock.

module Tempest
  # Makes the meta of a job.
  module JobOptions
    LATEST = Bounds::LATEST

    module_function

    # @param meta [Hash] what the user gave; goes before what is made here
    # @param clock [Proc] gives a {RedisClock} when the time is needed
    # @return [Hash]
    # @raise [ArgumentError] for what is out of range
    # @raise [BadRoute]
    def meta(meta, clock, attempts: nil, backoff: nil, timeout: nil, expires: nil, route: nil, once: false)
      made = {}
      made["attempts"] = attempts(attempts) if attempts
      made["backoff"] = RetryPolicy.milliseconds(backoff) if backoff
      made["route"] = Journey.meta(route) unless route.nil? || route == []
      made["timeout"] = [Bounds.milliseconds("timeout", timeout), 1].max if timeout
      made["once"] = true if once
      made["expires_at"] = [moment("expires", expires, clock), LATEST].min if expires
      made.merge(meta.transform_keys(&:to_s))
    end

    # When a job is due, as the function delay takes it: from now on by Redis' clock, or a time of day.
    #
    # @param after [Numeric, nil] seconds
    # @param at [Time, nil]
    # @return [String, nil] nil: now
    # @raise [ArgumentError]
    def due(after, at)
      raise ArgumentError, "give after or at, not both" if after && at
      return "+#{milliseconds('after', after)}" if after
      return nil unless at

      moment("at", at, nil).to_s
    end

    # @param time [Numeric, Time] seconds from now, or a time of day
    # @return [Integer] milliseconds since 1970
    def moment(name, time, clock)
      return [(time.to_r * 1000).floor, 0].max if time.is_a?(Time)
      raise ArgumentError, "#{name} is a Time, not #{time.inspect}" unless clock

      after = Bounds.milliseconds(name, time)
      now = clock.call&.now
      raise ArgumentError, "#{name} in seconds needs Redis' clock, which this user may not ask for; give a Time" unless now

      now + after
    end

    # @param timeout [Numeric, nil] seconds that a caller waits
    # @return [Numeric, nil] nil: for ever, which is also what infinity and more than 1e10 seconds mean
    # @raise [ArgumentError]
    def patience(timeout)
      Bounds.milliseconds("timeout", timeout) if timeout
      timeout && timeout > 1e10 ? nil : timeout
    end

    # @param timeout [Numeric, nil] seconds that a caller waits
    # @return [Integer, nil] until when, in milliseconds since 1970; nil: for ever, or this user may not ask for Redis' clock
    # @raise [ArgumentError]
    def deadline(timeout, clock)
      after = timeout && milliseconds("timeout", timeout)
      now = after && clock.call&.now
      now && (now + after)
    end

    def milliseconds(name, seconds)
      return (seconds * 1000).round if seconds.is_a?(Numeric) && seconds >= 0 && seconds * 1000 <= LATEST

      raise ArgumentError, "#{name} is a number of seconds from 0 on, not #{seconds.inspect}"
    end

    def attempts(value)
      return [value, Bounds::ATTEMPTS].min if value.is_a?(Integer) && value >= 1

      raise ArgumentError, "attempts is an integer from 1 on, not #{value.inspect}"
    end
  end
end
