# frozen_string_literal: true

# The bounds of the numbers in a job's meta (protocol/envelope.md). A worker reads meta through them: what lies outside, or is of another
# type, counts as absent. Producers and handlers' rules are kept within them.

module Tempest
  # Ranges in milliseconds, attempts and answers.
  module Bounds
    # Milliseconds, 365 days: no delay and no time-out is longer.
    LONGEST = 365 * 86_400_000
    # Attempts in all.
    ATTEMPTS = 1_000_000
    # Milliseconds since 1970, at most.
    LATEST = 2**52
    NUMBERS = {
      "attempt" => 1..ATTEMPTS, "attempts" => 1..ATTEMPTS, "timeout" => 1..LONGEST, "enqueued_at" => 0..LATEST, "expires_at" => 0..LATEST,
      "deadline" => 0..LATEST, "credits" => 1..1_000_000
    }.freeze

    module_function

    # @param meta [Hash]
    # @param key [String] one of NUMBERS
    # @return [Integer, nil]
    def number(meta, key)
      found = meta[key]
      found if found.is_a?(Integer) && NUMBERS.fetch(key).cover?(found)
    end

    # @return [Array<Integer>, nil] the first and the longest delay that `backoff` names, in milliseconds
    def delays(meta)
      found = meta["backoff"]
      return unless found.is_a?(Array) && found.size == 2 && found.all? { |time| time.is_a?(Integer) && time.between?(0, LONGEST) }

      found if found[0] <= found[1]
    end

    # @param seconds [Numeric] from 0 on, also infinitely many
    # @return [Integer] milliseconds, 365 days at most
    # @raise [ArgumentError] for what is no number from 0 on
    def milliseconds(name, seconds)
      raise ArgumentError, "#{name} is a number of seconds from 0 on, not #{seconds.inspect}" unless seconds.is_a?(Numeric) && seconds >= 0

      ([seconds, LONGEST / 1000].min * 1000).round
    end
  end
end
