# frozen_string_literal: true

# What a map from a job must look like, and the error that its producer is told when it does not. Used by the readers of
# requests, uploads and socket events; everything in a job is the work of strangers.

module Tempest
  module HTTP
    # Reading maps.
    module Checks
      TOKEN = /\A[!#$%&'*+.^_`|~0-9A-Za-z-]+\z/.freeze

      module_function

      # @return [Hash]
      # @raise [BadArguments]
      def map(value, path)
        value.is_a?(Hash) ? value : refuse(path, "map", value)
      end

      # @return [String] the text of that key; absent or null: the default, unless that is nil
      # @raise [BadArguments]
      def text(members, key, path, default = nil)
        value = members[key]
        return default if value.nil? && !default.nil?

        text?(value) ? value : refuse("#{path}.#{key}", "text", value)
      end

      # @return [String, nil] the text of that key, if it is there
      def optional(members, key, path)
        members[key].nil? ? nil : text(members, key, path)
      end

      # @return [Hash{String => String}] the map of texts of that key; absent: an empty one
      def texts(members, key, path)
        found = members[key].nil? ? {} : map(members[key], "#{path}.#{key}")
        found.each { |name, value| refuse("#{path}.#{key}[#{name[0, 80].inspect}]", "text", value) unless text?(value) }
      end

      # @return [String, nil] the content of that key: text as UTF-8, binary as it is, and text with `<key>_encoding` base64 decoded;
      #   ASCII-8BIT. nil: it is not there
      def bytes(members, key, path)
        value = members[key]
        return nil if value.nil?

        encoding = members["#{key}_encoding"]
        case encoding
        when nil then value.is_a?(String) ? value.b : refuse("#{path}.#{key}", "text or binary", value)
        when "base64" then text(members, key, path).unpack1("m0")
        else refuse("#{path}.#{key}_encoding", "base64", encoding)
        end
      rescue ArgumentError
        raise BadArguments, "#{path}.#{key}: expected base64"
      end

      def text?(value)
        value.is_a?(String) && value.encoding != Encoding::BINARY
      end

      # @return [Boolean] whether this can be a line of a header: fronts refuse the whole answer for one that cannot
      def line?(value)
        value.is_a?(String) && !value.b.match?(/[\x00-\x08\x0A-\x1F\x7F]/n)
      end

      # @return [String] a line of a header without spaces around it: text if it is UTF-8, else bytes, which go out as they are
      def line(value)
        text = value.b.gsub(/\A[ \t]+|[ \t]+\z/n, "").force_encoding(Encoding::UTF_8)
        text.valid_encoding? ? text : text.b
      end

      def refuse(path, expected, found)
        raise BadArguments, "#{path}: expected #{expected}, found #{Envelope.kind(found)}"
      end
    end
  end
end
