# frozen_string_literal: true

# The session of the browser for which a front asks: values that workers keep between its requests, and the word to end it.
# Context#session is made of meta's `session`, which the front chose; the hash lives in Redis by the front's rules.

module Tempest
  # Fields and their values, each any that JSON carries. Each call asks Redis, so two requests of one browser see what the
  # other wrote; the last one to write a field wins. The field `user` is who is logged in, for fronts that ask for it.
  #
  # Every method that asks Redis may raise {ConnectionLost} and {ServerError}.
  class Session
    # A front lets a session go that was idle for 14 days. Only one that is new here gets its time from a worker.
    IDLE_SECONDS = 14 * 86_400
    HEADER = "tempest-session"
    ID = /\A[A-Za-z0-9_-]{43}\z/.freeze

    # @return [String] the browser's secret: keep it out of logs and answers
    attr_reader :id
    # @return [String, nil] what the answer's header `tempest-session` is to say: rotate, end or nil
    attr_reader :order

    # @return [Boolean] whether this has the form of a session's id: 43 characters of base64url
    def self.id?(text)
      text.is_a?(String) && ID.match?(text)
    end

    # @param connection [Connection]
    def initialize(id, connection)
      @id = id
      @key = "session:#{id}"
      @connection = connection
      @order = nil
      @sealed = false
    end

    # @param field [String, Symbol]
    # @return [Object] the field's value, or the default
    # @raise [SessionError] if something is there that is no value
    def get(field, default = nil)
      content = ask("HGET", @key, name(field))
      content.nil? ? default : read(field, content)
    end
    alias [] get

    # Keeps a value. A session that does not exist yet begins with it.
    # @raise [CodecError] if JSON has no form for the value
    # @raise [SessionError] after {end}
    def set(field, value)
      raise SessionError, "the session was ended: nothing can be kept in it any more" if @order == "end"

      content = JSONCodec.encode([value])
      name = name(field)
      # One that the front has touched has its time already, and must not outlive it.
      commands = [["HSET", @key, name, content], ["EXPIRE", @key, IDLE_SECONDS.to_s, "NX"]]
      twice { @connection.atomically(*commands) }
      value
    end
    alias []= set

    # Forgets these fields.
    def delete(*fields)
      ask("HDEL", @key, *fields.map { |field| name(field) }) unless fields.empty?
      nil
    end

    # @return [Hash{String => Object}] all fields that hold values
    def all
      ask("HGETALL", @key).each_slice(2).with_object({}) do |(field, content), values|
        field = field.dup.force_encoding(Encoding::UTF_8)
        values[field] = read(field, content) if field.valid_encoding?
      rescue SessionError
        next # what somebody else keeps there in a form of their own
      end
    end

    # Has the front give the session a new id, and forget the old one: do so whenever somebody logs in.
    def rotate
      give("rotate")
    end

    # Has the front end the session: for logging out.
    def end
      give("end")
    end

    # The head of the answer is on its way: called by whoever sends it.
    def seal
      @sealed = true
    end

    private

    # To say any of these twice harms nothing.
    def twice
      yield
    rescue ConnectionLost
      yield
    end

    def ask(*command)
      twice { @connection.call(*command) }
    end

    def give(order)
      raise SessionError, "the head of the answer has been sent, so it is too late to #{order} the session" if @sealed

      @order = order
      nil
    end

    def name(field)
      name = field.to_s
      raise SessionError, "a field of a session is text that is not empty, not #{field.inspect}" if name.empty?

      name
    end

    def read(field, content)
      found = JSONCodec.decode(content)
      raise CodecError.new("json", "no array of one") unless found.is_a?(Array) && found.size == 1

      found.first
    rescue CodecError
      raise SessionError, "the field #{field.to_s.inspect} of the session is not the JSON of an array of one value"
    end
  end
end
