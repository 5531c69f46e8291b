# frozen_string_literal: true

# Uploads that a worker keeps, in the folder which front and workers share (protocol/http.md, "Uploads"). Upload#keep and
# Upload#delete use it.

module Tempest
  module HTTP
    # The front removes `<token>` when the request ends, and never `<token>.kept`; that a file has one name or the other is the file
    # system's to decide, so that keeping and removing cannot both succeed.
    module KeptUploads
      SUFFIX = ".kept"

      # @return [Boolean] false if the folder does not have it
      # @raise [UploadError]
      def self.keep(folder, token)
        path = File.join(folder, token)
        begin
          File.rename(path, path + SUFFIX)
          true
        rescue Errno::ENOENT
          File.file?(path + SUFFIX)
        end
      rescue SystemCallError => e
        raise UploadError, "the upload #{token} cannot be kept: #{e.message}"
      end

      # @return [Boolean] false if the folder does not have it
      # @raise [UploadError]
      def self.delete(folder, token)
        path = File.join(folder, token)
        # In this order: between the two, somebody may keep it.
        [path, path + SUFFIX].map { |name| remove(name) }.any?
      rescue SystemCallError => e
        raise UploadError, "the upload #{token} cannot be deleted: #{e.message}"
      end

      def self.remove(path)
        File.unlink(path)
        true
      rescue Errno::ENOENT
        false
      end
      private_class_method :remove
    end
  end
end
