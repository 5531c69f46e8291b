# frozen_string_literal: true

# What the beat process has to say to its worker, line by line. A worker whose interpreter lock is held reads nothing for as
# long as that lasts, and the beat must not wait for it: so a line replaces an older one of the same subject, and what the
# pipe does not take yet is kept.

module Tempest
  # Lines to a pipe that never block the writer.
  class Reports
    # Lines that are kept at most; beyond that a subject that cannot be replaced is dropped.
    MOST = 1000

    # @return [IO]
    attr_reader :output

    def initialize(output)
      @output = output
      @lines = {}
      @rest = +"".b
    end

    # @param line [String] without its end
    # @param subject [Object] what it is about; an older line about the same is forgotten
    # @return [Boolean] false: there was no room
    def say(line, subject = line)
      return false if @lines.size >= MOST && !@lines.key?(subject)

      @lines.delete(subject)
      @lines[subject] = line
      flush
      true
    end

    # Writes what the pipe takes.
    # @raise [Errno::EPIPE] the worker is gone
    def flush
      loop do
        if @rest.empty?
          _, line = @lines.shift
          return unless line

          @rest << line.b.tr("\r\n", "  ") << "\n"
        end
        @rest.slice!(0, @output.write_nonblock(@rest))
      end
    rescue IO::WaitWritable
      nil
    end

    # @return [Boolean] whether something waits for the pipe
    def behind?
      !@rest.empty? || !@lines.empty?
    end
  end
end
