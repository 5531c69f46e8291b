# frozen_string_literal: true

# A form that a browser sent: its parts in their order. Request makes one of the parts that a front has read, or of a body.

require "stringio"

module Tempest
  module HTTP
    # A field or a file. All of it is what a stranger says: never make a path of a file name.
    #
    # @!attribute raw_name [String, nil] the bytes that came; nil: the part has no name
    # @!attribute content [String] the value of a field, or a file that came in the job; ASCII-8BIT
    # @!attribute raw_filename [String, nil] the bytes that came; empty: no file was chosen; nil: the part is a field
    # @!attribute raw_type [String, nil] the content type that the browser gave
    # @!attribute upload [Upload, nil] a file that the front has put aside
    # @!attribute head [String, nil] the part's header lines, if they are not those that browsers write
    Part = Struct.new(:raw_name, :content, :raw_filename, :raw_type, :upload, :head, keyword_init: true) do
      # @param argument [Object] of the job
      # @param uploads [Array<Upload>]
      # @return [Part]
      # @raise [BadArguments] if there is no part in it
      def self.read(argument, uploads, path = "part")
        members = Checks.map(argument, path)
        place = members["upload"]
        unless place.nil? || (place.is_a?(Integer) && place.between?(0, uploads.size - 1))
          raise BadArguments, "#{path}.upload: expected the place of an upload"
        end

        head = Checks.bytes(members, "head", path)
        if head && (head.empty? || head.include?("\r\n\r\n".b) || head.match?(/\A\r\n|\r\n\z/n))
          raise BadArguments, "#{path}.head: expected header lines without an empty one"
        end
        new(raw_name: Checks.bytes(members, "name", path), content: Checks.bytes(members, "value", path) || "".b,
            raw_filename: Checks.bytes(members, "filename", path), raw_type: Checks.bytes(members, "type", path),
            upload: place && uploads[place], head: head)
      end

      # @return [String] of the field; what is no UTF-8 in it is replaced
      def name
        HTTP::Part.text(raw_name || "")
      end

      # @return [String] the content as text; what is no UTF-8 in it is replaced
      def value
        HTTP::Part.text(content)
      end

      # @return [String, nil] what the browser calls the file; empty if no file was chosen; nil if the part is a field
      def filename
        raw_filename && HTTP::Part.text(raw_filename)
      end

      # @return [String, nil] the content type that the browser gave
      def type
        raw_type && HTTP::Part.text(raw_type)
      end

      # @return [Boolean] whether it is a file input, with or without a chosen file
      def file?
        !raw_filename.nil?
      end

      # @return [Boolean] whether it is a file input in which a file was chosen
      def chosen?
        file? && !(raw_filename.empty? && upload.nil? && content.empty?)
      end

      # Opens the content, wherever it is; as {Upload#open}.
      def open(**places, &block)
        return upload.open(**places, &block) if upload

        io = StringIO.new(content)
        block ? yield(io) : io
      end

      # @return [String] UTF-8
      def self.text(bytes)
        bytes.dup.force_encoding(Encoding::UTF_8).scrub
      end
    end

    # The parts of a form in the order in which the browser sent them; a name may come several times. `form["title"]` is the value
    # of the first field of that name, `form.all("tag")` those of all of them, `form.file("photo")` the first file that was chosen.
    class Form
      include Enumerable

      # @return [Array<Part>]
      attr_reader :parts
      # @return [String, nil] why the body could not be read although it says that it is a form; then there are no parts
      attr_reader :problem

      # @param argument [Object] of the job
      # @return [Form]
      # @raise [BadArguments] if there is no form in it
      def self.read(argument, uploads, path)
        Checks.refuse(path, "array", argument) unless argument.is_a?(Array)
        new(argument.each_with_index.map { |part, place| Part.read(part, uploads, "#{path}[#{place}]") })
      end

      def initialize(parts = [], problem: nil)
        @parts = parts
        @problem = problem
      end

      # @param key [String, Integer]
      # @return [String, Part, nil] the value of the first field of that name; the part of that place
      def [](key)
        key.is_a?(String) ? fields[key] : @parts[key]
      end

      # @return [Array<String>] the values of all fields of that name, in order
      def all(name)
        fields.all(name)
      end

      # @return [Fields] all that are no files, by name
      def fields
        @fields ||= Fields.new(@parts.reject(&:file?).map { |part| [part.name, part.value] })
      end

      # @return [Array<Part>] all files that were chosen, in order
      def files
        @parts.select(&:chosen?)
      end

      # @return [Part, nil] the first file that was chosen in the input of that name
      def file(name)
        files.find { |part| part.name == name }
      end

      # @yieldparam part [Part]
      def each(&block)
        @parts.each(&block)
      end

      # @return [Integer]
      def size
        @parts.size
      end

      # @return [Boolean]
      def empty?
        @parts.empty?
      end
    end
  end
end
