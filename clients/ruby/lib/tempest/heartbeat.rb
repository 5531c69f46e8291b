# frozen_string_literal: true

# The worker's side of the beat: starts the process of beat.rb, tells it whom to keep alive, and passes on what it reports.

require "json"
require "rbconfig"

module Tempest
  # Keeps a beat process running for as long as the worker does.
  class Heartbeat
    SCRIPT = File.join(__dir__, "beat.rb")
    # Seconds before a beat process that ended is started again.
    RESTART = 0.5
    # Seconds that a beat process has to end.
    ENDING = 2
    # So often in turn a beat process may end before one has ever been ready: then the next will not be either.
    VAIN = 5

    # @return [Integer, nil] the process id of the beat
    attr_reader :pid

    # @param settings [Hash] what the beat process is to know: url, queues, levels, lease (ms), node, name
    # @param clock [RedisClock] is set by what the ticks return
    # @param mailbox [Mailbox] gets `[:ready, nil]` when the process can beat, `[:fenced, [queue, P]]`, `[:wake, [queue, P, landed, waiting, suspects, keeper, unknown]]`,
    #   `[:fatal, error]` when none can be started, `[:suspect, queue]`, `[:cancel, [queue, job id]]`, `[:recheck, queue]`, `[:control, "quiet" or "stop"]`, and `[:doubt, nil]` when the
    #   beat's connection has trouble and when that is over
    # @param outage [Outage] hears of the beat's trouble
    def initialize(settings, clock, mailbox, logger, outage)
      @settings = settings
      @outage = outage
      @clock = clock
      @mailbox = mailbox
      @logger = logger
      @lock = Mutex.new
      @watched = {}
      @closed = false
      @vain = 0
      @thread = Thread.new { keep_running }
    end

    def watch(queue, process)
      @lock.synchronize do
        @watched[[queue, process]] = nil
        write("WATCH #{queue} #{process}")
      end
    end

    def forget(queue, process)
      @lock.synchronize do
        @watched.delete([queue, process])
        write("FORGET #{queue} #{process}")
      end
    end

    # What the process says of itself on a queue, for people.
    # @param text [String] one line
    def note(queue, process, text)
      @lock.synchronize do
        place = [queue, process]
        next if !@watched.key?(place) || @watched[place] == text

        @watched[place] = text
        write("NOTE #{queue} #{process} #{text}")
      end
    end

    # The beat process has little to do: a compiler for it would cost more memory (256 MB in Ruby 3.1) than all the rest. It finds its
    # libraries where this program does, which may have told only itself where they are.
    # @return [Hash]
    def self.environment
      { "RUBYOPT" => ENV["RUBYOPT"]&.gsub(/--(yjit|jit)\S*/, ""), "RUBY_YJIT_ENABLE" => nil,
        "RUBYLIB" => $LOAD_PATH.map { |folder| File.expand_path(folder) }.join(File::PATH_SEPARATOR) }
    end

    # Ends the process, by ending its input.
    # @param seconds [Numeric] how long that may take
    def close(seconds = ENDING)
      @lock.synchronize do
        @closed = true
        @input&.close
        @input = nil
      end
      @thread.join(seconds) || @thread.kill
    end

    private

    def keep_running
      Thread.current.name = "tempest heartbeat"
      until @closed
        output = start
        # What a beat process that was killed has left of a line says nothing.
        output.each_line { |line| report(line.chomp.scrub) if line.end_with?("\n") } if output
        status = reap(output)
        break if @closed
        break hopeless(status) if @vain && (@vain += 1) >= VAIN

        @outage.forget(:beat)
        @logger.error(LogLine.of("the beat process ended; starting another", status: status))
        sleep(RESTART)
      end
    end

    # @return [IO, nil] what it reports; nil if the heartbeat was closed meanwhile
    def start
      orders, input = IO.pipe
      output, reports = IO.pipe
      @lock.synchronize do
        return nil if @closed

        @pid = Process.spawn(Heartbeat.environment, [RbConfig.ruby, "tempest-beat"], SCRIPT, in: orders, out: reports, pgroup: true)
        @input = input
        write(JSONLine.of(@settings.merge(parent: Process.pid)))
        @watched.each do |(queue, process), note|
          write("WATCH #{queue} #{process}")
          write("NOTE #{queue} #{process} #{note}") if note
        end
      end
      output
    ensure
      [orders, reports].compact.each(&:close)
    end

    # @return [Process::Status, nil]
    def reap(output)
      output&.close
      @lock.synchronize do
        @input&.close
        @input = nil
      end
      Process.wait2(@pid).last if @pid
    rescue Errno::ECHILD
      nil
    ensure
      @pid = nil
    end

    def hopeless(status)
      @mailbox.post(:fatal, Error.new("the beat process cannot run: #{RbConfig.ruby} #{SCRIPT} ended #{VAIN} times, at last with #{status}; " \
                                      "what it printed says why"))
    end

    # Under the lock. A process that has ended is started again and told everything.
    def write(line)
      @input&.puts(line)
      @input&.flush
    rescue Errno::EPIPE, IOError
      nil
    end

    def report(line)
      word, rest = line.split(" ", 2)
      case word
      when "READY"
        @vain = nil
        @mailbox.post(:ready)
      when "CLOCK" then @clock.offset = rest.to_i
      when "WAKE" then @mailbox.post(:wake, rest.split.then { |queue, process, *numbers| [queue, process, *numbers.map(&:to_i)] })
      when "SUSPECT" then @mailbox.post(:suspect, rest)
      when "CANCEL" then @mailbox.post(:cancel, rest.split(" ", 2))
      when "RECHECK" then @mailbox.post(:recheck, rest)
      when "CONTROL" then @mailbox.post(:control, rest)
      when "FENCED" then @mailbox.post(:fenced, rest.split)
      when "LOG" then say(rest)
      when "TROUBLE", "WELL" then doubt(rest)
      end
    end

    # @param why [String, nil] nil: the trouble is over
    def doubt(why)
      why ? @outage.lost(:beat, why) : @outage.back(:beat)
      @mailbox.post(:doubt)
    end

    # @param line [String] JSON: a severity, a message and its fields
    def say(line)
      severity, message, fields = JSON.parse(line)
      @logger.add(severity == "error" ? Logger::ERROR : Logger::WARN) { LogLine.of(message, **fields.transform_keys(&:to_sym)) }
    rescue JSON::ParserError
      nil
    end
  end
end
