# frozen_string_literal: true

# The connection to one node that listens itself, as in node-tempest, and what it says. A node is asked what it is before it is told
# anything: a Redis in its place, or a server of another kind, hears no more than `info`. Before it: a DirectLine that has an answer.

require "io/wait"
require "socket"

module Tempest
  # What is at the address is no node.
  # @api private
  class NoNode < StandardError; end

  # A connection to a node that has said that it is one. One thread uses it.
  # @api private
  class DirectLink
    # One reply of RESP: its first byte, and its text; nil for a null.
    Reply = Struct.new(:kind, :text)

    REPLY = 64 * 1024
    CONNECT = 2.0
    ANSWER = 5.0
    # Of what is sent: a large answer may take longer.
    BYTES_A_SECOND = 1024.0 * 1024
    LEAVE = 1.0
    # For a word that is still to come: it must not meet a connection that is closed.
    LATE = 5.0
    # Seconds until it is looked whether the worker has ended.
    SLICE = 0.2
    # In small letters: the parser of the original knows only those, and is silent for ever after others.
    INFO = ["info"].freeze
    # The node is away, or its word was lost.
    AWAY = [SystemCallError, IOError, SocketError].freeze

    # @return [Boolean] whether the node is Tempest, not the original: it reads a fourth word and knows of errors
    attr_reader :reads_meta

    # @param target [AllowedNetworks::Target]
    # @param stopped [#call] whether the worker has ended
    # @raise [NoNode, SystemCallError, IOError, SocketError]
    def initialize(target, port, stopped)
      @stopped = stopped
      @buffer = +"".b
      # Replies that are to come.
      @owed = 0
      @socket = DirectLink.connect(target, port)
      begin
        @owed = 1
        send_all(DirectLink.command(INFO), Tempest.now + CONNECT)
        @reads_meta = DirectLink.judge(reply(Tempest.now + CONNECT))
      rescue Exception # rubocop:disable Lint/RescueException
        close
        raise
      end
    end

    # Sends all, then yields the node's word to each in turn.
    # @yieldparam reply [Reply]
    def tell(commands)
      data = commands.map { |words| DirectLink.command(words) }.join
      over = Tempest.now + ANSWER + (data.bytesize / BYTES_A_SECOND)
      @owed = commands.size
      send_all(data, over)
      commands.each { yield reply(over) }
    end

    # @return [Boolean] whether the node has hung up, or said something that nobody asked
    def stale?
      !@buffer.empty? || !@socket.wait_readable(0).nil?
    rescue *AWAY
      true
    end

    # Ends the connection by FIN: nodes of the original end when it is reset, as it is when something that came is not read.
    def close
      start = Tempest.now
      @socket.close_write
      while Tempest.now - start < (@owed.positive? && !@stopped.call ? LATE : LEAVE)
        @socket.wait_readable(SLICE)
        break if @socket.read_nonblock(REPLY, exception: false).nil?
      end
    rescue *AWAY
      nil # it has hung up itself
    ensure
      @socket.close
    end

    # @param data [String] what came
    # @return [(Reply, Integer), nil] the first reply and how many bytes it is; nil: it is not complete
    # @raise [NoNode] for what no node says
    def self.parse(data)
      raise NoNode, "what listens there is no node: it does not speak as one" unless data.empty? || "+-:$".include?(data[0])

      finish = data.index("\r\n".b)
      if finish.nil? || finish > REPLY
        raise NoNode, "what listens there is no node: a reply of more than #{REPLY} bytes" if data.bytesize >= REPLY

        return
      end
      kind, line, start = data[0], data[1...finish], finish + 2
      return [Reply.new(kind, line), start] unless kind == "$"
      return [Reply.new(kind, nil), start] if line == "-1"
      raise NoNode, "what listens there is no node: a reply that is too long, or has no length" unless /\A[0-9]{1,6}\z/.match?(line) && line.to_i <= REPLY

      size = line.to_i
      [Reply.new(kind, data[start, size]), start + size + 2] if data.bytesize >= start + size + 2
    end

    # @param reply [Reply] to `info`
    # @return [Boolean] whether the node reads meta
    # @raise [NoNode]
    def self.judge(reply)
      raise NoNode, "what listens there is no node: #{Failure.clean(reply.text)}" if reply.kind == "-"
      raise NoNode, "what listens there says nothing of itself" unless reply.kind == "$" && reply.text

      fields = reply.text.split(/[\r\n]+/).map { |line| line[/\A[^:]*/n] }
      raise NoNode, "what listens there is no node" unless fields.include?("redis_version")
      raise NoNode, "what listens there is a Redis, not a node" if (fields & %w[run_id tcp_port process_id]).any?

      fields.include?("tempest_protocol")
    end

    # @return [String] bytes
    def self.command(words)
      words.inject("*#{words.size}\r\n".b) { |bytes, word| bytes << "$#{word.bytesize}\r\n" << word.b << "\r\n" }
    end

    # By the address; of a name each address that it has is tried, but for those that are nobody's.
    # @return [Socket]
    def self.connect(target, port)
      failure = SocketError.new("the name has no address that may be connected to")
      addresses(target, port).each do |address|
        socket = address.connect(timeout: CONNECT)
        socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
        return socket
      rescue *AWAY => e
        failure = e
      end
      raise failure
    end

    # @return [Array<Addrinfo>]
    def self.addresses(target, port)
      return [Addrinfo.tcp(target.host, port)] unless target.name?

      Addrinfo.getaddrinfo(target.host, port, nil, :STREAM).select { |found| found.ip? && !AllowedNetworks.nobodys?(found.ip_address[/\A[^%]*/]) }
    end
    private_class_method :addresses

    private

    def send_all(data, over)
      at = 0
      while at < data.bytesize
        sent = @socket.write_nonblock(data.byteslice(at, REPLY), exception: false)
        sent == :wait_writable ? wait(over) { |left| @socket.wait_writable(left) } : at += sent
      end
    end

    def reply(over)
      loop do
        found, size = DirectLink.parse(@buffer)
        if found
          @buffer = @buffer.byteslice(size..)
          @owed -= 1
          return found
        end
        data = @socket.read_nonblock(REPLY, exception: false)
        raise EOFError, "the node hung up" if data.nil?

        data == :wait_readable ? wait(over) { |left| @socket.wait_readable(left) } : @buffer << data
      end
    rescue NoNode
      @owed = 0 # nothing that it may still say is of interest
      raise
    end

    def wait(over)
      loop do
        left = over - Tempest.now
        raise Errno::ETIMEDOUT, "the node did not answer in time" unless left.positive?
        raise IOError, "the worker has ended" if @stopped.call
        return if yield([left, SLICE].min)
      end
    end
  end
end
