// Our side of a Node test process: loaded before foreign code, and the only reporter of node:test.
//
// What decides a test is locked where the language allows it (assert, node:test, the language's own
// prototypes); the rest (streams, emitters) is compared after every test with what it was.

import assert from 'node:assert';
import { Hash, Hmac } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Duplex, PassThrough, Readable, Transform, Writable } from 'node:stream';
import * as runner from 'node:test';
import v8 from 'node:v8';
import { closeInsights, lock, lockLanguage } from './lockdown.mjs';
import { kindOf, messageOf, stackOf, takeSettings } from './signing.mjs';

const apply = Reflect.apply;
const ownKeys = Reflect.ownKeys;
const descriptorOf = Reflect.getOwnPropertyDescriptor;
const textOf = String;
const later = setTimeout;
const iteratorOf = Symbol.asyncIterator;

const { settings, emit } = takeSettings();
let claimed = null;
export const isClaimed = new Promise((resolve) => { claimed = resolve; });

const fixed = [
  assert, assert.strict, assert.AssertionError.prototype, Hmac.prototype, Hash.prototype,
];
for (const owner of fixed) lock(owner);
lock(runner.default, ['mock']);
closeInsights(v8);
syncBuiltinESMExports();
lockLanguage();

const guarded = [
  ['Readable', Readable.prototype], ['Writable', Writable.prototype],
  ['Duplex', Duplex.prototype], ['Transform', Transform.prototype],
  ['PassThrough', PassThrough.prototype], ['EventEmitter', EventEmitter.prototype],
  ['Error.prototype', Error.prototype], ['JSON', JSON],
];
const before = [];
for (const [name, owner] of guarded) {
  for (const part of ownKeys(owner)) before.push([name, owner, part, descriptorOf(owner, part)]);
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
    writeSync(2, `${stackOf(error)}\n`);
  }
};
