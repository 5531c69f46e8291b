# frozen_string_literal: true

# HTTP for workers: what a browser asked of a front, as a Request, and answers that the front makes responses of. Whole
# applications need none of this: tempest/rack serves them as they are.

require_relative "http/checks"
require_relative "http/kept_uploads"
require_relative "http/upload_source"
require_relative "http/upload_reader"
require_relative "http/upload"
require_relative "http/fields"
require_relative "http/form"
require_relative "http/form_reader"
require_relative "http/multipart"
require_relative "http/request"
require_relative "http/answers"
require_relative "http/output"
