# frozen_string_literal: true

# Sessions in workers: the values, their time, and the word to the front.

require_relative "front"

class TestSession < FrontTest
  ID = "s" * 43
  KEY = "session:#{ID}"

  def session
    @session ||= Tempest::Session.new(ID, @redis.connection)
  end

  def test_values_are_kept_as_arrays_of_one
    assert_nil session.get("user")
    assert_equal "nobody", session.get("user", "nobody")
    session.set(:user, "anna")
    session["basket"] = { "ä" => [1, 1.5, nil, "\xFF".b] }
    assert_equal [["basket", '[{"ä":[1,1.5,null,{"$b64":"/w=="}]}]'.b], ["user", '["anna"]']], call("HGETALL", KEY).each_slice(2).sort
    assert_equal({ "user" => "anna", "basket" => { "ä" => [1, 1.5, nil, "\xFF".b] } }, session.all)
    session.delete(:user, "nothing")
    session.delete
    assert_equal ["basket"], session.all.keys
    assert_equal session.all["basket"], session[:basket]
  end

  def test_a_new_session_gets_its_time_and_an_old_one_keeps_what_it_has
    session.set("a", 1)
    assert_includes (Tempest::Session::IDLE_SECONDS - 10)..Tempest::Session::IDLE_SECONDS, call("TTL", KEY)
    call("EXPIRE", KEY, "100")
    session.set("a", 2)
    assert_operator call("TTL", KEY), :<=, 100
  end

  def test_what_is_no_value_is_not_taken_for_one
    call("HSET", KEY, "plain", "anna", "two", "[1,2]", "none", "[]", "ok", "[null]", "\xFF".b, "[1]")
    %w[plain two none].each { |field| assert_match(/#{field}/, assert_raises(Tempest::SessionError) { session.get(field) }.message) }
    assert_equal({ "ok" => nil }, session.all)
    assert_raises(Tempest::CodecError) { session.set("a", Object.new) }
    assert_raises(Tempest::SessionError) { session.set("", 1) }
  end

  def test_a_key_that_is_no_hash_is_said_and_the_connection_goes_on
    call("SET", KEY, "x")
    assert_raises(Tempest::ServerError) { session.set("a", 1) }
    assert_equal "PONG", call("PING")
  end

  def test_it_survives_a_cut_connection
    session.set("a", 1)
    other = Tempest::Connection.new(@redis.url)
    @endings << -> { other.close }
    other.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    session.set("b", 2)
    other.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert_equal [1, 2], [session.get("a"), session.get("b")]
  end

  def test_orders
    assert_nil session.order
    session.rotate
    assert_equal "rotate", session.order
    session.end
    assert_match(/ended/, assert_raises(Tempest::SessionError) { session.set("a", 1) }.message)
    session.seal
    assert_match(/too late/, assert_raises(Tempest::SessionError) { session.rotate }.message)
  end

  def test_only_what_has_the_form_of_an_id_is_one
    assert Tempest::Session.id?("A-_#{'z' * 40}")
    [nil, 1, "", "s" * 42, "s" * 44, "#{'s' * 42}\n", "#{'s' * 43}\n", "#{'s' * 42}*", "../#{'s' * 40}", ["s"] * 43].each { |id| refute Tempest::Session.id?(id), id.inspect }
  end

  def test_a_handler_has_the_session_of_its_job_and_the_answer_its_order
    log = worker do |w|
      login = Tempest::HTTP.endpoint do |request|
        next "no session" unless request.session

        request.session.set("visits", request.session.get("visits", 0) + 1)
        request.session.public_send({ "/rotate" => :rotate, "/end" => :end }.fetch(request.path, :all))
        Tempest::HTTP.text(request.session.get("visits").to_s)
      end
      w.handle("login", login, context: true)
      late = Tempest::HTTP.endpoint do |request|
        request.stream do |out|
          out << "a"
          request.session.rotate
        end
      end
      w.handle("late", late, context: true)
    end
    body = ->(url, id) { get("login", url, meta: { session: id }).first.first }
    assert_equal(%w[1 2], Array.new(2) { body.call("/", ID).last })
    assert_equal "1", body.call("/", "t" * 43).last
    assert_equal "no session", body.call("/", "../../q").last
    assert_equal "rotate", body.call("/rotate", ID)[1]["tempest-session"]
    assert_equal "end", body.call("/end", ID)[1]["tempest-session"]
    refute body.call("/", ID)[1].key?("tempest-session")
    args, meta = get("late", meta: { session: ID })
    assert_equal ["a", [], "handler"], [args.first.last, args.last, meta["error"]["code"]]
    assert_includes log.string, "too late to rotate"
  end
end
