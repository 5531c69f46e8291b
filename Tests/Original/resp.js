// A client of Redis as node_redis was in 2012: it asks `info` first, waits until the server has loaded, then sends what has gathered.
// Raw sockets, so that nothing has to be installed. Used by worker.js and front.js.
'use strict';
const net = require('net');

function format(words) {
  const parts = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.from(String(word));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

// One value out of the buffer at `at`: [value, next], or null when it is not complete.
function parse(buffer, at) {
  const end = buffer.indexOf('\r\n', at);
  if (end < 0) return null;
  const line = buffer.toString('utf8', at + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(buffer[at])) {
    case '+': return [line, next];
    case '-': return [new Error(line), next];
    case ':': return [Number(line), next];
    case '$': {
      const length = Number(line);
      if (length < 0) return [null, next];
      if (buffer.length < next + length + 2) return null;
      return [buffer.toString('utf8', next, next + length), next + length + 2];
    }
    case '*': {
      const count = Number(line);
      if (count < 0) return [null, next];
      const values = [];
      let place = next;
      for (let i = 0; i < count; i++) {
        const one = parse(buffer, place);
        if (!one) return null;
        values.push(one[0]);
        place = one[1];
      }
      return [values, place];
    }
    default: throw new Error(`no reply begins with ${JSON.stringify(line)}`);
  }
}

class Client {
  constructor(port, host) {
    this.waiting = [];
    this.offline = [];
    this.ready = false;
    this.buffer = Buffer.alloc(0);
    this.socket = net.connect(Number(port), host);
    this.socket.setNoDelay(true);
    this.socket.on('connect', () => this.check());
    this.socket.on('data', (data) => this.read(data));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('the connection was closed')));
  }

  check() {
    this.write(['info'], (error, info) => {
      if (error) return this.fail(error);
      const fields = {};
      for (const line of info.toString().split('\r\n')) {
        const parts = line.split(':');
        if (parts[1]) fields[parts[0]] = parts[1];
      }
      // node_redis takes the version apart without looking whether there is one.
      this.versions = fields.redis_version.split('.').map(Number);
      if (fields.loading && fields.loading !== '0') return setTimeout(() => this.check(), 50);
      this.ready = true;
      for (const [words, callback] of this.offline.splice(0)) this.write(words, callback);
    });
  }

  send(words, callback) {
    if (this.ready) this.write(words, callback);
    else this.offline.push([words, callback]);
  }

  write(words, callback) {
    this.waiting.push(callback || (() => {}));
    this.socket.write(format(words));
  }

  read(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    for (;;) {
      const one = this.buffer.length ? parse(this.buffer, 0) : null;
      if (!one) return;
      this.buffer = this.buffer.subarray(one[1]);
      const callback = this.waiting.shift();
      if (one[0] instanceof Error) callback(one[0]);
      else callback(null, one[0]);
    }
  }

  fail(error) {
    for (const callback of this.waiting.splice(0)) callback(error);
    for (const [, callback] of this.offline.splice(0)) callback(error);
    if (this.onEnd) this.onEnd(error);
  }

  end() { this.socket.end(); }
}

module.exports = { Client, parse };
