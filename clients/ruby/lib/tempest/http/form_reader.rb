# frozen_string_literal: true

# Reads forms out of a body that came in the job: multipart/form-data (RFC 7578) and the fields of URLs. Request#form calls it. What
# could be read in two ways is refused, as fronts refuse it.

module Tempest
  module HTTP
    # Bytes to parts.
    module FormReader
      # Fields and parts that a form has at most.
      MOST = 1000
      # Bytes of a part's head.
      HEAD = 16_384

      TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/n.freeze
      WORD = %r{\A[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z/-]+)}n.freeze
      # Of a parameter's value in quotation marks, the pattern of its content: with backslashes that escape, and with none that do.
      ESCAPED, LITERAL = [/[^"\\\x00-\x08\x0a-\x1f\x7f]|\\["\\]|\\(?!["\\])/n, /[^"\x00-\x08\x0a-\x1f\x7f]/n].map do |content|
        %r{\G[ \t]*;[ \t]*(?:(#{TOKEN.source})=(?:"((?:#{content.source})*)"|([!#$%&'*+.^_`|~0-9A-Za-z/:?()@,=\[\]-]+))|\z)}n
      end.freeze
      LINE = /\A([0-9A-Za-z_-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\z/n.freeze
      BOUNDARY = %r{\A[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]\z}n.freeze
      CHARSETS = { "utf-8" => Encoding::UTF_8, "us-ascii" => Encoding::UTF_8, "ascii" => Encoding::UTF_8,
                   "iso-8859-1" => Encoding::ISO_8859_1 }.freeze

      module_function

      # @return [Form] without parts if the type is none of a form
      # @raise [BadArguments] for a body that is none all the same
      def read(body, content_type)
        case content_type.b[/\A[^; \t]*/n].downcase
        when "application/x-www-form-urlencoded"
          raise BadArguments, "args[0].body: more than #{MOST} fields" if body.b.count("&") >= MOST

          Form.new(pairs(body).map { |name, value| Part.new(raw_name: name, content: value) })
        when "multipart/form-data" then multipart(body.b, content_type.b)
        else Form.new
        end
      end

      # @return [Array<(String, String)>] names and values of `a=1&b=2`, ASCII-8BIT
      def pairs(text)
        text.b.split("&").reject(&:empty?).map { |part| part.split("=", 2).then { |name, value| [unescape(name.tr("+", " ")), unescape(value.to_s.tr("+", " "))] } }
      end

      def multipart(body, content_type)
        boundary = parameters(content_type)&.last.to_h.fetch("boundary", "")
        malformed("the content type has no boundary of 1 to 70 characters") unless BOUNDARY.match?(boundary)
        data = "\r\n".b + body
        delimiter = "\r\n--".b + boundary
        parts = []
        place = data.index(delimiter)
        loop do
          malformed("the form ends before its last boundary") unless place
          place += delimiter.bytesize
          return Form.new(parts) if data.byteslice(place, 2) == "--".b

          after = data.byteslice(place, 66)[/\A[ \t]{0,64}\r\n/n]
          malformed("a line goes on after the boundary, or the form ends there") unless after
          malformed("the form has more than #{MOST} parts") if parts.size == MOST
          # The empty line may be the first.
          start = place + after.bytesize - 2
          middle = data.byteslice(start, HEAD + 4).index("\r\n\r\n".b)
          malformed("a part has no head, or one that is too long") unless middle
          middle += start
          # A part without content may have no line for it but the empty one.
          place = data.index(delimiter, middle + 2)
          parts << part(data.byteslice(start + 2...middle) || "", data.byteslice(middle + 4...[place || 0, middle + 4].max))
        end
      end

      # @param head [String] header lines
      # @return [Part]
      # @raise [BadArguments] for those that fronts refuse
      def part(head, content = "".b)
        disposition = type = nil
        head.b.split("\r\n", -1).each do |line|
          match = LINE.match(line) || malformed("a part has a header line without a valid name and a colon")
          case match[1].downcase
          when "content-disposition"
            found = parameters(match[2])
            malformed("a part has no content-disposition of form-data, or several") if disposition || found.nil? || found.first != "form-data"
            disposition = found.last
          when "content-type"
            malformed("a part has several content types") if type
            type = match[2]
          when "content-transfer-encoding"
            malformed("a part has a content-transfer-encoding") unless %w[7bit 8bit binary].include?(match[2].downcase)
          end
        end
        malformed("a part has no content-disposition") unless disposition
        malformed("a part is a multipart of its own") if disposition["filename"].nil? && type&.match?(%r{\Amultipart/}ni)
        Part.new(raw_name: disposition["name"], content: content, raw_filename: disposition["filename"], raw_type: type, head: head.b)
      end

      # @return [(String, Hash{String => String}), nil] the word and the parameters of a header; nil if it does not follow the grammar,
      #   or has a parameter twice. In quotation marks a backslash escapes. Browsers write it as it is, so a value that cannot be read
      #   this way is read theirs: a file name may end in one
      def parameters(value)
        parameters_by(value, ESCAPED, /\\(["\\])|%22/n) || parameters_by(value, LITERAL, /()%22/n)
      end

      def parameters_by(value, parameter, escape)
        value = value.b.sub(/[ \t]+\z/n, "")
        return nil unless (word = WORD.match(value))

        place = word.end(0)
        seen = {}
        found = {}
        charset = nil
        while place < value.bytesize
          return nil unless (match = parameter.match(value, place))

          place = match.end(0)
          break unless match[1]

          key = match[1].downcase
          return nil if seen[key]

          seen[key] = true
          text = match[3] || match[2].gsub(escape) { Regexp.last_match(1).to_s.empty? ? '"' : Regexp.last_match(1) }
          if key.end_with?("*")
            key = key[0...-1]
            text, charset = extended(text, charset)
          end
          piece = key[/\A(.+)\*[0-9]+\z/n, 1]
          found[piece || key] = piece ? (found[piece] || "".b) + text : text
        end
        [word[1].downcase, found]
      end

      # The value of `name*` (RFC 8187), in UTF-8, and the charset that holds from here on.
      def extended(text, charset)
        named, language, rest = text.split("'", 3)
        wanted = charset
        if rest
          text = rest
          wanted = CHARSETS[named.downcase] unless named.empty?
          return [text, charset] if wanted.nil? && language
        end
        return [text, charset] unless wanted

        content = unescape(text)
        content = content.force_encoding(wanted).encode(Encoding::UTF_8) if wanted == Encoding::ISO_8859_1
        [content.b, wanted]
      end

      def unescape(text)
        text.b.gsub(/%\h\h/n) { |code| code[1, 2].hex.chr }
      end

      def malformed(why)
        raise BadArguments, "args[0].body: #{why}"
      end
    end
  end
end
