# frozen_string_literal: true

# A body that is sent in pieces: the head goes with the first of them. Used by endpoints that stream and by tempest/rack.

module Tempest
  module HTTP
    # The answers of one job. What is sent are the answers before the last; {finish} returns the last.
    class Output
      # One answer holds at most so many bytes: credits count answers, and a front breaks off a stream of which 8 MiB wait. In
      # base64, 16 of these are 5.6 MiB.
      PIECE = 262_144

      # @return [Boolean] whether it is too late for another answer
      attr_reader :head_sent

      # @param headers [Hash{String => String, Integer, Array<String>}]
      # @param length [Integer, nil] of the body, if it is known: then its end is the last answer
      # @param bodiless [Boolean] whether there may be no body; then what is written is dropped
      def initialize(context, status, headers, length: nil, bodiless: false)
        @context = context
        @status = status
        @headers = headers
        @length = length
        @bodiless = bodiless
        @written = 0
        @held = nil
        @head_sent = false
      end

      # A piece of the body. It is on its way when this returns, unless it is the whole body, or its known end.
      #
      # @param whole [Boolean] whether nothing follows
      # @return [self]
      # @raise [ClaimLost, Cancelled, CallerStalled] as {Context#send_answer}
      def write(piece, whole: false)
        piece = piece.b
        return self if piece.empty? || @bodiless

        @written += piece.bytesize
        0.step(piece.bytesize - 1, PIECE) do |start|
          flush
          @held = piece.byteslice(start, PIECE)
        end
        flush unless whole || (@length && @written >= @length)
        self
      end
      alias << write

      # @return [Elements] the last answer
      def finish
        last = @held
        @held = nil
        return Elements.new(*head, last && value(last)) unless @head_sent

        last ? Elements.new(value(last)) : Elements.new
      end

      private

      def flush
        held = @held
        @held = nil
        return unless held

        args = @head_sent ? [] : head
        @head_sent = true
        @context.send_answer(*args, value(held))
      end

      def head
        [@status, HTTP.with_order(@headers, @context)]
      end

      # JSON has no bytes but in base64: there, what is text goes as text.
      def value(piece)
        return piece unless @context.answer_codec == "json"

        text = piece.dup.force_encoding(Encoding::UTF_8)
        text.valid_encoding? ? text : piece
      end
    end

    class Request
      # Answers in pieces, as the block writes them.
      #
      # @example
      #   endpoint { |request| request.stream { |out| 3.times { |i| out << "line #{i}\n" } } }
      # @yieldparam out [Output]
      # @return [Elements] to be returned by the endpoint
      def stream(status = 200, headers = { "content-type" => "text/plain; charset=utf-8" })
        made = HTTP.answer(status, headers).values
        output = Output.new(context, made[0], made[1], bodiless: method == "HEAD")
        yield output
        Stream.new(output.finish)
      end

      # What {stream} returns: an answer of which the head may have gone already.
      Stream = Struct.new(:last)
    end
  end
end
