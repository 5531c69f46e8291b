# frozen_string_literal: true

# What a browser uploaded and a front put aside: its description in the job, and the way to its content. Request makes them.

module Tempest
  module HTTP
    # One upload.
    #
    # @!attribute token [String] names the content
    # @!attribute size [Integer] bytes
    # @!attribute sha256 [String] hexadecimal
    # @!attribute field [String, nil] of the form
    # @!attribute filename [String, nil] what a stranger calls it: never make a path of it
    # @!attribute type [String, nil] what a stranger says it is
    # @!attribute url [String, nil] where the front serves it
    Upload = Struct.new(:token, :size, :sha256, :field, :filename, :type, :url, keyword_init: true) do
      # @param argument [Object] of the job
      # @return [Upload]
      # @raise [BadArguments] if there is no upload in it
      def self.read(argument, path = "upload")
        members = Checks.map(argument, path)
        token = Checks.text(members, "token", path)
        sha256 = Checks.text(members, "sha256", path)
        size = members["size"]
        raise BadArguments, "#{path}.token: expected 43 characters of base64url" unless /\A[A-Za-z0-9_-]{43}\z/.match?(token)
        raise BadArguments, "#{path}.sha256: expected 64 hexadecimal digits" unless /\A[0-9a-f]{64}\z/.match?(sha256)

        Checks.refuse("#{path}.size", "integer from 0", size) unless size.is_a?(Integer) && size.between?(0, 2**53)
        texts = %w[field filename type url].to_h { |key| [key.to_sym, Checks.optional(members, key, path)] }
        new(token: token, size: size, sha256: sha256, **texts)
      end

      # Opens the content, to be read forwards: `upload.open { |io| IO.copy_stream(io, path) }`.
      #
      # @param folder [String, nil] where the front shares what was uploaded; by default TEMPEST_UPLOADS of the environment
      # @param origins [Array<String>, nil] such as `http://front:8080`: if the folder does not have it, it is asked for at `url` if
      #   that belongs to one of these; by default those of TEMPEST_UPLOAD_ORIGINS, with spaces between them. A job must not send
      #   workers to any place of the network
      # @yieldparam io [UploadReader] closed afterwards
      # @return [UploadReader, Object] without a block the reader, which is to be closed; else what the block returns
      # @raise [UploadError] when it cannot be had. When it was read to the end and is another content than the front wrote down,
      #   too: what was read before counts only then
      def open(folder: nil, origins: nil)
        reader = UploadReader.new(source(folder || ENV["TEMPEST_UPLOADS"], origins), self)
        return reader unless block_given?

        begin
          yield reader
        ensure
          reader.close
        end
      end

      private

      def source(folder, origins)
        found = FolderSource.find(folder, self) if folder && !folder.empty?
        return found if found
        unless url
          place = folder ? "in #{folder}" : "where TEMPEST_UPLOADS is not set"
          raise UploadError, "the upload #{token} is not #{place}, and its front serves it nowhere else"
        end

        RemoteSource.new(self, origins || ENV.fetch("TEMPEST_UPLOAD_ORIGINS", "").split)
      end
    end
  end
end
