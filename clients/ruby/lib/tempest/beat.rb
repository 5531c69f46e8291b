# frozen_string_literal: true

# The beat of a worker: a small process of its own, so that a handler that holds the interpreter's lock never starves it.
# Started by Heartbeat, which writes lines to its standard input: first `{"url": …, "interval": …, "parent": pid}`, then
# `WATCH queue P` and `FORGET queue P`. It reports `FENCED queue P`, `TROUBLE sentence` and `WELL` on standard output,
# and ends when its input ends: the worker is gone.

require "io/wait"
require "json"
require_relative "errors"
require_relative "keys"
require_relative "functions"
require_relative "connection"

module Tempest
  # The loop of that process.
  class Beat
    def initialize(input, output)
      @input = input
      @output = output
      @buffer = +""
      @watched = {}
      @trouble = false
    end

    def run
      settings = JSON.parse(@input.gets || exit)
      @connection = Connection.new(settings.fetch("url"))
      @interval = settings.fetch("interval")
      @parent = settings.fetch("parent")
      due = Tempest.now
      loop do
        changed = listen([due - Tempest.now, 0].max)
        break if changed == :ended || Process.ppid != @parent

        now = Tempest.now
        # A process that is new to the beat gets one at once.
        beat(@watched.select { |_, fresh| fresh }.keys) if changed
        next if now < due

        beat(@watched.keys)
        due = now + @interval
      end
    end

    private

    # Waits for orders.
    # @return [Symbol, nil] :ended if there will be no more, :changed, or nil
    def listen(seconds)
      return nil unless @input.wait_readable(seconds)

      @buffer << @input.read_nonblock(65_536)
      while (line = @buffer.slice!(/\A.*\n/))
        order, queue, process = line.split
        order == "WATCH" ? @watched[[queue, process]] = true : @watched.delete([queue, process])
      end
      :changed
    rescue IO::WaitReadable
      nil
    rescue EOFError, SystemCallError
      :ended
    end

    def beat(processes)
      processes.each { |queue, process| beat_once(queue, process) }
      say("WELL") if @trouble && !processes.empty?
      @trouble = false
    rescue ConnectionLost, ServerError => e
      say("TROUBLE #{e.message.gsub(/\s+/, ' ')}") unless @trouble
      @trouble = true
    end

    def beat_once(queue, process)
      @connection.fcall("beat", queue, process)
      @watched[[queue, process]] = false
    rescue Fenced
      @watched.delete([queue, process])
      say("FENCED #{queue} #{process}")
    end

    def say(line)
      @output.puts(line)
      @output.flush
    end
  end
end

if $PROGRAM_NAME == __FILE__
  # The worker decides when the beat ends; signals to the whole group must not stop it while jobs still run.
  %w[INT TERM HUP].each { |signal| trap(signal, "IGNORE") }
  begin
    Tempest::Beat.new($stdin, $stdout).run
  rescue Errno::EPIPE
    exit
  end
end
