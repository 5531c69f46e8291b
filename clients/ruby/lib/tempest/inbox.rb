# frozen_string_literal: true

# A caller's inbox on one queue: registered with Redis, read by one thread, answers passed on by their job id. Before it:
# a worker's settle or chunk. After it: ExpectedAnswers.

require "securerandom"

module Tempest
  # One registered inbox and its reader.
  class Inbox
    # Seconds that one blocking look waits.
    WAIT = 5
    READ_ANSWERS = 1000
    READ_BYTES = 1_048_576

    # @return [String] what jobs name as respond_to
    attr_reader :id

    # Starts to register the inbox, and to read it.
    # @param outage [Outage] hears when Redis is away
    def initialize(queue, url, logger, outage)
      @queue = queue
      @outage = outage
      @logger = logger
      @id = SecureRandom.hex(16)
      @connection = Connection.new(url, blocking: WAIT)
      @lock = Mutex.new
      @deliveries = Deliveries.new(queue, logger)
      @closed = false
      @backoff = Backoff.new
      @full = Backoff.new
      @left = []
      @registered = false
      @changed = ConditionVariable.new
      @thread = Thread.new { read_on }
    end

    # Returns once the inbox is registered; a Redis that is away, or cannot serve now, is waited for.
    #
    # @param over [Float, nil] until when, on {Tempest.now}'s clock; nil: as long as it takes
    # @raise [ConnectionLost] it is not registered by then
    # @raise [ServerError] Redis refuses, and the inbox is of no use
    # @raise [ClientClosed]
    def await_registered(over)
      @lock.synchronize do
        until @registered
          raise @refusal if @refusal
          raise ClientClosed, "the client is closed" if @closed

          left = over && (over - Tempest.now)
          raise ConnectionLost, @trouble || "the inbox of queue #{@queue} could not be registered in time, and nothing was sent" if left && !left.positive?

          @changed.wait(@lock, left)
        end
      end
    end

    # @return [Boolean] whether Redis has refused to register it
    def refused?
      !@refusal.nil?
    end

    # @return [Integer] answers that were of no use to anybody: nobody waited any more, or they came twice
    def late
      @deliveries.late
    end

    # @param expected [ExpectedAnswers] gets its job's answers from now on
    # @return [ExpectedAnswers] it
    def expect(expected)
      @lock.synchronize do
        raise ClientClosed, "the client is closed" if @closed

        @deliveries.expect(expected)
      end
    end

    def forget(expected)
      @deliveries.forget(expected.job_id)
    end

    # Nobody wants the answers of this job any more, and Redis has not heard it: it is cancelled when the reader comes round.
    # @param job_id [String]
    def leave(job_id)
      @left << job_id
    end

    # Ends the reader, cancels the jobs of streams that were not read to the end, and deletes the inbox with what is in it.
    # @param line [Connection] another connection
    def close(line)
      waiting = @lock.synchronize do
        @closed = true
        @changed.broadcast
        @deliveries.all
      end
      waiting.each { |expected| leave(expected.job_id) if expected.wanted? }
      waiting.each { |expected| expected.fail(ClientClosed.new("the client was closed while it waited for an answer")) }
      end_reader(line)
      give_up_left(line)
      line.fcall("unlisten", @queue, @id)
    rescue ConnectionLost, ServerError => e
      @logger&.debug("inbox #{@id} on #{@queue} could not be closed: #{e.message}")
    ensure
      @connection.close
    end

    # Its client was collected, and nobody waits: the reader ends after its next look, and unregisters the inbox. Takes no lock, because
    # it is called where locks may be held.
    def abandon
      @abandoned = @closed = true
    end

    private

    def give_up_left(line)
      until @left.empty?
        Credits.give_up(line, @queue, @left.first)
        @left.shift
      end
    end

    # Again and again, because a wait may have been on its way when the first word to end it came.
    def end_reader(line)
      limit = Tempest.now + WAIT + Connection::TIMEOUT
      until Tempest.now > limit
        begin
          line.call("CLIENT", "UNBLOCK", @client_id.to_s) if @client_id
        rescue ConnectionLost
          # The next word goes by a new connection; without a Redis the reader's own wait ends too.
        end
        return if @thread.join(0.05)
      end
      @thread.kill
    end

    # A position is worth nothing on another connection: the Redis behind it may have forgotten its last second, and would delete new answers
    # in the places of those.
    def listen
      @heard = nil
      number = @connection.number
      Functions.ensure_loaded(@connection)
      @position = @connection.fcall("listen", @queue, @id)
      @client_id = nil
      @heard = number
      change { @registered = true }
      # What was said of used answers may be lost, and their workers would wait for it.
      @deliveries.all.each do |expected|
        Credits.say(@connection, @queue, expected, @logger) if expected.window.positive? && expected.used.positive?
      end
    end

    def read_on
      Thread.current.name = "tempest inbox #{@queue}"
      look until @closed || @refusal
      return unless @abandoned && @registered

      give_up_left(@connection)
      @connection.fcall("unlisten", @queue, @id)
    rescue ConnectionLost, ServerError => e
      @logger&.debug("inbox #{@id} on #{@queue} could not be closed: #{e.message}")
    rescue StandardError => e
      change { @refusal = e }
      raise
    ensure
      @outage.forget(@id)
      @connection.close
    end

    # Whoever waits to be registered looks again.
    def change
      @lock.synchronize do
        yield
        @changed.broadcast
      end
    end

    # Reads what is there, or waits for something. An answer is deleted only by the read that follows its delivery.
    def look
      listen unless @heard == @connection.number
      give_up_left(@connection)
      answers = @connection.fcall("read", @queue, @id, @position, READ_ANSWERS, READ_BYTES)
      @backoff.reset
      @outage.back(@id)
      return wait if answers.empty?

      answers.each { |bytes| @deliveries.deliver(bytes) }
      @position += answers.size
    rescue Fenced
      @heard = nil
    rescue ConnectionLost, ServerError => e
      @client_id = @heard = nil
      @outage.lost(@id, e) unless @closed
      e = e.refusal if e.is_a?(NotLetIn) && !@registered
      return change { @refusal = e } if e.is_a?(ServerError) && !@registered

      @trouble = e.message
      sleep_unless_closed(@backoff.next)
    end

    # A blocking look that takes nothing away: it moves the head of the list to its head.
    def wait
      @client_id ||= client_id
      key = Keys.inbox(@queue, @id)
      return if @closed

      @connection.call("BLMOVE", key, key, "LEFT", "LEFT", WAIT.to_s)
      @refusal_of_wait = nil
      @full.reset
    rescue ServerError => e
      # Redis is there, and functions run on: it is asked again and again, where it is full or the right to block is missing.
      refused_to_wait(e)
      sleep_unless_closed(@full.next)
    end

    # @return [Integer, nil] nil: this user may not ask for it, and nobody ends a wait
    def client_id
      @connection.call("CLIENT", "ID")
    rescue ServerError
      nil
    end

    # Said once for as long as Redis says the same.
    def refused_to_wait(error)
      return if @refusal_of_wait == error.message

      @refusal_of_wait = error.message
      @logger&.add(error.denied? ? Logger::ERROR : Logger::WARN,
                   LogLine.of("Redis refuses the blocking read of an inbox; trying again", queue: @queue, error: error.message))
    end

    def sleep_unless_closed(seconds)
      over = Tempest.now + seconds
      sleep([0.1, seconds].min) until @closed || Tempest.now >= over
    end
  end
end
