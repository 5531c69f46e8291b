# frozen_string_literal: true

# Where handler threads, parked connections, the beat and signals leave word for the dispatcher, and where it waits.

module Tempest
  # A queue of events with a wait that ends.
  class Mailbox
    def initialize
      @lock = Mutex.new
      @arrived = ConditionVariable.new
      @events = []
    end

    # @param kind [Symbol]
    def post(kind, subject = nil)
      @lock.synchronize do
        @events << [kind, subject]
        @arrived.signal
      end
    end

    # @param seconds [Float] how long to wait for the first event; 0: not at all
    # @return [Array<(Symbol, Object)>] all events so far, perhaps none
    def take(seconds)
      @lock.synchronize do
        @arrived.wait(@lock, seconds) if @events.empty? && seconds.positive?
        events = @events
        @events = []
        events
      end
    end
  end
end
