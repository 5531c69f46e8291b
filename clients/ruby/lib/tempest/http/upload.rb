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
        reader = UploadReader.new(source(folder, origins), self)
        return reader unless block_given?

        begin
          yield reader
        ensure
          reader.close
        end
      end

      # Keeps the content when its request ends. Without this it is removed once the browser has its answer, or was told that there
      # is none, or went away. What is kept stays until {#delete} is called or the front sweeps it (after a day). May be called again,
      # also by a worker that runs the job after another has died.
      #
      # @param folder [String, nil] as of {#open}
      # @param origins [Array<String>, nil] as of {#open}
      # @raise [UploadError] when the request has ended already, or the content cannot be reached
      def keep(folder: nil, origins: nil)
        folder = shared(folder)
        return if folder && KeptUploads.keep(folder, token)

        remote(folder, origins) { |front| front.change(::Net::HTTP::Post) }
      end

      # Removes the content, kept or not. Nothing happens if it is not there any more; whoever has it open reads on.
      #
      # @param folder [String, nil] as of {#open}
      # @param origins [Array<String>, nil] as of {#open}
      # @raise [UploadError] when it cannot be reached
      def delete(folder: nil, origins: nil)
        folder = shared(folder)
        return if folder && (KeptUploads.delete(folder, token) || url.nil?)

        remote(folder, origins) { |front| front.change(::Net::HTTP::Delete) }
      end

      private

      def source(folder, origins)
        folder = shared(folder)
        (folder && FolderSource.find(folder, self)) || remote(folder, origins)
      end

      def shared(folder)
        folder ||= ENV.fetch("TEMPEST_UPLOADS", nil)
        folder unless folder.nil? || folder.empty?
      end

      # @yieldparam front [RemoteSource] closed afterwards
      def remote(folder, origins)
        unless url
          raise UploadError, "the upload #{token} cannot be found: TEMPEST_UPLOADS is not set, and its front serves it nowhere else" \
            unless folder

          raise UploadError, "the upload #{token} is not in #{folder}: its request has ended and nobody kept it, it was deleted or " \
                             "swept, or its front has another folder"
        end

        front = RemoteSource.new(self, origins || ENV.fetch("TEMPEST_UPLOAD_ORIGINS", "").split)
        return front unless block_given?

        begin
          yield front
        ensure
          front.close
        end
        nil
      end
    end
  end
end
