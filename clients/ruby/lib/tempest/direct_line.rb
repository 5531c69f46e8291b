# frozen_string_literal: true

# All that is on its way to one node: the answers that wait, in their order, the thread that sends them, and its connection. The DirectSender
# has one for each node, so that a node that is away or hostile holds up nobody's answers but its own.

module Tempest
  # One answer, encoded as for an inbox.
  # @api private
  class DirectAnswer
    attr_reader :claim, :bytes

    # @yieldparam over [Boolean] true when the node has it, or nobody there wants it; false when the claim is gone or the worker has ended:
    #   then the job must not be settled
    def initialize(claim, bytes, &done)
      @claim = claim
      @bytes = bytes
      @done = done
    end

    def done(over)
      @done.call(over)
    end
  end

  # A node that was away for `patience` seconds loses what waits for it; what comes later is tried once. After `idle` seconds without an
  # answer the line ends, and is not used again.
  # @api private
  class DirectLine
    # What is sent at a time at most.
    ANSWERS = 100
    BYTES = 1024 * 1024

    # @return [Array] host and port
    attr_reader :place
    # @return [Float] when it got an answer last
    attr_reader :used

    # @param lock [Mutex] that of the sender: whatever is said to be called under the lock is
    # @yieldparam line [DirectLine] under the lock, when nothing waits any more
    # @yieldreturn [Boolean] whether it is to end, to make room for another
    def initialize(place, target, lock, logger, patience, idle, &on_rest)
      @place = place
      @target = target
      @lock = lock
      @logger = logger
      @patience = patience
      @idle = idle
      @on_rest = on_rest
      @turn = ConditionVariable.new
      @waiting = []
      @busy = 0
      @used = Tempest.now
      @ended = false
      # Since when nothing has reached the node.
      @failing = nil
      @backoff = Backoff.new
      @thread = Thread.new { run }
      @thread.name = "tempest direct #{address}"
    end

    # Called under the lock.
    # @return [Integer] answers on their way
    def count
      @waiting.size + @busy
    end

    def ended?
      @ended
    end

    # Called under the lock.
    def add(answer)
      @waiting << answer
      @used = Tempest.now
      @turn.broadcast
    end

    # Called under the lock, which it leaves: until one answer less is on its way, or the seconds are over.
    def wait(seconds)
      @turn.wait(@lock, seconds)
    end

    # Called under the lock: nothing more is sent.
    def end
      @ended = true
      @turn.broadcast
    end

    def join(seconds)
      @thread.join(seconds)
    end

    private

    def address
      @place.join(":")
    end

    def run
      while (batch = take)
        begin
          deliver(batch)
        rescue StandardError => e
          # A fault of this library must not leave claims behind that nobody settles.
          drop(batch, e)
        end
      end
    ensure
      hang_up
      left = @lock.synchronize do
        @ended = true
        @waiting.slice!(0..)
      end
      left.each { |answer| answer.done(false) }
    end

    # @return [Array<DirectAnswer>, nil] what is to be sent next, in its order; nil at the end
    def take
      @lock.synchronize do
        @busy = 0
        return if @waiting.empty? && !@ended && @on_rest.call(self)

        over = Tempest.now + @idle
        while @waiting.empty? && !@ended
          left = over - Tempest.now
          left.positive? ? @turn.wait(@lock, left) : @ended = true
        end
        return if @ended

        bytes = 0
        batch = @waiting.first(ANSWERS).take_while.with_index { |answer, place| (bytes += answer.bytes.bytesize) <= BYTES || place.zero? }
        @waiting.shift(batch.size)
        @busy = batch.size
        batch
      end
    end

    # Until each has reached the node, was dropped, or may not be sent any more; those that are done leave the batch.
    def deliver(batch)
      until batch.empty?
        batch.select { |answer| @ended || answer.claim.lost? }.each { |answer| finish(batch, answer, false) }
        return if batch.empty?

        begin
          send_all(batch)
          @failing = nil
          @backoff.reset
        rescue NoNode => e
          hang_up
          drop(batch, e)
        rescue *DirectLink::AWAY => e
          @failing ||= Tempest.now
          hang_up
          failed(batch, e) unless @ended
        end
      end
    end

    def failed(batch, error)
      return pause if Tempest.now - @failing < @patience

      @lock.synchronize { batch.concat(@waiting.slice!(0..)) }
      drop(batch, error)
    end

    # One attempt at all of them.
    def send_all(batch)
      hang_up if @link&.stale?
      @link ||= DirectLink.new(@target, @place.last, -> { @ended })
      commands = batch.dup.filter_map { |answer| words(answer) || finish(batch, answer, true) }
      return if commands.empty?

      @link.tell(commands) do |reply|
        heard(reply)
        finish(batch, batch.first, true)
      end
    end

    # @return [Array<String>, nil] nil: the node cannot be told
    def words(answer)
      read = Answer.read(answer.bytes)
      request = read.error && DirectPayload.request?(Job.read(answer.claim.payload, single: true))
      found = DirectPayload.words(read, request, @link.reads_meta)
      unless found
        warn("a node of the original cannot be told of a failure", action: read.action[0, LogLine::NAME], job_id: read.job_id.to_s[0, LogLine::NAME])
      end
      found
    rescue CodecError, Refused => e
      warn("an answer cannot be written as JSON", queue: answer.claim.station.queue, claim: answer.claim.field, error: e.message)
      nil
    end

    def heard(reply)
      if reply.kind == "-"
        warn("a node refused an answer", error: reply.text)
      elsif reply != DirectLink::Reply.new("+", "OK")
        @logger.debug { LogLine.of("nobody waits for an answer any more", address: address) }
      end
    end

    def drop(batch, error)
      warn("an answer was dropped", answers: batch.size > 1 ? batch.size : nil, error: error.message) unless batch.empty?
      batch.dup.each { |answer| finish(batch, answer, true) }
    end

    # @return [nil]
    def finish(batch, answer, over)
      batch.delete_at(batch.index { |each| each.equal?(answer) })
      @lock.synchronize do
        @busy = batch.size
        @turn.broadcast
      end
      answer.done(over)
      nil
    end

    def pause
      over = Tempest.now + @backoff.next
      @lock.synchronize do
        while !@ended && (left = over - Tempest.now).positive?
          @turn.wait(@lock, left)
        end
      end
    end

    def hang_up
      link, @link = @link, nil
      link&.close
    end

    def warn(message, **fields)
      @logger.warn(LogLine.of(message, address: address, **fields))
    end
  end
end
