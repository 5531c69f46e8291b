# frozen_string_literal: true

# A request as a browser made it and a front passed it on: the one argument of the job, checked, and in Ruby's words. Made by
# HTTP.endpoint and by tempest/rack from a job; what is not of protocol/http.md's shape is answered `bad_args`.

require "json"
require "stringio"
require "uri"

module Tempest
  module HTTP
    # One request.
    class Request
      # @return [String]
      attr_reader :method
      # @return [String] the request target, as it was sent
      attr_reader :target
      # @return [Hash{String => String}] names in lower case
      attr_reader :headers
      # @return [String, nil] ASCII-8BIT; nil: there was none
      attr_reader :body
      # @return [Array<Upload>]
      attr_reader :uploads
      # @return [String] empty if the front does not say it
      attr_reader :remote_address
      # @return [String] http or https
      attr_reader :scheme
      # @return [Context, nil]
      attr_reader :context

      # @param argument [Object] of the job
      # @raise [BadArguments] if there is no request in it
      def initialize(argument, context = nil, path = "args[0]")
        members = Checks.map(argument, path)
        @context = context
        @method = Checks.text(members, "method", path)
        @target = Checks.text(members, "url", path)
        @scheme = Checks.text(members, "scheme", path, "http")
        @remote_address = Checks.text(members, "remote_address", path, "")
        @headers = Checks.texts(members, "headers", path)
        check(path)
        @headers = @headers.transform_keys(&:downcase)
        @body = Checks.bytes(members, "body", path)
        uploads = members["uploads"] || []
        Checks.refuse("#{path}.uploads", "array", uploads) unless uploads.is_a?(Array)
        @uploads = uploads.each_with_index.map { |upload, place| Upload.read(upload, "#{path}.uploads[#{place}]") }
        @received = members["form"].nil? ? nil : Form.read(members["form"], @uploads, "#{path}.form")
        @latin1 = latin1(members["headers_latin1"], path)
      end

      # @return [String] the path as it was sent, with its percent signs; it begins with a slash, whatever form the target has
      def raw_path
        parts.first
      end

      # @return [String] the path, decoded; what is no UTF-8 in it is replaced
      def path
        @path ||= raw_path.b.gsub(/%\h\h/n) { |code| code[1, 2].hex.chr }.force_encoding(Encoding::UTF_8).scrub
      end

      # @return [String] what stands behind the first question mark, as it was sent; empty if nothing does
      def query_string
        parts.last
      end

      # @return [Fields] the query, decoded: `query["q"]` is the first of that name, `query.all("q")` are all
      def query
        @query ||= Fields.new(FormReader.pairs(query_string).map { |pair| pair.map { |bytes| Part.text(bytes) } })
      end

      # @return [Form] what a form sent, in either of the two ways in which browsers do; without parts if the body is something else. A
      #   body that says it is a form and cannot be read has none either, and a `problem`
      def form
        @form ||= read_form
      rescue BadArguments => e
        @form = Form.new(problem: e.message)
      end

      # @return [Form] the same
      # @raise [BadArguments] for a body that says it is a form and cannot be read
      def read_form
        @received || (body ? FormReader.read(body, header_bytes("content-type")) : Form.new)
      end

      # @return [Fields] the fields of the form that are no files, by name
      def fields
        form.fields
      end

      # @param name [String] in lower case
      # @return [String] the value of a header in the bytes that came, ASCII-8BIT; empty if there is none
      def header_bytes(name)
        value = headers.fetch(name, "")
        (latin1?(name) ? value.encode(Encoding::ISO_8859_1) : value).b
      end

      # @return [Boolean] whether the value of that header is no UTF-8, and has been read as ISO-8859-1
      def latin1?(name)
        @latin1.include?(name)
      end

      # @return [String] the media type of the body, in lower case and without its parameters; empty if it says none
      def content_type
        headers.fetch("content-type", "")[/\A[^;]*/].strip.downcase
      end

      # @return [Fields] the browser's cookies, without the front's own; `cookies["x"]` is the first of that name
      def cookies
        @cookies ||= Fields.new(headers.fetch("cookie", "").split(";").filter_map do |pair|
          name, value = pair.split("=", 2).map { |text| text.gsub(/\A[ \t]+|[ \t]+\z/, "") }
          [name, value.sub(/\A"(.*)"\z/m, '\1')] if value
        end)
      end

      # @return [Object] the body, read as JSON
      # @raise [BadArguments] if it is none
      def json
        JSON.parse(body.to_s.dup.force_encoding(Encoding::UTF_8))
      rescue JSON::ParserError, EncodingError
        raise BadArguments, "args[0].body: expected JSON"
      end

      # @return [Session, nil] nil if the front keeps none
      def session
        context&.session
      end

      # The body as the browser sent it. One that was put aside is read from there, and a form that the front took apart is put
      # together again.
      #
      # @param places [Hash] folder: and origins:, as of {Upload#open}
      # @return [(Integer, String, #read)] its length (nil: there was none), its content type, and what to read it from; close that
      def content(**places)
        type = headers.fetch("content-type", "")
        return [body.bytesize, type, StringIO.new(body)] if body

        if @received
          multipart = Multipart.new(@received)
          return [multipart.length, multipart.content_type, multipart.open(**places)]
        end
        upload = uploads.first
        upload ? [upload.size, type, upload.open(**places)] : [nil, type, StringIO.new(String.new(encoding: Encoding::BINARY))]
      end

      private

      def check(path)
        raise BadArguments, "#{path}.method: expected a token of HTTP" unless Checks::TOKEN.match?(@method) && @method.size <= 64
        if @target.empty? || @target.match?(/[\u0000- \u007f]/)
          raise BadArguments, "#{path}.url: expected a request target without spaces and control characters"
        end
        raise BadArguments, "#{path}.scheme: expected http or https" unless %w[http https].include?(@scheme)

        @headers.each do |name, value|
          next if Checks::TOKEN.match?(name) && Checks.line?(value)

          raise BadArguments, "#{path}.headers: #{name[0, 80].inspect} is no header"
        end
      end

      def latin1(names, path)
        return [] if names.nil?
        unless names.is_a?(Array) && names.all? { |name| Checks.text?(name) }
          Checks.refuse("#{path}.headers_latin1", "array of texts", names)
        end

        names.each do |name|
          next unless headers.fetch(name, "").match?(/[^\u0000-\u00FF]/)

          raise BadArguments, "#{path}.headers: #{name[0, 80].inspect} is not ISO-8859-1"
        end
        names.map(&:downcase)
      end

      def parts
        @parts ||= begin
          target = @target[/\A[^#]*/]
          # The absolute form, as proxies are asked; and OPTIONS *.
          target = target.start_with?("/") ? target : target[%r{\A[^/?]*://[^/?]*(.*)\z}m, 1].to_s
          path, query = target.split("?", 2)
          [path.to_s.start_with?("/") ? path : "/", query.to_s]
        end
      end
    end
  end
end
