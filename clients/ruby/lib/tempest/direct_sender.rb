# frozen_string_literal: true

# Sends answers straight to the nodes that called, for a worker that may: few connections, none for long, and no node waits for another.
# Before it: the settlement, with what a job came to, and handlers, with what they send before. After it: the settlement again.

module Tempest
  # Any thread may call.
  # @api private
  class DirectSender
    # Nodes that connections are kept to at once.
    NODES = 64
    # Answers for one node, before handlers that answer it wait.
    WAITING = 1000
    # Seconds that a node may be away before its answers are dropped. One that was started anew has another port: it does not come back.
    PATIENCE = 10.0
    IDLE = 60.0
    LOOK = 0.5
    ENDING = 2.0

    # @return [DirectRule]
    attr_reader :rule

    # @param rule [DirectRule]
    def initialize(rule, logger, patience: PATIENCE, idle: IDLE)
      @rule = rule
      @logger = logger
      @patience = patience
      @idle = idle
      @lock = Mutex.new
      @turn = ConditionVariable.new
      @lines = {}
      # For nodes that there is no connection left for.
      @crowd = []
      @closed = false
    end

    # Returns at once; the answer is told later what became of it, by another thread or this one.
    #
    # @param address [Address]
    # @param answer [DirectAnswer]
    def send_answer(address, answer)
      target = @rule.allowed.target(address.host)
      return answer.done(true) unless target # the job was refused before

      sent = @lock.synchronize { !@closed && admit(place(address), target, answer) }
      answer.done(false) unless sent
    end

    # Returns when the node has the answer, or nobody there wants it.
    # @return [Boolean] false: the claim is gone, or the worker has ended
    def tell(address, claim, bytes)
      over = Thread::Queue.new
      send_answer(address, DirectAnswer.new(claim, bytes) { |done| over << done })
      over.pop
    end

    # Returns when not too much is on its way to the node: whoever makes answers faster than it takes them waits here.
    def wait_for_room(address, claim)
      place = place(address)
      @lock.synchronize do
        until @closed || claim.lost?
          line = @lines[place]
          if line && line.count >= WAITING then line.wait(LOOK)
          elsif line.nil? && @crowd.size >= WAITING then @turn.wait(@lock, LOOK)
          else break
          end
        end
      end
    end

    # Hangs up everywhere. What has not reached its node is not over.
    def close
      lines, crowd = @lock.synchronize do
        @closed = true
        @turn.broadcast
        @lines.each_value(&:end)
        [@lines.values, @crowd.slice!(0..)]
      end
      crowd.each { |_, _, answer| answer.done(false) }
      over = Tempest.now + ENDING
      lines.each { |line| line.join([over - Tempest.now, 0].max) }
    end

    # @return [Integer] to how many nodes a connection is kept, or made
    def nodes
      @lock.synchronize { @lines.each_value.count { |line| !line.ended? } }
    end

    private

    def place(address)
      [address.host.downcase, address.port]
    end

    # @return [true]
    def admit(place, target, answer)
      line = @lines[place]
      if line.nil? || line.ended?
        @lines.delete(place)
        if @lines.size >= NODES && !make_room
          @crowd << [place, target, answer]
          return true
        end
        line = @lines[place] = DirectLine.new(place, target, @lock, @logger, @patience, @idle) { |each| rested(each) }
      end
      line.add(answer)
      true
    end

    # Ends the line that was used last the longest ago, of those that have nothing to do.
    # @return [Boolean] whether there is room now
    def make_room
      oldest = @lines.each_value.select { |line| line.ended? || line.count.zero? }.min_by(&:used) or return false
      oldest.end
      @lines.delete(oldest.place)
      true
    end

    # A line has nothing to do: it goes, if others wait for its place.
    def rested(line)
      @turn.broadcast
      return false if @crowd.empty? || !@lines[line.place].equal?(line)

      line.end
      @lines.delete(line.place)
      @crowd.slice!(0..).each { |waiting| admit(*waiting) }
      true
    end
  end
end
