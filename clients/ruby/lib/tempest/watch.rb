# frozen_string_literal: true

# One queue as the beat process sees it: whom it keeps alive there, when to tick next, whom it observes and reaps. Before it:
# the orders of the worker. After it: what tick returned, for the worker.

module Tempest
  # The ticks of one process P on one queue.
  class Watch
    # Seconds between ticks at most and at least; in between a tenth of the shortest lease on the queue.
    LONGEST = 1.0
    SHORTEST = 0.05
    PART = 10

    # @return [String]
    attr_reader :queue, :process
    # @return [Float] when to tick next, on {Tempest.now}'s clock
    attr_accessor :due
    # @return [String] what to say for people with the next tick; "": nothing new
    attr_accessor :note
    # @return [Array<Integer>] landed, waiting, suspects of the last tick; 1 if P keeps the clock; 1 if unknown jobs are to be given up
    attr_reader :news

    # @param lease [Integer] P's own, in milliseconds
    # @yieldparam line [Array] for the worker's log: severity, message, fields
    def initialize(line, queue, process, levels, lease, &log)
      @line = line
      @queue = queue
      @process = process
      @levels = levels
      @lease = lease
      @observer = Observer.new
      @reaper = Reaper.new(line, queue, &log)
      @due = Tempest.now
      @note = ""
      @news = [0, 0, 0, 0, 0]
    end

    # Nothing that stood still so far counts: there was a failure, a new connection, or a pause.
    def restart
      @observer.restart
      @reaper.restart
    end

    # Beats, and looks after the others.
    #
    # @return [Integer] the offset of Redis' clock to the monotonic one, in milliseconds
    # @raise [Fenced, ConnectionLost, ServerError]
    def tick
      sent = Tempest.now
      @due = sent + SHORTEST
      _, time, due, landed, waiting, suspects, others, keeper, unknown = @line.fcall("tick", @queue, @process, @note, *@levels)
      # Somebody has flushed the functions, and a worker of an earlier version was the first to load its own.
      Functions.ensure_loaded(@line) if unknown.nil?
      received = Tempest.now
      @note = ""
      @due = sent + pause(due, others)
      @reaper.add(@observer.look(sent, received, others))
      @news = [landed, waiting, suspects, keeper.to_i, unknown.to_i]
      RedisClock.offset(time, (sent * 1000).round, (received * 1000).round)
    end

    # @return [Boolean] whether dead processes are still to be reaped
    def reaping?
      !@reaper.idle?
    end

    # One step of that.
    # @raise [ConnectionLost, ServerError]
    def reap
      @reaper.step
    end

    private

    def pause(due, others)
      shortest = [@lease, *others.each_slice(3).map(&:last)].min / 1000.0
      interval = (shortest / PART).clamp(SHORTEST, LONGEST)
      due.negative? ? interval : [interval, due / 1000.0].min
    end
  end
end
