# frozen_string_literal: true

# The beat of a worker: a small process of its own, so that a handler that holds the interpreter's lock never starves it. It
# ticks, observes the other workers, reaps the dead, and hears the news. Started by Heartbeat, which writes lines to its
# standard input: first its settings as JSON, then `WATCH queue P`, `FORGET queue P` and `NOTE queue P json`. It reports on
# standard output (Heartbeat#report), and ends when its input ends: the worker is gone.

require "json"
require_relative "../tempest"

module Tempest
  # The loop of that process.
  class Beat
    # Seconds between looks at a worker that was stopped (SIGSTOP).
    STOPPED = 0.1
    # Milliseconds by which Redis' clock may drift before the worker is told.
    DRIFT = 5
    # Seconds before a right that is missing is told again.
    COMPLAINT = 30.0

    def initialize(input, output)
      @input = input
      @reports = Reports.new(output)
      @buffer = +"".b
      @watches = {}
      @offset = nil
      @trouble = false
      @complain_at = 0
      @subscribed = false
      @again = 0
      # Queues of which the worker was told that something is to be done.
      @told = {}
    end

    def run
      settings = JSON.parse(@input.gets || exit)
      @url, @parent, @levels, @lease = settings.values_at("url", "parent", "levels", "lease")
      @names = settings.values_at("node", "name") << "*"
      @connection = Connection.new(@url)
      @news = News.new(@url, settings.fetch("queues"))
      @reports.say("READY")
      loop do
        break if wait == :ended || Process.ppid != @parent

        @news.take.each { |kind, subject| hear(kind, subject) }
        stopped? ? rest : look_after_all
        @reports.flush
      end
    end

    private

    # Waits for an order, for news, for the next tick, or for the worker to read on.
    # @return [Symbol, nil] :ended if there will be no more orders
    def wait
      writers = @reports.behind? ? [@reports.output] : nil
      ready, = IO.select([@input, @news.signal], writers, nil, [patience, 0].max)
      ready&.include?(@input) ? obey : nil
    end

    def patience
      return STOPPED if @resting

      now = Tempest.now
      return @again - now if @watches.each_value.any?(&:reaping?)

      (@watches.each_value.map(&:due).min || (now + 1)) - now
    end

    def obey
      @buffer << @input.read_nonblock(65_536)
      while (line = @buffer.slice!(/\A.*\n/n))
        order, queue, process, rest = line.force_encoding(Encoding::UTF_8).chomp.split(" ", 4)
        follow(order, queue, process, rest)
      end
      nil
    rescue IO::WaitReadable
      nil
    rescue EOFError, SystemCallError
      :ended
    end

    def follow(order, queue, process, rest)
      case order
      when "WATCH"
        @watches[[queue, process]] = Watch.new(@connection, queue, process, @levels, @lease) { |*line, **fields| log(*line, **fields) }
      when "FORGET" then @watches.delete([queue, process])
      when "NOTE" then @watches[[queue, process]]&.note = rest
      end
    end

    # A worker that was stopped is not vouched for: its jobs stand still, and others may do them. One that merely holds the
    # interpreter's lock runs.
    def stopped?
      File.read("/proc/#{@parent}/stat")[/.*\) (.)/m, 1].casecmp?("t")
    rescue SystemCallError
      false
    end

    def rest
      @resting = true
      @watches.each_value(&:restart)
    end

    def look_after_all
      @resting = false
      now = Tempest.now
      @watches.values.each { |watch| attempt(watch) { tick(watch) } if watch.due <= now }
      return unless now >= @again

      @watches.values.each { |watch| attempt(watch) { watch.reap } if watch.reaping? }
    end

    def tick(watch)
      offset = watch.tick
      report_offset(offset)
      report_wake(watch)
      @reports.say("WELL") if @trouble
      @trouble = false
    rescue Fenced
      @watches.delete([watch.queue, watch.process])
      @reports.say("FENCED #{watch.queue} #{watch.process}")
    end

    def report_offset(offset)
      return if @offset && (offset - @offset).abs < DRIFT

      @offset = offset
      @reports.say("CLOCK #{offset}", :clock)
    end

    def report_wake(watch)
      news = watch.news
      calm = news.first(3).all?(&:zero?) && news.last.zero?
      return if calm && !@told[watch.queue]

      @told[watch.queue] = !calm
      @reports.say("WAKE #{watch.queue} #{watch.process} #{news.join(' ')}", [:wake, watch.queue])
    end

    # Whatever fails restarts the countdowns; the next try comes with the next tick.
    def attempt(watch)
      yield
    rescue ConnectionLost => e
      trouble(e)
      @watches.each_value(&:restart)
    rescue ServerError => e
      complain(e) if e.denied?
      trouble(e)
      watch.restart
    end

    # Nobody keeps this queue in order while it lasts, and it does not pass by itself.
    def complain(error)
      return if Tempest.now < @complain_at

      @complain_at = Tempest.now + COMPLAINT
      log("error", "the beat cannot do its work", error: error.message)
    end

    def trouble(error)
      @again = Tempest.now + Watch::LONGEST
      later = Tempest.now + (@lease / 1000.0 / Watch::PART).clamp(Watch::SHORTEST, Watch::LONGEST)
      @watches.each_value { |watch| watch.due = [watch.due, later].max }
      @reports.say("TROUBLE #{error.message}", :trouble) unless @trouble
      @trouble = true
    end

    def hear(kind, subject)
      case kind
      when :news then hear_news(*subject)
      when :control then hear_control(subject)
      when :subscribed
        @deaf = false
        # What was published before, and not heard, is asked for.
        @watches.each_value { |watch| recheck(watch.queue) } if @subscribed
        @subscribed = true
      when :deaf
        log("warning", "no news from Redis: running jobs cannot be cancelled, and operators are not heard", error: subject) unless @deaf
        @deaf = true
      end
    end

    def log(severity, message, **fields)
      @reports.say("LOG #{JSONLine.of([severity, message, fields])}")
    end

    def hear_news(queue, text)
      word, rest = text.split(" ", 2)
      case word
      when "tick" then @watches.each_value { |watch| watch.due = 0 if watch.queue == queue && ["*", watch.process].include?(rest) }
      when "suspect"
        @told[queue] = true
        @reports.say("SUSPECT #{queue}")
      when "cancel" then @reports.say("CANCEL #{queue} #{rest}") || recheck(queue)
      end
    end

    def recheck(queue)
      @reports.say("RECHECK #{queue}")
    end

    # Operators' words: `{"to": node id, name or "*", "do": "quiet" or "stop"}`.
    def hear_control(text)
      message = JSON.parse(text.dup.force_encoding(Encoding::UTF_8))
      return unless message.is_a?(Hash) && @names.include?(message["to"])

      @reports.say("CONTROL #{message['do']}") if %w[quiet stop].include?(message["do"])
    rescue JSON::ParserError, EncodingError
      nil
    end
  end
end

if $PROGRAM_NAME == __FILE__
  # The worker decides when the beat ends; signals to the whole group must not stop it while jobs still run.
  %w[INT TERM HUP TSTP].each { |signal| trap(signal, "IGNORE") }
  begin
    Tempest::Beat.new($stdin, $stdout).run
  rescue Errno::EPIPE
    exit
  end
end
