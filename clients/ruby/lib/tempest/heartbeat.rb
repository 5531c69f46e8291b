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

    # @return [Integer, nil] the process id of the beat
    attr_reader :pid

    # @param interval [Float] seconds between beats
    # @param mailbox [Mailbox] gets `[:fenced, [queue, P]]`
    def initialize(url, interval, mailbox, logger)
      @url = url
      @interval = interval
      @mailbox = mailbox
      @logger = logger
      @lock = Mutex.new
      @watched = []
      @closed = false
      @thread = Thread.new { keep_running }
    end

    def watch(queue, process)
      @lock.synchronize do
        @watched << [queue, process]
        write("WATCH #{queue} #{process}")
      end
    end

    def forget(queue, process)
      @lock.synchronize do
        @watched.delete([queue, process])
        write("FORGET #{queue} #{process}")
      end
    end

    # Ends the process, by ending its input.
    def close
      @lock.synchronize do
        @closed = true
        @input&.close
        @input = nil
      end
      @thread.join(2) || @thread.kill
    end

    private

    def keep_running
      Thread.current.name = "tempest heartbeat"
      until @closed
        output = start
        output.each_line(chomp: true) { |line| report(line) } if output
        reap(output)
        break if @closed

        @logger.warn("the beat process ended; starting another")
        sleep(RESTART)
      end
    end

    # @return [IO, nil] what it reports; nil if the heartbeat was closed meanwhile
    def start
      orders, input = IO.pipe
      output, reports = IO.pipe
      @lock.synchronize do
        return nil if @closed

        @pid = Process.spawn([RbConfig.ruby, "tempest-beat"], SCRIPT, in: orders, out: reports, pgroup: true)
        @input = input
        write(JSON.generate(url: @url, interval: @interval, parent: Process.pid))
        @watched.each { |queue, process| write("WATCH #{queue} #{process}") }
      end
      output
    ensure
      [orders, reports].compact.each(&:close)
    end

    def reap(output)
      output&.close
      @lock.synchronize do
        @input&.close
        @input = nil
      end
      Process.wait(@pid) if @pid
      @pid = nil
    rescue Errno::ECHILD
      @pid = nil
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
      when "FENCED" then @mailbox.post(:fenced, rest.split)
      when "TROUBLE" then @logger.warn("the beat has trouble: #{rest}")
      when "WELL" then @logger.info("the beat goes on")
      end
    end
  end
end
