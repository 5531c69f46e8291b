# frozen_string_literal: true

# Which of a queue's other processes are dead: those whose beat counters stood still for their leases. Before it: the reply of
# tick, in the process of beat.rb. After it: the Reaper.

module Tempest
  # Countdowns by this process's own monotonic clock, without I/O. No wall clock and no time of Redis is compared, so a clock
  # that jumps takes no jobs away from anybody.
  class Observer
    # A lease counts only looks that lie at most this part of it apart.
    STEPS = 5
    # What was seen of one process.
    Sight = Struct.new(:counter, :since)
    private_constant :Sight

    def initialize
      restart
    end

    # A look failed, or the connection is a new one: whatever stood still meanwhile may have been due to that.
    # @return [void]
    def restart
      @seen = {}
      @last = nil
    end

    # One successful look.
    #
    # @param sent [Float] seconds, when it was asked for
    # @param received [Float] seconds, when the reply was there
    # @param others [Array] P, counter, lease in ms, … as tick returns them
    # @return [Array<(String, Integer)>] P and the counter of each that is dead
    def look(sent, received, others)
      gap = @last ? received - @last : 0
      @last = sent
      dead = []
      seen = {}
      others.each_slice(3) do |process, counter, lease|
        lease /= 1000.0
        sight = @seen[process]
        # Counted as little as may be: from the reply in which it was first seen to the question of this look.
        sight = Sight.new(counter, received) if sight.nil? || sight.counter != counter || gap > lease / STEPS
        dead << [process, counter] if sent - sight.since >= lease
        seen[process] = sight
      end
      @seen = seen
      dead
    end
  end
end
