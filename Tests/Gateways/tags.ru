# frozen_string_literal: true

# A Sinatra application with a form of a file and several choices, which says what it got.

require "json"
require "sinatra/base"

# Serves /tags.
class Tags < Sinatra::Base
  set :environment, :production
  set :show_exceptions, false

  get "/tags" do
    options = (1..5).map { |number| "<option value=\"#{number}\">tag #{number}</option>" }.join
    "<!doctype html><title>Tags</title><form method=\"post\" enctype=\"multipart/form-data\"><input name=\"title\">" \
      "<select name=\"ids[]\" multiple>#{options}</select><input type=\"file\" name=\"scan\"><button>Send</button></form>"
  end

  post "/tags" do
    content_type "text/plain"
    scan = params["scan"]
    JSON.generate("title" => params["title"], "ids" => params["ids"], "scan" => scan && [scan["filename"], scan["tempfile"].read.unpack1("H*")])
  end
end

run Tags
