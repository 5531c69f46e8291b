# frozen_string_literal: true

# Reads the content of an upload piece by piece, and holds it against the size and the digest that its front wrote down.
# Upload#open makes it over a FolderSource or a RemoteSource.

require "digest"

module Tempest
  module HTTP
    # What Upload#open gives: read, readpartial, each_chunk, eof?, close; enough for IO.copy_stream.
    class UploadReader
      # Bytes of one chunk.
      CHUNK = 262_144

      def initialize(source, upload)
        @source = source
        @upload = upload
        @digest = Digest::SHA256.new
        @place = 0
        @checked = false
      end

      # As IO#read.
      # @return [String, nil] ASCII-8BIT
      # @raise [UploadError]
      def read(length = nil, buffer = nil)
        content = String.new(encoding: Encoding::BINARY)
        while length.nil? || content.bytesize < length
          piece = step(length ? [length - content.bytesize, CHUNK].min : CHUNK)
          break if piece.nil?

          content << piece
        end
        content = buffer.replace(content) if buffer
        content.empty? && length&.positive? ? nil : content
      end

      # As IO#readpartial.
      # @raise [EOFError, UploadError]
      def readpartial(length, buffer = nil)
        piece = step(length) || raise(EOFError, "end of the upload")
        buffer ? buffer.replace(piece) : piece
      end

      # @yieldparam chunk [String] ASCII-8BIT
      # @raise [UploadError]
      def each_chunk
        while (piece = step(CHUNK))
          yield piece
        end
      end

      # @return [Boolean]
      def eof?
        check if @place == @upload.size
        @place == @upload.size
      end

      def close
        @source&.close
        @source = nil
      end

      private

      # @return [String, nil] nil at the end
      def step(length)
        raise IOError, "the upload is closed" unless @source

        count = [length, @upload.size - @place].min
        piece = count.positive? ? fetch(count) : nil
        # Before the last bytes are handed out: nobody shall take content for whole that is not.
        check if @place == @upload.size
        piece
      end

      def fetch(count)
        piece = @source.read(@place, count)
        raise UploadError, "the upload #{@upload.token} ends at byte #{@place} of #{@upload.size}" if piece.empty?

        @digest << piece
        @place += piece.bytesize
        piece
      rescue SystemCallError => e
        raise UploadError, "the upload #{@upload.token} cannot be read on at byte #{@place}: #{e.message}"
      end

      def check
        return if @checked
        raise UploadError, "the upload #{@upload.token} is not what came: its sha256 is another" unless @digest.hexdigest == @upload.sha256

        @checked = true
      end
    end
  end
end
