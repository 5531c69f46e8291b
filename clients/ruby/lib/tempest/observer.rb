# frozen_string_literal: true

# Which of a queue's other processes are dead: those whose beat counters stood still for their leases. Before it: the reply of
# tick, in the process of beat.rb. After it: the Reaper.

module Tempest
  # Countdowns by this process's own monotonic clock, without I/O. No wall clock and no time of Redis is compared, so a clock
  # that jumps takes no jobs away from anybody.
  class Observer
    # A lease counts only looks that lie at most this part of it apart.
    STEPS = 5
    # What was seen of one process: its counter, its lease and for how long it has certainly stood still, in microseconds.
    Sight = Struct.new(:counter, :lease, :stood)
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

    # One successful look. Only the time from the reply of one look to the question of the next counts; another lease is a sign of life, as
    # another counter is.
    #
    # @param sent [Float] seconds, when it was asked for
    # @param received [Float] seconds, when the reply was there
    # @param others [Array] P, counter, lease in ms, … as tick returns them
    # @return [Array<(String, Integer)>] P and the counter of each that is dead, with each look until it is gone or moves
    def look(sent, received, others)
      # Integers: fractions of a second do not add up.
      sent, received = [sent, received].map { |seconds| (seconds * 1_000_000).round }
      gap = @last ? received - @last.first : 0
      between = @last ? [sent - @last.last, 0].max : 0
      @last = [sent, received]
      dead = []
      seen = {}
      others.each_slice(3) do |process, counter, lease|
        lease *= 1000
        before = @seen[process]
        goes_on = before && before.counter == counter && before.lease == lease && gap * STEPS <= lease
        seen[process] = Sight.new(counter, lease, goes_on ? before.stood + between : 0)
        dead << [process, counter] if seen[process].stood >= lease
      end
      @seen = seen
      dead
    end
  end
end
