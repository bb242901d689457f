// Signed events of a Node test process: descriptor 3 out, configuration once on descriptor 4.
//
// Every event is a JSON line with a running number and a keyed digest; the key changes with each
// line. The configuration is gone before foreign code is loaded.

import { createHash, createHmac, Hash, Hmac } from 'node:crypto';
import { closeSync, readSync, writeSync } from 'node:fs';

const apply = Reflect.apply;
const ownKeys = Reflect.ownKeys;
const stringify = JSON.stringify;
const nothing = Object.create;
const updateHmac = Hmac.prototype.update;
const digestHmac = Hmac.prototype.digest;
const updateHash = Hash.prototype.update;
const digestHash = Hash.prototype.digest;
const textOf = String;

const KEY_BYTES = 32;

// memory of its own: what Node lends out of a pool can be read by the next who borrows
const ownBytes = (length) => new Uint8Array(length);
const wipe = (bytes) => { bytes.fill(0); };

const readAll = (descriptor) => {
  const parts = [];
  for (;;) {
    const part = ownBytes(1 << 16);
    const length = readSync(descriptor, part);
    if (length === 0) return parts;
    parts.push(part.subarray(0, length));
  }
};

const take = (descriptor) => {
  const key = ownBytes(KEY_BYTES);
  for (let had = 0; had < KEY_BYTES;) had += readSync(descriptor, key, had, KEY_BYTES - had, null);
  const text = Buffer.concat(readAll(descriptor)).toString('utf8');
  closeSync(descriptor);
  return { key, settings: JSON.parse(text) };
};

export const takeSettings = () => {
  const taken = take(4);
  const { settings } = taken;
  let { key } = taken;
  delete taken.key;
  let number = 0;
  const emit = (event, fields) => {
    const row = nothing(null);
    row.n = number;
    row.e = event;
    for (const name of ownKeys(fields)) row[name] = fields[name];
    number += 1;
    const text = stringify(row);
    const signed = apply(digestHmac, apply(updateHmac, createHmac('sha256', key), [text]), ['hex']);
    const next = ownBytes(KEY_BYTES);
    const digest = apply(digestHash, apply(updateHash, createHash('sha256'), [key]), []);
    next.set(digest);
    wipe(digest);
    wipe(key);
    key = next;
    writeSync(3, `${text}\t${signed}\n`);
  };
  return { settings, emit };
};

// a hostile error may throw from any of its properties
const told = (what, otherwise) => {
  try {
    return what();
  } catch {
    return otherwise;
  }
};

export const kindOf = (error) => told(() => {
  const cause = error?.code === 'ERR_TEST_FAILURE' ? error.cause ?? error : error;
  const text = textOf(cause?.message ?? cause);
  if (cause?.code === 'ERR_ASSERTION' || cause?.name === 'AssertionError') return 'assertion';
  if (cause instanceof RangeError && text.includes('call stack')) return 'stack overflow';
  return 'exception';
}, 'exception');

export const messageOf = (error) => told(() => {
  const cause = error?.code === 'ERR_TEST_FAILURE' ? error.cause ?? error : error;
  return `${textOf(cause?.name ?? 'Error')}: ${textOf(cause?.message ?? cause)}`.slice(0, 1500);
}, 'Error: an error that cannot be shown');

export const stackOf = (error) => told(() => textOf(error?.stack ?? error), 'no stack');
