# frozen_string_literal: true

# A multipart form, put together again from what a front took apart: for applications that read forms by themselves.
# Request#content makes it; files come from where the front put them, piece by piece.

require "securerandom"

module Tempest
  module HTTP
    # The form, as a body.
    class Multipart
      # @return [String] with the boundary
      attr_reader :content_type
      # @return [Integer] bytes
      attr_reader :length

      # @param form [Form]
      def initialize(form)
        # 128 random bits: nobody who wrote the content can have known it.
        boundary = "tempest-#{SecureRandom.hex(16)}"
        @content_type = "multipart/form-data; boundary=#{boundary}"
        @pieces = form.flat_map do |part|
          ["--#{boundary}\r\n".b + (part.head || Multipart.plain_head(part)) + "\r\n\r\n".b, part.upload || part.content, "\r\n".b]
        end
        @pieces << "--#{boundary}--\r\n".b
        @length = @pieces.sum { |piece| piece.is_a?(Upload) ? piece.size : piece.bytesize }
      end

      # @return [Joined] to be read once, forwards. Reading raises as that of an upload does
      def open(**places)
        Joined.new(@pieces, places)
      end

      # @return [String] the header lines of a part as browsers write them
      def self.plain_head(part)
        head = "Content-Disposition: form-data".b
        { "name" => part.raw_name, "filename" => part.raw_filename }.each do |key, value|
          head << "; #{key}=\"".b << value.b.gsub(/[\r\n"]/n) { |char| format("%%%02X", char.ord) } << '"'.b if value
        end
        head << "\r\nContent-Type: ".b << part.raw_type.b.gsub(/[\x00-\x1F\x7F]/n, " ") if part.raw_type
        head
      end

      # Reads one piece after the other.
      class Joined
        def initialize(pieces, places)
          @left = pieces.dup
          @places = places
        end

        # As IO#read.
        def read(length = nil, buffer = nil)
          content = String.new(encoding: Encoding::BINARY)
          while (length.nil? || content.bytesize < length) && (source = @source ||= following)
            piece = source.read(length && (length - content.bytesize))
            content << piece if piece
            next unless piece.nil? || length.nil?

            source.close
            @source = nil
          end
          content = buffer.replace(content) if buffer
          content.empty? && length&.positive? ? nil : content
        end

        def close
          @source&.close
          @source = nil
          @left.clear
        end

        private

        def following
          piece = @left.shift
          piece.is_a?(Upload) ? piece.open(**@places) : piece && StringIO.new(piece)
        end
      end
    end
  end
end
