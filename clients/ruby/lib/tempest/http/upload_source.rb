# frozen_string_literal: true

# Where the bytes of an upload come from: the folder that front and workers share, or the front itself, asked for one range
# after the other, so that a slow reader holds no connection up. UploadReader reads and checks them.

require "net/http"
require "openssl"

module Tempest
  module HTTP
    # The file of that name in the folder which the front shares.
    class FolderSource
      FLAGS = File::RDONLY | File::NOFOLLOW | File::NONBLOCK | File::BINARY

      # @return [FolderSource, nil] nil if it is not there. The token was looked at: it stays in the folder
      # @raise [UploadError]
      def self.find(folder, upload)
        # In this order: between the two, somebody may keep it.
        file = open(File.join(folder, upload.token)) || open(File.join(folder, upload.token + KeptUploads::SUFFIX))
        return nil unless file

        stat = file.stat
        return new(file) if stat.file? && stat.size == upload.size

        file.close
        what = stat.file? ? "a file of #{stat.size} bytes, not #{upload.size}," : "no file"
        raise UploadError, "the upload #{upload.token} is #{what} in #{folder}"
      rescue SystemCallError => e
        raise UploadError, "the upload #{upload.token} cannot be opened: #{e.message}"
      end

      def self.open(path)
        File.open(path, FLAGS)
      rescue Errno::ENOENT
        nil
      end
      private_class_method :open

      def initialize(file)
        @file = file
      end

      # @return [String] up to `count` bytes from `start` on; empty at the end
      def read(_start, count)
        @file.read(count) || ""
      end

      def close
        @file.close
      end
    end

    # The front that has it.
    class RemoteSource
      # Bytes of one range.
      PIECE = 1_048_576
      # Seconds that each step of a request may take.
      SECONDS = 30
      TRIES = 3
      BROKEN = [SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError, ::Net::ProtocolError,
                ::Net::HTTPBadResponse, ::Net::HTTPHeaderSyntaxError].freeze

      # @raise [UploadError] if the URL is none that this worker may ask
      def initialize(upload, origins)
        @upload = upload
        @uri = RemoteSource.parse(upload.url) || refuse("has a URL that is none of http or https")
        origin = RemoteSource.origin(@uri)
        unless origins.any? { |each| RemoteSource.origin(RemoteSource.parse(each)) == origin }
          refuse("is at #{origin}, which is none of the origins that this worker may ask: name it in TEMPEST_UPLOAD_ORIGINS, or " \
                 "the shared folder in TEMPEST_UPLOADS")
        end
        @piece = ""
        @from = 0
      end

      # @return [String] up to `count` bytes from `start` on
      # @raise [UploadError]
      def read(start, count)
        unless start >= @from && start < @from + @piece.bytesize
          @piece = fetch(start)
          @from = start
        end
        @piece.byteslice(start - @from, count)
      end

      # Keeps the content (POST) or deletes it (DELETE). To delete what is not there is no error.
      #
      # @param kind [Class] of Net::HTTP's requests
      # @raise [UploadError]
      def change(kind)
        code = with_tries do
          request = kind.new(@uri.request_uri, "content-length" => "0")
          connection.request(request).code
        end
        refused(code) unless code == "204" || (code == "404" && kind == ::Net::HTTP::Delete)
      end

      def close
        @http&.finish
      rescue IOError
        nil
      ensure
        @http = nil
      end

      # @return [URI::HTTP, nil]
      def self.parse(url)
        return nil if url.match?(/[^!-~]/)

        uri = URI.parse(url)
        uri if uri.is_a?(URI::HTTP) && !uri.hostname.to_s.empty?
      rescue URI::Error
        nil
      end

      # @return [String, nil]
      def self.origin(uri)
        uri && "#{uri.scheme}://#{uri.hostname.downcase}:#{uri.port}"
      end

      private

      def fetch(start)
        with_tries { ask(start) }
      end

      def with_tries
        tries = 0
        begin
          yield
        rescue *BROKEN => e
          # A front that was started anew, or let an idle connection go; to ask for a range, to keep or to delete twice harms nothing.
          close
          tries += 1
          retry if tries < TRIES
          refuse("cannot be had from its front: #{e.message}")
        end
      end

      # Straight to the front: a proxy of the environment is for other ways.
      def connection
        @http ||= ::Net::HTTP.new(@uri.hostname, @uri.port, nil).tap do |http|
          http.use_ssl = @uri.scheme == "https"
          http.open_timeout = http.read_timeout = http.write_timeout = SECONDS
          http.max_retries = 0
          http.start
        end
      end

      def ask(start)
        count = [PIECE, @upload.size - start].min
        request = ::Net::HTTP::Get.new(@uri.request_uri, "range" => "bytes=#{start}-#{start + count - 1}", "accept-encoding" => "identity")
        body = String.new(encoding: Encoding::BINARY)
        connection.request(request) do |response|
          check(response, start)
          response.read_body do |part|
            body << part
            refuse("is answered with more than was asked for") if body.bytesize > count
          end
        end
        raise EOFError, "nothing came" if body.empty?

        body
      rescue UploadError
        close
        raise
      end

      def check(response, start)
        case response.code
        when "206"
          range = %r{\Abytes (\d{1,16})-\d{1,16}/(\d{1,16}|\*)\z}i.match(response["content-range"].to_s.strip)
          return if range && range[1].to_i == start && ["*", @upload.size.to_s].include?(range[2])

          refuse("is answered with another range, or of another content, than was asked for")
        when "200" then refuse("comes whole where a part was asked for") unless start.zero? && @upload.size <= PIECE
        else refused(response.code)
        end
      end

      def refused(code)
        if code == "404"
          refuse("is not at its front any more: its request has ended and nobody kept it, or it was deleted or swept")
        end
        refuse("is answered with #{code} by its front")
      end

      def refuse(why)
        raise UploadError, "the upload #{@upload.token} #{why}"
      end
    end
  end
end
