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
      # Names and values that a query or a form has at most.
      FIELDS = 1000

      # @return [String]
      attr_reader :method
      # @return [String] the request target, as it was sent
      attr_reader :target
      # @return [Hash{String => String}] names in lower case
      attr_reader :headers
      # @return [String, nil] ASCII-8BIT; nil: there was none
      attr_reader :body
      # @return [Hash{String => String}] the fields of a multipart form that are no files
      attr_reader :form
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
        @form = Checks.texts(members, "form", path)
        uploads = members["uploads"] || []
        Checks.refuse("#{path}.uploads", "array", uploads) unless uploads.is_a?(Array)
        @uploads = uploads.each_with_index.map { |upload, place| Upload.read(upload, "#{path}.uploads[#{place}]") }
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

      # @return [Array<(String, String)>] all names and values of the query, in order, decoded
      # @raise [BadArguments] if they are more than 1,000
      def query_items
        @query_items ||= Request.pairs(query_string)
      end

      # @return [Hash{String => String}] the query by its names; of several of one name, the last
      def query
        query_items.to_h
      end

      # @return [Hash{String => String}] what a form sent, in either of the two ways in which browsers do; of several of one name, the last
      def fields
        return form unless body && content_type == "application/x-www-form-urlencoded"

        @fields ||= Request.pairs(body.dup.force_encoding(Encoding::UTF_8).scrub).to_h
      end

      # @return [String] the media type of the body, in lower case and without its parameters; empty if it says none
      def content_type
        headers.fetch("content-type", "")[/\A[^;]*/].strip.downcase
      end

      # @return [Hash{String => String}] the browser's cookies, without the front's own; of several of one name, the first
      def cookies
        headers.fetch("cookie", "").split(";").each_with_object({}) do |pair, found|
          name, value = pair.strip.split("=", 2)
          found[name.strip] ||= value.strip.delete_prefix('"').delete_suffix('"') if value
        end
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

        upload = uploads.first
        return [upload.size, type, upload.open(**places)] if uploads.size == 1 && upload.field.nil? && form.empty?
        return [nil, type, StringIO.new(String.new(encoding: Encoding::BINARY))] if uploads.empty? && form.empty?

        multipart = Multipart.new(form, uploads)
        [multipart.length, multipart.content_type, multipart.open(**places)]
      end

      # @return [Array<(String, String)>]
      def self.pairs(text)
        parts = text.split("&", FIELDS + 2).reject(&:empty?)
        raise BadArguments, "args[0]: more than #{FIELDS} fields" if parts.size > FIELDS

        parts.map { |part| part.split("=", 2).then { |name, value| [unescape(name), unescape(value.to_s)] } }
      end

      def self.unescape(text)
        text.b.tr("+", " ").gsub(/%\h\h/n) { |code| code[1, 2].hex.chr }.force_encoding(Encoding::UTF_8).scrub
      end
      private_class_method :unescape

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
