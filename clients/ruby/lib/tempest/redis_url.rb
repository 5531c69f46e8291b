# frozen_string_literal: true

# Redis URLs, which mean the same in every language of Tempest (docs/redis-url.md, protocol/vectors/urls.json). The gem redis reads URLs
# too, and some of them otherwise than the other languages; so a URL is read here, and the gem gets its parts.

require "openssl"

module Tempest
  # Where Redis is, and how to come in.
  class RedisURL
    SERVICES_OF_2012 = %w[REDISTOGO_URL REDISCLOUD_URL].freeze
    VARIABLES = ["REDIS_URL", *SERVICES_OF_2012].freeze
    DEFAULT = "redis://127.0.0.1:6379"
    # Files of rediss://, and the name that the server's certificate must carry (nil: the host).
    TLS = Struct.new(:ca, :cert, :key, :name, keyword_init: true)

    BLANK = /[ \t\r\n\v\f]/.freeze
    TLS_NAMES = { "cacert" => :ca, "cert" => :cert, "key" => :key, "servername" => :name }.freeze
    NAMES = { "db" => :database, "user" => :user, "username" => :user, "password" => :password, **TLS_NAMES }.freeze
    # URLs whose password Redis has taken alone: the next connections start so.
    LOST = {} # rubocop:disable Style/MutableConstant
    LOCK = Mutex.new
    private_constant :SERVICES_OF_2012, :BLANK, :TLS_NAMES, :NAMES, :LOST, :LOCK

    attr_reader :host, :port, :socket, :user, :password, :database, :tls

    # @return [String] where it was read, for messages: a variable, or "the URL of Redis"
    attr_reader :origin

    # @param variables [#[]] the environment
    # @return [String] the URL of the first variable that says something, else this host's
    def self.environment(variables = ENV)
      VARIABLES.map { |name| variables[name] }.find { |url| url && !url.gsub(BLANK, "").empty? } || DEFAULT
    end

    # @param url [String]
    # @raise [ArgumentError] says what is wrong, and repeats nothing that could be a piece of a password
    # @param variables [#[]] the environment; a URL that is the value of one was read there
    def initialize(url, variables = ENV)
      @holders = VARIABLES.select { |name| variables[name] == url }
      @origin = @holders.first || (url == RedisURL.environment(variables) ? "REDIS_URL" : "the URL of Redis")
      @host, @port, @database = "127.0.0.1", 6379, 0
      text = url.to_s.dup.force_encoding(Encoding::UTF_8)
      wrong("it is not UTF-8") unless text.valid_encoding?
      scheme, found, rest = text.gsub(/\A#{BLANK}+|#{BLANK}+\z/, "").partition("://")
      wrong("it has no scheme; write redis://host:port, rediss://host:port or unix:///path/to.sock") if found.empty?
      rest, fragment, = rest.partition("#")
      wrong("it has a fragment (#…); a # in the password is written %23") unless fragment.empty?
      body, _, query = rest.partition("?")
      read_body(scheme.downcase, body)
      read_parameters(query)
      check
      freeze
    end

    # @return [RedisURL] one that the gem redis can follow
    # @raise [ArgumentError] also for a name of the server's certificate: the gem knows the host's alone
    def self.usable(url)
      found = new(url)
      raise ArgumentError, "the Redis URL has servername, which Ruby cannot check: use a host name that is in the certificate" if found.tls&.name

      found
    end

    # @return [String] what messages call the server; never with a password
    def place
      return @socket if @socket

      @host.include?(":") ? "[#{@host}]:#{@port}" : "#{@host}:#{@port}"
    end

    def inspect
      "#<#{self.class} #{place}>"
    end

    # @return [Boolean] whether the password may be tried alone where Redis refuses it together with the user (docs/redis-url.md)
    def may_lose_user?
      !@user.nil? && !(@holders & SERVICES_OF_2012).empty? && !lost_user?
    end

    # Redis has taken the password alone: the next connections start so.
    def lose_user
      return unless LOCK.synchronize { LOST.key?(identity) ? false : LOST[identity] = true }

      warn("tempest: Redis does not know the user of #{@origin}, but takes its password alone: it is used without the user")
    end

    # @return [Hash] what Redis.new takes
    # @param alone [Boolean] whether to leave the user out
    # @raise [SystemCallError, OpenSSL::OpenSSLError] for files of TLS that cannot be read
    def options(alone: lost_user?)
      options = { db: @database, username: alone ? nil : @user, password: @password }.compact
      return options.merge(path: @socket) if @socket

      options.merge!(host: @host, port: @port)
      @tls ? options.merge(ssl: true, ssl_params: tls_options) : options
    end

    private

    def identity
      [@host, @port, @socket, @user, @password]
    end

    def lost_user?
      LOCK.synchronize { LOST.key?(identity) }
    end

    def tls_options
      options = { ca_file: @tls.ca }.compact
      return options unless @tls.cert

      # The whole chain: the first is ours.
      chain = File.read(@tls.cert).scan(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/m).map { |text| OpenSSL::X509::Certificate.new(text) }
      raise OpenSSL::X509::CertificateError, "there is no certificate in #{@tls.cert}" if chain.empty?

      options.merge(cert: chain.first, key: OpenSSL::PKey.read(File.read(@tls.key)), extra_chain_cert: chain.drop(1))
    end

    def read_body(scheme, body)
      case scheme
      when "redis" then read_network(body)
      when "rediss"
        @tls = TLS.new
        read_network(body)
      when "unix", "redis+unix" then read_socket(body)
      else wrong("its scheme is not one of redis, rediss and unix")
      end
    end

    def read_network(body)
      authority, _, path = body.partition("/")
      host, port = host_and_port(read_credentials(authority))
      unless host.empty?
        @host = decoded(host, "the host")
        wrong("the host has a space or a control character") if @host.match?(/[\x00-\x20\x7F]/)
      end
      if port
        @port = port.match?(/\A[0-9]{1,10}\z/) ? port.to_i : 0
        wrong("the port is not a number from 1 to 65535 (in a password, write @ as %40, : as %3A and / as %2F)") unless (1..65_535).cover?(@port)
      end
      @database = number(path) unless path.empty?
    end

    def read_socket(body)
      authority, slash, path = body.partition("/")
      wrong("a unix URL needs an absolute path, as in unix:///run/redis/redis.sock") if slash.empty?
      wrong("a unix URL has three slashes and no host, as in unix:///run/redis/redis.sock") unless read_credentials(authority).empty?
      @socket = decoded("/#{path}", "the path")
      wrong("the path of the socket is empty") if @socket == "/" || @socket.include?("\0")
    end

    # Reads what stands before the last @, and returns what stands after it.
    def read_credentials(authority)
      before, at, after = authority.rpartition("@")
      return authority if at.empty?

      user, _, password = before.partition(":")
      @user = some(decoded(user, "the user"))
      @password = some(decoded(password, "the password"))
      after
    end

    def host_and_port(address)
      unless address.start_with?("[")
        host, colon, port = address.partition(":")
        wrong("an IPv6 address is written in brackets, as in redis://[::1]:6379") if port.include?(":")
        return [host, colon.empty? ? nil : port]
      end
      host, bracket, rest = address[1..].partition("]")
      wrong("the bracket of the IPv6 address is not closed") if bracket.empty?
      wrong("after the bracket of an IPv6 address comes a colon and the port") unless rest.empty? || rest.start_with?(":")
      [host, rest.empty? ? nil : rest[1..]]
    end

    def read_parameters(query)
      seen = []
      query.split("&").reject(&:empty?).each do |pair|
        name, _, raw = pair.partition("=")
        key = NAMES[name] || wrong("it has an unknown parameter; known are db, user, password, cacert, cert, key and servername")
        wrong("the parameter #{name} is there twice") if seen.include?(key)
        seen << key
        parameter(name, key, decoded(raw, "the parameter #{name}"))
      end
    end

    def parameter(name, key, value)
      case key
      when :database then @database = number(value)
      when :user then @user = some(value)
      when :password then @password = some(value)
      else
        wrong("cacert, cert, key and servername need the scheme rediss") unless @tls
        wrong("the parameter #{name} is empty") if value.empty?
        @tls[key] = value
      end
    end

    def check
      wrong("cert and key belong together, and only one of them is there") if @tls && @tls.cert.nil? != @tls.key.nil?
      wrong("it has a user but no password; write user:password@host, or :password@host for the default user") if @user && !@password
    end

    def number(text)
      digits = text.delete_suffix("/")
      value = digits.match?(/\A[0-9]{1,10}\z/) ? digits.to_i : -1
      wrong("the database is not a number from 0 (a / in a password is written %2F)") unless (0...1 << 31).cover?(value)
      value
    end

    def decoded(text, what)
      wrong("#{what} has a % that two hexadecimal digits do not follow; a % itself is written %25") if text.match?(/%(?!\h\h)/)
      text = text.b.gsub(/%\h\h/n) { |code| code[1, 2].hex.chr }.force_encoding(Encoding::UTF_8)
      wrong("#{what} is not UTF-8") unless text.valid_encoding?
      text
    end

    def some(text)
      text.empty? ? nil : text
    end

    def wrong(what)
      raise ArgumentError, "#{"#{@origin}: " unless @holders.empty?}the Redis URL is not valid: #{what}"
    end
  end
end
