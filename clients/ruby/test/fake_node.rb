# frozen_string_literal: true

# A node of the original as a test wants it: listens, answers `info`, and says to an answer what the test says.

require "socket"

class FakeNode
  INFO = "$21\r\nredis_version:2.4.5\r\n\r\n"
  TEMPEST = "$41\r\nredis_version:2.4.5\r\ntempest_protocol:1\r\n\r\n"
  OK = "+OK\r\n"

  # What was sent besides info; how many connections ever came, are open, were reset.
  attr_reader :port, :answers, :infos, :connections, :open, :resets

  def self.free_port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }

  # @yieldparam number [Integer] of the answer, from 1 on
  # @yieldreturn [String, nil] what is said; nil: it hangs up
  def initialize(info: INFO, host: "127.0.0.1", port: 0, &reply)
    @info = info
    @reply = reply || ->(_number) { OK }
    @answers, @infos, @sockets, @threads = [], [], [], []
    @connections = @open = @resets = 0
    @lock = Mutex.new
    @server = TCPServer.new(host, port)
    @server.listen(64)
    @port = @server.addr[1]
    @acceptor = Thread.new { accept }
  end

  def stop
    @acceptor.kill.join
    hang_up
    @threads.each { |thread| thread.join(10) }
    @server.close
  end

  def hang_up
    @lock.synchronize { @sockets.dup }.each do |socket|
      socket.shutdown
    rescue SystemCallError, IOError
      nil
    end
  end

  # Says this unasked, on the newest connection.
  def say(data) = @sockets.last.write(data)

  private

  def accept
    loop do
      socket = @server.accept
      @lock.synchronize do
        @connections += 1
        @open += 1
        @sockets << socket
        @threads << Thread.new { serve(socket) }
      end
    end
  end

  def serve(socket)
    talk(socket)
    # What was written into a connection that is closed; the end of what can be read comes before the error.
    @resets += 1 if [Errno::EPIPE::Errno, Errno::ECONNRESET::Errno].include?(socket.getsockopt(:SOCKET, :ERROR).int)
  rescue Errno::ECONNRESET
    @resets += 1
  rescue SystemCallError, IOError
    nil
  ensure
    socket.close
    @lock.synchronize { @open -= 1 }
  end

  def talk(socket)
    while (line = socket.gets)
      words = Array.new(line[1..].to_i) { socket.read(socket.gets[1..].to_i + 2)[0..-3].force_encoding(Encoding::UTF_8) }
      if words == ["info"]
        @infos << words
        socket.write(@info)
        next
      end
      number = @lock.synchronize { (@answers << words).size }
      said = @reply.call(number) or return
      socket.write(said)
    end
  end
end
