# frozen_string_literal: true

# What an application returned, checked, and sent: one answer if it is one body, else one each chunk. Gateway makes one for each job.

module Tempest
  module Rack
    # `[status, headers, body]` of an application, on its way.
    class Response
      WITHOUT_BODY = [204, 205, 304].freeze

      # @param triple [Array] of the application
      # @raise [ArgumentError] for what is no answer
      def initialize(context, method, triple)
        unless triple.respond_to?(:to_ary) && triple.to_ary.size == 3
          raise ArgumentError, "an application returns [status, headers, body], not #{triple.class}"
        end

        status, headers, @body = triple.to_ary
        status = Response.status(status)
        headers = Response.headers(headers)
        @bodiless = method == "HEAD" || WITHOUT_BODY.include?(status)
        measure(headers) if method == "HEAD" && !WITHOUT_BODY.include?(status)
        length = headers["content-length"]
        length = length.is_a?(String) && length.match?(/\A\d{1,15}\z/) ? length.to_i : nil
        @output = HTTP::Output.new(context, status, headers, length: length, bodiless: @bodiless)
      end

      # @return [Boolean] whether it is too late for another answer
      def head_sent
        @output.head_sent
      end

      # Sends all but the last answer.
      # @return [Elements] the last
      def send_body
        if @bodiless
          # It need not be made.
        elsif @body.respond_to?(:each)
          whole = @body.is_a?(Array) && @body.size == 1
          @body.each { |piece| @output.write(text(piece), whole: whole) }
        elsif @body.respond_to?(:call)
          @body.call(Stream.new(@output))
        else
          raise ArgumentError, "a body answers to each or to call, and #{@body.class} does not"
        end
        @output.finish
      end

      # Says to the body that nobody needs it any more.
      def close
        @body.close if @body.respond_to?(:close)
      end

      # @return [Integer]
      def self.status(status)
        number = status.is_a?(String) && status.match?(/\A\d{3}\z/) ? status.to_i : status
        return number if number.is_a?(Integer) && number.between?(200, 599)

        raise ArgumentError, "a status is 200 to 599 here, not #{status.inspect}"
      end

      # @return [Hash{String => String, Array<String>}] by names in lower case; several of one name are as many lines
      def self.headers(headers)
        lines = Hash.new { |hash, name| hash[name] = [] }
        headers.each do |name, value|
          name = name.to_s
          raise ArgumentError, "this connection cannot be hijacked: rack.hijack? is false" if name == "rack.hijack"
          next if name.start_with?("rack.")
          raise ArgumentError, "the name of a header is a token, not #{name.inspect}" unless HTTP::Checks::TOKEN.match?(name)

          # Rack 3 has an Array of several lines, Rack 2 writes them into one String.
          (value.is_a?(Array) ? value : value.to_s.split("\n", -1)).each { |line| lines[name.downcase] << line(name, line.to_s) }
        end
        lines.to_h { |name, values| [name, values.size == 1 ? values.first : values] }
      end

      def self.line(name, value)
        raise ArgumentError, "the header #{name} has control characters in it" unless HTTP::Checks.line?(value)

        HTTP::Checks.line(value)
      end
      private_class_method :line

      private

      # A front counts a whole body of GET; of HEAD it gets none. An empty one may have been left out by the application.
      def measure(headers)
        return unless @body.is_a?(Array) && @body.size == 1 && @body.first.is_a?(String) && !@body.first.empty?

        headers["content-length"] ||= @body.first.bytesize.to_s
      end

      def text(piece)
        piece.is_a?(String) ? piece : raise(ArgumentError, "a body yields Strings, not #{piece.class}")
      end

      # What a body that is called gets, as Rack 3 has it: it can be written to, and nothing comes from it.
      class Stream
        def initialize(output)
          @output = output
          @closed = false
        end

        def write(piece)
          raise IOError, "the stream is closed" if @closed

          @output.write(piece.to_s)
          piece.to_s.bytesize
        end

        def <<(piece)
          write(piece)
          self
        end

        def read(*)
          nil
        end

        def flush
          self
        end

        def close(*)
          @closed = true
          nil
        end
        alias close_write close
        alias close_read flush

        def closed?
          @closed
        end
      end
    end
  end
end
