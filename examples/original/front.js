// A front as node-tempest had it in 2012, without its packages: browsers ask its HTTP server, each request becomes a job, and the answer comes
// to a server of its own that speaks the Redis protocol. It listens everywhere, and so writes itself as 0.0.0.0.
// Run: node front.js REDIS_SOCKET QUEUE; it prints its URL. After it: the workers.
'use strict';
const http = require('http');
const net = require('net');

const [redisSocket, queue] = process.argv.slice(2);
const waiting = new Map(); // `action:job id` -> what to do with the answer

const command = (...words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

// The words of the first command in the bytes, and what is left; null: it is not complete.
function first(bytes) {
  const line = (at) => {
    const end = bytes.indexOf('\r\n', at);
    return end < 0 ? null : [Number(bytes.toString('utf8', at + 1, end)), end + 2];
  };
  let found = line(0);
  if (!found) return null;
  let [count, at] = found;
  const words = [];
  for (; count > 0; count -= 1) {
    found = line(at);
    if (!found || bytes.length < found[1] + found[0] + 2) return null;
    words.push(bytes.toString('utf8', found[1], found[1] + found[0]));
    at = found[1] + found[0] + 2;
  }
  return [words, bytes.subarray(at)];
}

// A worker connects as to a Redis, asks `info`, and says `<action> <job id> <the args of the answer>`.
const node = net.createServer((socket) => {
  let bytes = Buffer.alloc(0);
  socket.on('data', (data) => {
    bytes = Buffer.concat([bytes, data]);
    for (let found = first(bytes); found; found = first(bytes)) {
      const [action, id, payload] = found[0];
      bytes = found[1];
      if (action === 'info') {
        socket.write('$21\r\nredis_version:2.4.5\r\n\r\n');
        continue;
      }
      socket.write('+OK\r\n');
      const answer = waiting.get(`${action}:${id}`);
      waiting.delete(`${action}:${id}`);
      if (answer) answer(JSON.parse(payload));
    }
  });
});

node.listen(0, '0.0.0.0', () => {
  const redis = net.connect(redisSocket);
  redis.on('data', () => {}); // the replies are of no interest here
  let next = 0;
  const front = http.createServer((request, response) => {
    const id = next;
    next += 1;
    waiting.set(`url:${id}`, ([status, headers, body]) => {
      response.writeHead(status, headers);
      response.end(body);
    });
    const argument = { method: request.method, url: request.url, headers: request.headers };
    redis.write(command('RPUSH', queue, JSON.stringify(['url', [argument], `0.0.0.0:${node.address().port}`, id])));
  });
  front.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${front.address().port}`));
});
