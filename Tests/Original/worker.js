// A worker in the manner of node-tempest 0.0.5: BLPOP, JSON.parse, emit the action with (args, respond_to, job_id); an answer is a command
// named after the action at the address that the job came with. Run: node worker.js REDIS_PORT QUEUE…
'use strict';
const { EventEmitter } = require('events');
const { Client } = require('./resp');

const [redisPort, ...queues] = process.argv.slice(2);
const worker = new EventEmitter();
const clients = new Map();

function answer(action, respondTo, jobId, value) {
  if (!clients.has(respondTo)) {
    const [host, port] = respondTo.split(':');
    const made = new Client(port, host);
    made.onEnd = (error) => {
      clients.delete(respondTo);
      // An address at which nobody is: an error that nobody handles, as with node_redis of 2012.
      if (error.syscall === 'connect') throw error;
    };
    clients.set(respondTo, made);
  }
  clients.get(respondTo).send([action, jobId, JSON.stringify(value)], (error, reply) => {
    console.log(error ? `refused ${error.message}` : `answered ${reply}`);
  });
}

worker.on('add', (args, respondTo, jobId) => answer('add', respondTo, jobId, [args[0] + args[1]]));
worker.on('shout', (args, respondTo, jobId) => answer('shout', respondTo, jobId, [args[0].toUpperCase()]));
worker.on('twice', (args, respondTo, jobId) => {
  answer('twice', respondTo, jobId, ['first']);
  answer('twice', respondTo, jobId, ['second']);
});
worker.on('url', (args, respondTo, jobId) => {
  const request = args[0];
  answer('url', respondTo, jobId, [200, { 'content-type': 'text/plain' }, `${request.method} ${request.url} by node`]);
});

const redis = new Client(redisPort, '127.0.0.1');
redis.onEnd = () => process.exit(0);
function next() {
  redis.send(['BLPOP', ...queues, 0], (error, task) => {
    if (error) return;
    if (task) {
      const [action, args, respondTo, jobId] = JSON.parse(task[1]);
      worker.emit(action, args, respondTo, jobId);
    }
    next();
  });
}
console.log('ready');
next();
