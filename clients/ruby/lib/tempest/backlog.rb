# frozen_string_literal: true

# Claims that wait for a handler thread. Before it: Pool. After it: its threads.

module Tempest
  # A queue that wakes one thread at a time. The next is woken when that one has come to run: while it has not, the threads that run take
  # all there is, and waking more of them would only make them queue for the interpreter's lock.
  class Backlog
    def initialize
      @lock = Mutex.new
      @more = ConditionVariable.new
      @claims = []
      @idle = 0
      @waking = false
      @closed = false
    end

    # @param claims [Array<Claim>]
    def push(claims)
      @lock.synchronize do
        @claims.concat(claims)
        wake
      end
    end

    # @return [Claim, nil] nil at the end
    def pop
      @lock.synchronize do
        rest while @claims.empty? && !@closed
        claim = @claims.shift
        wake
        claim
      end
    end

    # Who waits gets nil once all is taken.
    def close
      @lock.synchronize do
        @closed = true
        @more.broadcast
      end
    end

    private

    def rest
      @idle += 1
      @more.wait(@lock)
    ensure
      @idle -= 1
      @waking = false
    end

    def wake
      return if @waking || @idle.zero? || @claims.empty?

      @waking = true
      @more.signal
    end
  end
end
