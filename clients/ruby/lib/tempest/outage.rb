# frozen_string_literal: true

# What the log says of a Redis that is away: a line when it is lost, one when it is back, reminders in between; never one a try. Told by
# whoever tries: a worker's dispatcher and its beat, a client's connection and its inboxes.

module Tempest
  # One outage of one Redis, as all see it who share this object. Threads may.
  # @api private
  class Outage
    # Seconds after which there is another line, and those between two such lines at most; each pause is twice the one before.
    FIRST = 60
    LONGEST = 3600
    # Seconds after it is back in which an idle connection may notice that Redis was away.
    LATE = 10

    # @param logger [Logger, nil] nil: silent
    def initialize(logger)
      @logger = logger
      @lock = Mutex.new
      @lost = {}
      # Those of them who do not try again by themselves.
      @resting = {}
      @late = {}
    end

    # Who has tried in vain. Called for each try: it is the first, or the first after a while, that is logged; and the first whose password
    # is refused, for somebody has to see to that.
    # @param error [Error, String]
    def lost(who, error)
      message, away = @lock.synchronize { note(who, error.is_a?(NotLetIn)) }
      text = error.is_a?(String) ? error : error.message
      @logger&.warn(LogLine.of(message, error: text, away_s: away&.round(1))) if message
    end

    # Who has a connection that answers. Redis is back when all have one who try.
    def back(who)
      return if @lost.empty? && @late.empty?

      away = @lock.synchronize { end_of(who) }
      @logger&.info(LogLine.of("Redis is back", away_s: away.round(1))) if away
    end

    # Who has given up, and tries again when somebody wants something of it. Until then Redis is back when it is for the others.
    def rest(who)
      @lock.synchronize { @resting[who] = true if @lost.key?(who) }
    end

    # Who ends, and says nothing more of Redis.
    def forget(who)
      @lock.synchronize { [@lost, @resting, @late].each { |all| all.delete(who) } }
    end

    private

    # @return [Float, nil] how long Redis was away, when this was the last one without it
    def end_of(who)
      @late.delete(who)
      return if @lost.empty?

      @lost.delete(who)
      return unless @lost.each_key.all? { |other| @resting.key?(other) }

      @lost.clear
      @resting.clear
      @late_until = Tempest.now + LATE
      @late = {}
      Tempest.now - @since
    end

    def note(who, refused)
      now = Tempest.now
      first = @lost.empty?
      # Once may be the old outage, seen late; twice is another.
      if first && @late_until && now < @late_until && !@late.key?(who)
        @late[who] = true
        return
      end

      @lost[who] = true
      @resting.delete(who)
      if first
        @since = now
        @pause = FIRST
        @remind_at = now + @pause
        @refused = refused
        return "cannot use Redis; trying again"
      end
      if refused && !@refused
        @refused = true
        return ["still cannot use Redis; trying again", now - @since]
      end
      return if now < @remind_at

      @pause = [@pause * 2, LONGEST].min
      @remind_at = now + @pause
      ["still cannot use Redis; trying again", now - @since]
    end
  end
end
