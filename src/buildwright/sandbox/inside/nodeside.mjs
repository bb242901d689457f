// Our side of a Node test process: loaded before foreign code, and the only reporter of node:test.
//
// Configuration comes once, on descriptor 4, and is gone before foreign code is loaded. Every event
// is a JSON line with a running number and a keyed digest on descriptor 3; the key changes with
// each line. What decides a test (assert, node:test, streams, the language's own prototypes) is
// compared after every test with what it was at the start.

import assert from 'node:assert';
import { createHash, createHmac, Hash, Hmac } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { Duplex, PassThrough, Readable, Transform, Writable } from 'node:stream';
import * as runner from 'node:test';

const apply = Reflect.apply;
const ownKeys = Reflect.ownKeys;
const descriptorOf = Reflect.getOwnPropertyDescriptor;
const stringify = JSON.stringify;
const nothing = Object.create;
const textOf = String;
const later = setTimeout;
const updateHmac = Hmac.prototype.update;
const digestHmac = Hmac.prototype.digest;
const updateHash = Hash.prototype.update;
const digestHash = Hash.prototype.digest;
const iteratorOf = Symbol.asyncIterator;

const settings = JSON.parse(readFileSync(4, 'utf8'));
closeSync(4);
let key = Buffer.from(settings.key, 'hex');
let number = 0;
let claimed = null;
export const isClaimed = new Promise((resolve) => { claimed = resolve; });

const emit = (event, fields) => {
  const row = nothing(null);
  row.n = number;
  row.e = event;
  for (const name of ownKeys(fields)) row[name] = fields[name];
  number += 1;
  const text = stringify(row);
  const signed = apply(digestHmac, apply(updateHmac, createHmac('sha256', key), [text]), ['hex']);
  key = apply(digestHash, apply(updateHash, createHash('sha256'), [key]), []);
  writeSync(3, `${text}\t${signed}\n`);
};

const guarded = [
  ['assert', assert], ['assert.strict', assert.strict],
  ['AssertionError', assert.AssertionError.prototype], ['node:test', runner.default],
  ['Readable', Readable.prototype], ['Writable', Writable.prototype],
  ['Duplex', Duplex.prototype], ['Transform', Transform.prototype],
  ['PassThrough', PassThrough.prototype], ['EventEmitter', EventEmitter.prototype],
  ['Hmac', Hmac.prototype], ['Hash', Hash.prototype], ['Object', Object], ['Reflect', Reflect],
  ['Object.prototype', Object.prototype], ['Array.prototype', Array.prototype],
  ['Function.prototype', Function.prototype], ['Promise', Promise],
  ['Promise.prototype', Promise.prototype], ['Error.prototype', Error.prototype],
  ['String.prototype', String.prototype], ['RegExp.prototype', RegExp.prototype],
  ['Map.prototype', Map.prototype], ['Set.prototype', Set.prototype], ['JSON', JSON],
];
const before = [];
for (const [name, owner] of guarded) {
  for (const part of ownKeys(owner)) {
    const was = descriptorOf(owner, part);
    if (!(owner === runner.default && part === 'mock')) before.push([name, owner, part, was]);
  }
}
let told = false;
const look = () => {
  for (let i = 0; i < before.length && !told; i += 1) {
    const [name, owner, part, was] = before[i];
    const now = descriptorOf(owner, part);
    if (!now || now.value !== was.value || now.get !== was.get || now.set !== was.set) {
      told = true;
      emit('tampered', { what: `${name}.${textOf(part)} was replaced` });
    }
  }
};

const kindOf = (error) => {
  const cause = error?.cause ?? error;
  const text = textOf(cause?.message ?? cause);
  if (cause?.code === 'ERR_ASSERTION' || cause?.name === 'AssertionError') return 'assertion';
  if (cause instanceof RangeError && text.includes('call stack')) return 'stack overflow';
  return 'exception';
};
const messageOf = (error) => {
  const cause = error?.cause ?? error;
  return `${textOf(cause?.name ?? 'Error')}: ${textOf(cause?.message ?? cause)}`.slice(0, 1500);
};

// node:test calls this once, before foreign code is loaded; whoever calls it again gets nothing
export default async function* report(source) {
  if (claimed === null) return;
  const claim = claimed;
  claimed = null;
  claim();
  const path = [];
  for await (const event of { [iteratorOf]: () => apply(source[iteratorOf], source, []) }) {
    const { type, data } = event;
    if (type === 'test:start') {
      path.length = data.nesting;
      path[data.nesting] = data.name;
    } else if (type === 'test:pass' || type === 'test:fail') {
      path.length = data.nesting;
      path[data.nesting] = data.name;
      const id = path.join(' > ');
      look();
      const skipped = data.skip !== undefined || data.todo !== undefined;
      const failed = type === 'test:fail';
      const error = data.details?.error;
      emit('done', {
        id,
        suite: data.details?.type === 'suite',
        outcome: failed && data.todo === undefined ? 'failed' : skipped ? 'skipped' : 'passed',
        kind: failed ? kindOf(error) : '',
        message: failed ? messageOf(error) : textOf(data.skip ?? data.todo ?? ''),
        seconds: (data.details?.duration_ms ?? 0) / 1000,
      });
      if (failed && data.name !== settings.decoy) yield `=== ${id} ===\n${messageOf(error)}\n`;
    }
  }
  look();
  emit('end', {});
}

// the reporter hears of a test only when it is over, which is too late for one that never is
runner.beforeEach((context) => { emit('start', { id: context.name }); });
runner.test(settings.decoy, async () => {
  await new Promise((resolve) => { later(resolve, 1); });
  assert.strictEqual(settings.decoy, '');
});
emit('begin', {});

// foreign code is loaded from here
export const load = async () => {
  try {
    await import(settings.file);
  } catch (error) {
    emit('collect', { message: messageOf(error) });
    writeSync(2, `${textOf(error?.stack ?? error)}\n`);
  }
};
