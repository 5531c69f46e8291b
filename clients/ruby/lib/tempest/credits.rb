# frozen_string_literal: true

# What the caller of a stream says to Redis: how many answers it has used, and that it wants no more of them. Flow is the other side, which
# waits for it in the worker.

module Tempest
  # The credits of one stream.
  class Credits
    # How many answers may wait at a caller.
    DEFAULT = 1000
    # Seconds after which a slow caller says what it has used: after 30 a worker gives it up.
    SAY = 5
    # Seconds for which a cancellation outlives the time-out of the job that it is for, and for which it is remembered without one.
    REMEMBERED = 300
    FOREVER = 86_400

    # @param line [#call] gives the connection that is used
    # @param expected [ExpectedAnswers]
    # @param timeout [Numeric, nil] seconds to wait for each answer
    def initialize(line, queue, expected, timeout, logger)
      @line = line
      @queue = queue
      @expected = expected
      @timeout = timeout
      @logger = logger
      @said = 0
      @said_at = Tempest.now
    end

    # @param credits [Integer, nil] what a caller asks for
    # @raise [ArgumentError]
    def self.check(credits)
      return credits if credits.nil? || (credits.is_a?(Integer) && credits.positive?)

      raise ArgumentError, "credits is an integer from 1, or nil, not #{credits.inspect}"
    end

    # Says on a connection how many answers were used.
    def self.say(connection, queue, expected, logger)
      connection.fcall("credit", queue, expected.job_id, expected.used)
    rescue ServerError => e
      logger&.warn("the worker of job #{expected.job_id} will wait in vain: Redis does not take what its caller has used: #{e.message}")
    end

    # An answer was used. Said seldom, because a worker that has half a window left need not hear of each.
    def note
      window = @expected.window
      return if window.zero?
      return unless @expected.used - @said >= [1, window / 2].max || Tempest.now - @said_at >= SAY

      @said = @expected.used
      @said_at = Tempest.now
      # Without Redis it is said again by the next connection of the inbox.
      by_line { |connection| Credits.say(connection, @queue, @expected, @logger) }
    end

    # The stream is over. A job that has not been answered to the end is cancelled, where it waits and where it runs.
    def close
      return if @expected.answered? && @said.zero?

      by_line do |connection|
        connection.fcall("credit", @queue, @expected.job_id) if @said.positive?
        connection.fcall("cancel", @queue, @expected.job_id, keep) unless @expected.answered?
      end
    end

    private

    def keep
      ((@timeout ? [@timeout + REMEMBERED, 2_592_000].min : FOREVER) * 1000).round
    end

    def by_line
      yield @line.call
    rescue ConnectionLost, ServerError, ClientClosed => e
      @logger&.debug("nothing could be said of the stream of job #{@expected.job_id}: #{e.message}")
    end
  end
end
