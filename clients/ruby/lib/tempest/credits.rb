# frozen_string_literal: true

# What the caller of a stream says to Redis: how many answers it has used, and that it wants no more of them. Flow is the other side, which
# waits for it in the worker.

module Tempest
  # The credits of one stream.
  class Credits
    # How many answers may wait at a caller.
    DEFAULT = 1000
    # As many as a job may ask for (protocol/envelope.md).
    MOST = Bounds::NUMBERS.fetch("credits").max
    # Seconds after which a slow caller says what it has used: after 30 a worker gives it up.
    SAY = 5
    # Seconds for which a cancellation outlives the time-out of the job that it is for, and for which it is remembered without one.
    REMEMBERED = 300
    FOREVER = 86_400

    # @param line [#call] gives the connection that is used
    # @param expected [ExpectedAnswers]
    # @param timeout [Numeric, nil] seconds to wait for each answer
    # @yieldparam job_id [String] of a job that is to be cancelled once Redis is there again
    def initialize(line, queue, expected, timeout, logger, &later)
      @line = line
      @queue = queue
      @expected = expected
      @timeout = timeout
      @logger = logger
      @later = later
      @said = 0
      @said_at = Tempest.now
    end

    # @param credits [Integer, nil] what a caller asks for
    # @return [Integer, nil] the same, and the most there may be for more than that
    # @raise [ArgumentError]
    def self.check(credits)
      return credits && [credits, MOST].min if credits.nil? || (credits.is_a?(Integer) && credits.positive?)

      raise ArgumentError, "credits is an integer from 1, or nil, not #{credits.inspect}"
    end

    # Says on a connection how many answers were used.
    def self.say(connection, queue, expected, logger)
      connection.fcall("credit", queue, expected.job_id, expected.used)
    rescue ServerError => e
      logger&.warn(LogLine.of("Redis does not take how much of a stream was used: its worker will wait for it in vain",
                              queue: queue, job_id: expected.job_id, error: e.message))
    end

    # Nobody wants more answers: the job is cancelled, where it waits and where it runs.
    # @param seconds [Numeric] for which that is remembered
    def self.give_up(connection, queue, job_id, seconds = FOREVER)
      [["credit"], ["cancel", (seconds * 1000).round]].each do |name, *words|
        connection.fcall(name, queue, job_id, *words)
      rescue ServerError
        nil # no right to: the worker gives it up after 30 seconds without a caller
      end
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

      return by_line { |connection| connection.fcall("credit", @queue, @expected.job_id) } if @expected.answered?

      Credits.give_up(@line.call, @queue, @expected.job_id, keep)
    rescue ConnectionLost
      @later&.call(@expected.job_id)
    rescue ServerError, ClientClosed => e
      unsaid(e)
    end

    private

    def keep
      @timeout ? [@timeout + REMEMBERED, 2_592_000].min : FOREVER
    end

    def by_line
      yield @line.call
    rescue ConnectionLost, ServerError, ClientClosed => e
      unsaid(e)
    end

    def unsaid(error)
      @logger&.debug { LogLine.of("nothing could be said of a stream", queue: @queue, job_id: @expected.job_id, error: error.message) }
    end
  end
end
