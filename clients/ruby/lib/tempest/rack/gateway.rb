# frozen_string_literal: true

# A handler that is a Rack application: job in, environment, application, answers out. Before it Environment, after it Response.
# What the application raises stays in the log.

module Tempest
  module Rack
    # Registered with `context: true`.
    class Gateway
      # What ends a handler from outside: nothing that an application did wrong.
      ENDS = [Cancelled, ClaimLost, CallerStalled].freeze
      FAILURES = [StandardError, ScriptError, SystemStackError].freeze

      # @param app [#call] finds in its env, besides what Rack names, `tempest.session`, `tempest.request`, `tempest.context` and
      #   `tempest.uploads`, the uploads of the request: they are removed when it ends, unless `keep` was called on them
      # @param script_name [String] where it is mounted, such as `/shop`; empty for the root
      # @param threads [Boolean] whether several requests may be in it at a time; false if the worker's concurrency is 1
      # @param uploads [String, nil] the shared folder of uploads, as of {HTTP::Upload#open}
      # @param upload_origins [Array<String>, nil] fronts that may be asked for them
      # @raise [ArgumentError]
      def initialize(app, script_name: "", threads: true, uploads: nil, upload_origins: nil, logger: Worker.default_logger)
        raise ArgumentError, "a Rack application answers to call, and #{app.class} does not" unless app.respond_to?(:call)
        unless script_name.empty? || (script_name.start_with?("/") && !script_name.end_with?("/"))
          raise ArgumentError, "script_name begins with a slash and does not end with one, not #{script_name.inspect}"
        end

        @app = app
        @script_name = script_name
        @threads = threads
        @places = { folder: uploads, origins: upload_origins }
        @logger = logger
      end

      # @param context [Context]
      # @param job [Object] the argument
      # @return [Elements] the last answer
      def call(context, job)
        request = HTTP::Request.new(job, context)
        begin
          serve(request, context)
        rescue *ENDS
          raise
        rescue *FAILURES => e
          # After the head the answer can only say that it failed, and the front breaks off what it began.
          raise if e.is_a?(Begun)

          report("the application failed", context, e, request)
          HTTP.text("Internal Server Error\n", status: 500)
        end
      rescue Begun => e
        raise e.cause
      end

      private

      # Raised instead of what an application raised after its head was sent.
      class Begun < StandardError; end
      private_constant :Begun

      def serve(request, context)
        content = request.content(**@places)
        env = Environment.of(request, content, @script_name, @threads)
        response = Response.new(context, request.method, @app.call(env))
        begin
          response.send_body
        rescue *ENDS
          raise
        rescue *FAILURES => e
          raise response.head_sent ? Begun : e
        ensure
          close(response, context)
        end
      ensure
        env["rack.input"].close if env && env["rack.input"].is_a?(::Rack::RewindableInput)
        content&.last&.close
      end

      # All that it had to say has been said.
      def close(response, context)
        response.close
      rescue *ENDS
        raise
      rescue *FAILURES => e
        report("the body of the application could not be closed", context, e)
      end

      def report(what, context, error, request = nil)
        line = LogLine.of(what, queue: context.queue, job_id: context.job_id,
                                method: request&.method, path: request&.raw_path, error: "#{error.class}: #{Failure.said(error)}")
        @logger.error([line, *Array(error.backtrace).first(20)].join("\n  "))
      end
    end
  end
end
