# frozen_string_literal: true

# The environment that Rack asks for, made of a request. Gateway calls it for each job.

require "rack/rewindable_input"

module Tempest
  module Rack
    # Makes environments.
    module Environment
      HOST = %r{\A(\[[0-9A-Fa-f:.]+\]|[^\[\]:@/?#\s]+)(?::([0-9]{1,5}))?\z}.freeze
      # httpoxy: programs take HTTP_PROXY of their environment for a proxy to use.
      LEFT_OUT = %w[content-type content-length proxy].freeze

      module_function

      # Paths stay undecoded, as Rack's servers leave them: applications decode what they match.
      #
      # @param request [HTTP::Request]
      # @param content [(Integer, String, #read)] of {HTTP::Request#content}
      # @param script_name [String] where the application is mounted; of a path outside of it, all is PATH_INFO
      # @param threads [Boolean]
      # @return [Hash]
      def of(request, content, script_name, threads)
        length, type, input = content
        env = place(request, script_name).merge(server(request)).merge(
          "rack.version" => [1, 3], "rack.url_scheme" => request.scheme, "rack.errors" => $stderr,
          # Rack 2 asks for an input that can be read twice; what lies elsewhere is spooled when it is first read.
          "rack.input" => input.is_a?(StringIO) ? input : ::Rack::RewindableInput.new(input),
          "rack.multithread" => threads, "rack.multiprocess" => true, "rack.run_once" => false, "rack.hijack?" => false,
          "tempest.request" => request, "tempest.context" => request.context, "tempest.session" => request.session,
          "tempest.uploads" => request.uploads
        )
        env["CONTENT_LENGTH"] = length.to_s if length
        same = type == request.headers["content-type"] && request.latin1?("content-type")
        env["CONTENT_TYPE"] = same ? request.header_bytes("content-type") : type unless type.empty?
        env.merge!(headers(request))
      end

      def place(request, script_name)
        path = request.raw_path
        mounted = !script_name.empty? && (path == script_name || path.start_with?("#{script_name}/"))
        { "REQUEST_METHOD" => request.method, "SCRIPT_NAME" => mounted ? script_name : "",
          "PATH_INFO" => mounted ? path.delete_prefix(script_name) : path, "QUERY_STRING" => request.query_string,
          "REQUEST_URI" => request.target, "REQUEST_PATH" => path }
      end

      def server(request)
        usual = request.scheme == "https" ? "443" : "80"
        found = HOST.match(request.headers.fetch("host", ""))
        env = { "SERVER_NAME" => found ? found[1] : "localhost", "SERVER_PORT" => (found && found[2]) || usual,
                "SERVER_PROTOCOL" => "HTTP/1.1", "HTTP_VERSION" => "HTTP/1.1" }
        env["REMOTE_ADDR"] = request.remote_address unless request.remote_address.empty?
        env["HTTPS"] = "on" if request.scheme == "https"
        env
      end

      # `x_name` would be taken for `x-name`, which a proxy in front may have checked.
      def headers(request)
        request.headers.each_with_object({}) do |(name, value), env|
          next if LEFT_OUT.include?(name) || name.include?("_") || (name == "host" && !HOST.match?(value))

          env["HTTP_#{name.upcase.tr('-', '_')}"] = request.latin1?(name) ? request.header_bytes(name) : value
        end
      end
    end
  end
end
