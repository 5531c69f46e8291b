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

      # @param form [Hash{String => String}]
      # @param uploads [Array<Upload>]
      def initialize(form, uploads)
        # 128 random bits: nobody who wrote the content can have known it.
        boundary = "tempest-#{SecureRandom.hex(16)}"
        @content_type = "multipart/form-data; boundary=#{boundary}"
        @pieces = form.map do |name, value|
          "--#{boundary}\r\nContent-Disposition: form-data; name=\"#{quoted(name)}\"\r\n\r\n#{value}\r\n".b
        end
        uploads.each { |upload| @pieces.push(head(boundary, upload), upload, "\r\n".b) }
        @pieces << "--#{boundary}--\r\n".b
        @length = @pieces.sum { |piece| piece.is_a?(Upload) ? piece.size : piece.bytesize }
      end

      # @return [Joined] to be read once, forwards. Reading raises as that of an upload does
      def open(**places)
        Joined.new(@pieces, places)
      end

      private

      def head(boundary, upload)
        type = (upload.type || "application/octet-stream").gsub(/[^ -~]/, " ")
        "--#{boundary}\r\nContent-Disposition: form-data; name=\"#{quoted(upload.field.to_s)}\"; " \
          "filename=\"#{quoted(upload.filename || 'upload')}\"\r\nContent-Type: #{type}\r\n\r\n".b
      end

      # As browsers write names in forms.
      def quoted(text)
        text.gsub("\r", "%0D").gsub("\n", "%0A").gsub('"', "%22")
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
