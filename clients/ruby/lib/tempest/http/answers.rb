# frozen_string_literal: true

# Answers for fronts, `[status, headers, body]`: what handlers of HTTP jobs return. A front refuses an answer with one bad header
# as a whole, so what is wrong is said here already, where it can be found.

module Tempest
  # @example
  #   worker.handle("url", Tempest::HTTP.endpoint { |request| Tempest::HTTP.text("hello #{request.query['name']}") }, context: true)
  module HTTP
    COOKIE_VALUE = %r{\A[!#$%&'()*+./0-9:<=>?@A-Z\[\]^_`a-z{|}~-]*\z}.freeze

    module_function

    # @param headers [Hash{String, Symbol => String, Integer, Array<String>}] an Array is as many lines; names become lower case
    # @param body [String, nil] ASCII-8BIT: as it is, any other encoding: as UTF-8
    # @return [Elements]
    # @raise [ArgumentError] for what no front accepts
    def answer(status = 200, headers = {}, body = nil)
      unless status.is_a?(Integer) && status.between?(200, 599)
        raise ArgumentError, "a status is an Integer from 200 to 599, not #{status.inspect}"
      end
      raise ArgumentError, "a body is a String or nil, not #{body.class}" unless body.nil? || body.is_a?(String)

      Elements.new(status, headers.to_h { |name, value| [header_name(name), header_value(name, value)] }, body)
    end

    # @return [Elements] an answer of plain text
    def text(body, status: 200, headers: {})
      answer(status, { "content-type" => "text/plain; charset=utf-8" }.merge(lower(headers)), body)
    end

    # @return [Elements] an answer of HTML; what comes from others is escaped by whoever writes the HTML: CGI.escapeHTML
    def html(body, status: 200, headers: {})
      answer(status, { "content-type" => "text/html; charset=utf-8" }.merge(lower(headers)), body)
    end

    # @return [Elements] an answer of JSON
    # @raise [CodecError] if there is no JSON of the value
    def json(value, status: 200, headers: {})
      body = JSONCodec.encode(value).force_encoding(Encoding::UTF_8)
      answer(status, { "content-type" => "application/json" }.merge(lower(headers)), body)
    end

    # Sends the browser elsewhere; by 303 it asks there by GET. A location that came from outside may lead anywhere: check it.
    # @return [Elements]
    def redirect(location, status: 303, headers: {})
      place = location.b.gsub(%r{[^!#$%&'()*+,/0-9:;=?@A-Z\[\]_a-z~.-]}n) { |byte| format("%%%02X", byte.ord) }
      answer(status, lower(headers).merge("location" => place.force_encoding(Encoding::UTF_8)))
    end

    # @param max_age [Integer, nil] seconds: 0 deletes the cookie, nil keeps it until the browser ends
    # @return [String] a line for the header set-cookie
    # @raise [ArgumentError] for what does not fit into one
    def cookie(name, value, max_age: nil, path: "/", domain: nil, secure: true, http_only: true, same_site: "Lax")
      raise ArgumentError, "a cookie's name is a token, not #{name.inspect}" unless Checks::TOKEN.match?(name)
      unless COOKIE_VALUE.match?(value)
        raise ArgumentError, "a cookie's value has letters, digits and signs but space, comma, semicolon, quote and backslash"
      end
      unless [path, domain.to_s].none? { |text| text.match?(/[;[:cntrl:]]/) } && %w[Lax Strict None].include?(same_site)
        raise ArgumentError, "a cookie's path and domain have no semicolons and control characters; same_site is Lax, Strict or None"
      end

      ["#{name}=#{value}", "Path=#{path}", max_age && "Max-Age=#{Integer(max_age)}", domain && "Domain=#{domain}", secure && "Secure",
       http_only && "HttpOnly", "SameSite=#{same_site}"].select { |part| part }.join("; ")
    end

    # Makes a handler of HTTP jobs of a block that takes a {Request} and returns an answer, or a String: plain text.
    # The session's word to the front goes along with the head.
    #
    # @return [Proc] for {Worker#handle} with `context: true`
    def endpoint(&block)
      lambda do |context, job|
        request = Request.new(job, context)
        result = block.call(request)
        next result.last if result.is_a?(Request::Stream)

        head(result.is_a?(String) ? text(result) : result, context)
      end
    end

    # @return [Elements] the answer, and in its headers what the session asks of the front
    def head(result, context)
      args = Elements.args(result)
      args = args.first if args.size == 1 && args.first.is_a?(Array)
      unless args.size.between?(2, 3) && args[1].is_a?(Hash)
        raise ArgumentError, "an endpoint returns HTTP.answer(…), [status, headers, body] or a String"
      end

      Elements.new(args[0], with_order(args[1], context), *args.drop(2))
    end

    # From here on it is too late to ask anything of the session.
    def with_order(headers, context)
      session = context.session
      return headers unless session

      session.seal
      session.order ? headers.merge(Session::HEADER => session.order) : headers
    end

    def lower(headers)
      headers.to_h { |name, value| [name.to_s.downcase, value] }
    end

    def header_name(name)
      raise ArgumentError, "the name of a header is a token, not #{name.inspect}" unless Checks::TOKEN.match?(name.to_s)

      name.to_s.downcase
    end

    def header_value(name, value)
      return value if value.is_a?(Integer)
      return value.map { |line| header_line(name, line) } if value.is_a?(Array)

      header_line(name, value)
    end

    def header_line(name, value)
      return Checks.line(value) if Checks.line?(value)

      raise ArgumentError, "the header #{name} is text without control characters, an Integer, or an Array of such texts"
    end
    private_class_method :lower, :header_name, :header_value, :header_line
  end
end
