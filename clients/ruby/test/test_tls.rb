# frozen_string_literal: true

# rediss:// against a real redis-server, with certificates that openssl makes for the test.

require_relative "harness"

class TestTLS < Minitest::Test
  SCRIPT = <<~SHELL
    set -e
    key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    openssl req -x509 $key -days 2 -subj /CN=ca -keyout ca.key -out ca.crt
    openssl req -x509 $key -days 2 -subj /CN=x -keyout x.key -out other.crt
    for who in server client; do
      openssl req $key -subj /CN=$who -keyout $who.key -out $who.csr
      echo "subjectAltName=DNS:redis.test,IP:127.0.0.1" > $who.ext
      openssl x509 -req -in $who.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile $who.ext -out $who.crt
    done
  SHELL

  def setup
    @folder = Dir.mktmpdir("tempest-tls")
    assert system("sh", "-c", SCRIPT, chdir: @folder, %i[out err] => IO::NULL)
    @port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
    @redis = PrivateRedis.new("--tls-port", @port.to_s, "--bind", "127.0.0.1", "--tls-ca-cert-file", file("ca.crt"),
                              "--tls-cert-file", file("server.crt"), "--tls-key-file", file("server.key"))
    @redis.call("SELECT", "3")
    @redis.call("SET", "place", "three")
  end

  def teardown
    @redis&.stop
    FileUtils.rm_rf(@folder)
  end

  def file(name) = File.join(@folder, name)

  def get(query)
    connection = Tempest::Connection.new("rediss://127.0.0.1:#{@port}/3?#{query}")
    connection.call("GET", "place")
  ensure
    connection&.close
  end

  def test_the_files_of_the_url_are_used_and_both_ends_are_verified
    mine = "cert=#{file('client.crt')}&key=#{file('client.key')}"
    assert_equal "three", get("cacert=#{file('ca.crt')}&#{mine}")
    { "#{mine}" => /certificate/, "cacert=#{file('other.crt')}&#{mine}" => /certificate/, "cacert=#{file('ca.crt')}" => //,
      "cacert=#{file('none.crt')}&#{mine}" => /none.crt|No such file|system lib/, "cacert=#{file('ca.crt')}&cert=#{file('no')}&key=#{file('no')}" => /files.*no/ }
      .each do |query, reason|
        error = assert_raises(Tempest::ConnectionLost, query) { get(query) }
        assert_match reason, error.message
      end
  end
end
