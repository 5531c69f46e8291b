# frozen_string_literal: true

# A small Sinatra application that knows nothing of queues: a guest book with a page, a form, a cookie, a counter and a stream.

require "json"
require "sinatra/base"

class Shop < Sinatra::Base
  set :environment, :production
  set :show_exceptions, false
  set :entries, []

  helpers do
    # The browser's session, which the front keeps; nil without a front that has sessions.
    def visitor
      env["tempest.session"]
    end

    def h(text)
      Rack::Utils.escape_html(text)
    end
  end

  template(:page) do
    <<~HTML
      <!doctype html>
      <html lang="en">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>Guest book</title>
      <style>
        :root { color-scheme: light dark; }
        body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1.25rem; }
        h1 { border-bottom: 4px solid #b3214f; padding-bottom: 0.4rem; }
        input, button { font: inherit; padding: 0.35rem 0.7rem; border: 1px solid #8888; border-radius: 0.4rem; }
      </style>
      <h1>Guest book</h1>
      <p>Hello <%= h(@name) %>, you have seen this page <%= @visits %> times.</p>
      <ul><% settings.entries.each do |name, words| %><li><b><%= h(name) %></b>: <%= h(words) %></li><% end %></ul>
      <form method="post" action="<%= url("/sign", false) %>">
        <input name="name" placeholder="your name" maxlength="50">
        <input name="words" placeholder="some words" maxlength="200">
        <button>Sign</button>
      </form>
      <p><a href="<%= url("/countdown", false) %>">a stream</a></p>
      <form method="post" action="<%= url("/leave", false) %>"><button>Leave</button></form>
    HTML
  end

  get "/" do
    @visits = 1
    visitor.set("visits", @visits = visitor.get("visits", 0) + 1) if visitor
    @name = request.cookies.fetch("name", "stranger")
    erb :page
  end

  post "/sign" do
    name = params.fetch("name", "").strip[0, 50]
    name = "stranger" if name.empty?
    settings.entries << [name, params.fetch("words", "").strip[0, 200]]
    settings.entries.shift while settings.entries.size > 100
    if visitor
      visitor.set("user", name)
      visitor.rotate # whoever knew the old id does not know the new one
    end
    response.set_cookie("name", value: name, path: "/", max_age: 86_400, httponly: true, same_site: :lax)
    redirect to("/"), 303
  end

  post "/leave" do
    visitor&.end
    response.delete_cookie("name", path: "/")
    redirect to("/"), 303
  end

  # Files come as Sinatra has them, wherever the front has put them.
  post "/photo" do
    content_type :json
    files, fields = params.partition { |_, value| value.is_a?(Hash) && value.key?("tempfile") }
    JSON.generate("files" => files.to_h { |name, file| [name, { "filename" => file["filename"], "bytes" => file["tempfile"].size }] },
                  "form" => fields.to_h)
  end

  # Each line is on its way before the next one is made.
  get "/countdown" do
    content_type "text/plain"
    pause = params.fetch("pause", "0.5").to_f.clamp(0, 1)
    stream do |out|
      5.downto(1) do |number|
        out << "#{number}\n"
        sleep pause
      end
      out << "go\n"
    end
  end
end
