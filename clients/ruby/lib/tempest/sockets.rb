# frozen_string_literal: true

# Jobs of WebSocket connections: the opening, each message, the end; and the frames that answer them. Client#tell sends to a
# connection at any later time.

module Tempest
  # @example
  #   worker.handle("websocket", Tempest::Sockets.endpoint { |event| "you said #{event.data}" if event.kind == "message" }, context: true)
  module Sockets
    # What it takes to send to a connection later: the first three arguments of {Client#tell}.
    #
    # @!attribute queue [String]
    # @!attribute respond_to [String, nil] nil in the event `close`
    # @!attribute job_id [String, Integer] the same for all events of one connection
    Connection = Struct.new(:queue, :respond_to, :job_id)

    # One event of a connection.
    class Event
      # @return [String] open, message or close
      attr_reader :kind
      # @return [HTTP::Request, nil] how the connection began; of `open`
      attr_reader :request
      # @return [String, nil] text (UTF-8) or bytes (ASCII-8BIT), as it was sent; of `message`
      attr_reader :data
      # @return [Integer, nil] of `close`
      attr_reader :code
      # @return [String] of `close`
      attr_reader :reason
      # @return [String, nil] the subprotocol that the front has chosen by its route; of `open`
      attr_reader :protocol
      # @return [Context]
      attr_reader :context

      # @param argument [Object] of the job
      # @raise [BadArguments] if there is no event in it
      def initialize(argument, context, path = "args[0]")
        members = HTTP::Checks.map(argument, path)
        @context = context
        @reason = ""
        case @kind = HTTP::Checks.text(members, "event", path)
        when "open"
          @request = HTTP::Request.new(members, context, path)
          @protocol = HTTP::Checks.optional(members, "protocol", path)
        when "message" then @data = data_of(members, path)
        when "close"
          @code = members["code"]
          HTTP::Checks.refuse("#{path}.code", "integer", @code) unless @code.is_a?(Integer)
          @reason = HTTP::Checks.text(members, "reason", path, "")
        else raise BadArguments, "#{path}.event: expected open, message or close"
        end
      end

      # @return [Connection]
      def connection
        Connection.new(context.queue, context.respond_to, context.job_id)
      end

      # @return [Array<String>] the subprotocols that the page offers, in the order of its preference; of `open`
      def protocols
        (request&.headers || {}).fetch("sec-websocket-protocol", "").split(",").map(&:strip).reject(&:empty?)
      end

      # @return [Session, nil]
      def session
        context.session
      end

      private

      def data_of(members, path)
        data = members["data"]
        return data if data.is_a?(String) && members["data_encoding"].nil?

        HTTP::Checks.bytes(members, "data", path) || HTTP::Checks.refuse("#{path}.data", "text or binary", nil)
      end
    end

    module_function

    # @param code [Integer] 1000, or 3000 to 4999 for reasons of your own
    # @param reason [String] at most 123 bytes
    # @return [Hash] the frame that ends a connection
    def close(code = 1000, reason = "")
      raise ArgumentError, "a code of a WebSocket is an Integer from 1000 to 4999" unless code.is_a?(Integer) && code.between?(1000, 4999)
      raise ArgumentError, "the reason for closing a WebSocket has at most 123 bytes" if reason.bytesize > 123

      { "close" => code, "reason" => reason }
    end

    # Chooses the subprotocol of a connection: a frame for the answer to the event `open`, and for no other.
    #
    # @param protocol [String] one of {Event#protocols}
    # @raise [ArgumentError] for a name that no page can offer
    def choose(protocol)
      raise ArgumentError, "a subprotocol is a word such as graphql-ws" unless protocol.is_a?(String) && protocol.match?(HTTP::Checks::TOKEN)

      { "protocol" => protocol }
    end

    # @return [Elements] an answer of these frames; without any it sends nothing
    # @raise [ArgumentError] for what is no frame
    def frames(*each)
      Elements.new(*check(each))
    end

    # The keys of frames that are maps.
    FRAMES = %w[binary close protocol].freeze

    # @return [Array] the frames as they are written: bytes as a map, since tnetstring has one type for text and bytes
    # @raise [ArgumentError] for what is no frame
    def check(frames)
      frames.map do |frame|
        next (HTTP::Checks.text?(frame) ? frame : { "binary" => frame }) if frame.is_a?(String)
        next frame if frame.is_a?(Hash) && FRAMES.any? { |key| frame.key?(key) }

        raise ArgumentError, "a frame is text, bytes or what Sockets.close returns, not #{frame.class}"
      end
    end

    # Makes a handler of a block that takes an {Event}, and returns a frame, an Array of frames or nil. {HandlerError} raised at the event
    # `open` refuses the connection.
    #
    # @return [Proc] for {Worker#handle} with `context: true`
    def endpoint(&block)
      lambda do |context, job|
        result = block.call(Event.new(job, context))
        next frames(*result.values) if result.is_a?(Elements)

        # Not Array(): a Hash is one frame.
        result.is_a?(Array) ? frames(*result) : frames(*[result].compact)
      end
    end
  end
end
