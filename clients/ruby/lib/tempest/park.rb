# frozen_string_literal: true

# A connection that waits for the next job of one level while there is nothing to claim. What it moves is only a sign: the
# dispatcher adopts, and runs what adopt returns.

module Tempest
  # A thread and a connection of their own, parked on one level of one queue.
  class Park
    # Seconds that one BLMOVE waits.
    WAIT = 5

    # @return [String, nil] `run_id/client id` while connected
    attr_reader :identity

    # @param mailbox [Mailbox] gets `[:landed, station]`, `[:poll, station]` when nothing can be parked, and `[:doubt, station]` when the
    #   connection breaks and when another has taken its place
    def initialize(station, level, url, mailbox, logger)
      @station = station
      @level = level
      @mailbox = mailbox
      @logger = logger
      @connection = Connection.new(url, blocking: WAIT)
      @lock = Mutex.new
      @changed = ConditionVariable.new
      @wanted = false
      @closed = false
      @busy = false
      @broken = false
      @backoff = Backoff.new
      @thread = Thread.new { work }
    end

    # @param wanted [Boolean] whether to be parked from now on; a wait that is under way goes on
    def wanted=(wanted)
      return if @wanted == wanted

      @lock.synchronize do
        @wanted = wanted
        @changed.broadcast
      end
    end

    # Asks the thread to end.
    def close
      @lock.synchronize do
        @closed = true
        @changed.broadcast
      end
    end

    # Waits until the thread has ended.
    # @return [Boolean] whether it has
    def join(seconds)
      !@thread.join(seconds).nil?
    end

    # Waits until it neither waits nor moves anything.
    # @return [Boolean] whether it rests
    def resting?(seconds)
      @lock.synchronize do
        @changed.wait(@lock, seconds) if @busy
        !@busy
      end
    end

    # Ends a wait that is under way.
    # @param line [Connection] another connection
    def unblock(line)
      line.call("CLIENT", "UNBLOCK", @identity[/\d+\z/]) if @identity
    rescue ServerError => e
      @logger.debug("a parked connection ends its wait by itself: #{e.message}")
    end

    private

    def work
      Thread.current.name = "tempest park #{@station.queue} #{@level}"
      park while wait_until_wanted
    ensure
      @connection.close
    end

    def wait_until_wanted
      @lock.synchronize do
        @busy = false
        @changed.broadcast
        @changed.wait(@lock) until @wanted || @closed
        @busy = !@closed
      end
    end

    def park
      process = @station.process
      return pause(@backoff.next) unless process

      introduce(process)
      job = @connection.call("BLMOVE", source, @station.land(process, @level), "LEFT", "RIGHT", WAIT.to_s)
      @backoff.reset
      landed(process) if job
    rescue ConnectionLost => e
      @logger.debug("parked on #{@station.queue} (#{@level}): #{e.message}")
      lost
    rescue Fenced
      pause(@backoff.next)
    rescue ServerError => e
      trouble(e)
    end

    # The reply of a BLMOVE that landed something may be lost, and Redis may be another one when it is back. It is told when the trouble
    # begins and when it is over, not each time that Redis is found to be away still.
    def lost
      @identity = nil
      @mailbox.post(:doubt, @station) unless @broken
      @broken = true
      pause(@backoff.next)
    end

    # A full Redis (OOM) takes no BLMOVE, but functions: claims go on, each time this has waited.
    def trouble(error)
      refused(error) unless error.code == "UNBLOCKED" || error.full?
      pause(@backoff.next)
      @mailbox.post(:poll, @station) if error.full?
    end

    # Said once for as long as Redis says the same.
    def refused(error)
      # A right that is missing does not come by itself, and is an error each time.
      return if @refusal == error.message && !error.denied?

      @refusal = error.message
      line = LogLine.of("Redis refuses the blocking read of a level; trying again", queue: @station.queue, level: @level, error: error.message)
      @logger.add(error.denied? ? Logger::ERROR : Logger::WARN, line)
    end

    def source
      Keys.level(@station.queue, @level)
    end

    # A new connection is made known as P's, so that whoever takes over P's jobs can end it.
    def introduce(process)
      return if @identity && @introduced == process

      name_connection(process)
      identity = @connection.identity
      @connection.hello(@station.queue, process, "again", *identity)
      @introduced = process
      @identity = identity
      @mailbox.post(:doubt, @station) if @broken
      @broken = false
    end

    # By this name it is known from the connections of others. Who lacks the right goes without: nobody ends it then.
    def name_connection(process)
      @connection.call("CLIENT", "SETNAME", OldConnections.name(process))
    rescue ServerError
      nil
    end

    def landed(process)
      if @station.process == process
        self.wanted = false
        @station.landed = true
        @mailbox.post(:landed, @station)
      else
        # P has gone meanwhile and nobody adopts for it any more: the job goes back to the head of its level.
        @connection.fcall("goodbye", @station.queue, process, @level)
      end
    end

    def pause(seconds)
      @lock.synchronize { @changed.wait(@lock, seconds) if @wanted && !@closed }
    end
  end
end
