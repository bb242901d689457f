// Matchers that an object under test cannot talk into saying yes.
//
// vitest asks an object with `asymmetricMatch`, or one that looks like a node of a page, whether it
// equals the other side. On the side of the code under test that is an answer of the accused.

import { types } from 'node:util';
import { customMatchers } from '@vitest/expect';
import { lock } from '../lockdown.mjs';

const { isProxy, isMap, isSet } = types;
const apply = Reflect.apply;
const define = Object.defineProperty;
const keysOf = Reflect.ownKeys;
const descriptorOf = Reflect.getOwnPropertyDescriptor;
const prototypeOf = Reflect.getPrototypeOf;
const isArray = Array.isArray;
const eachOf = { map: Map.prototype.forEach, set: Set.prototype.forEach };
const HELD = new Map([[Array, Array.prototype], [Map, Map.prototype], [Set, Set.prototype]]);
const MOST = 20_000;
const NAMES = ['asymmetricMatch', 'isEqualNode'];
const JUDGES = 'a value that decides itself what it equals';
const ASKED = [
  'toEqual', 'toStrictEqual', 'toMatchObject', 'toContainEqual', 'toHaveProperty', 'toBeOneOf',
  'toSatisfy', 'toContain', 'toMatch', 'eql', 'eqls', 'equal', 'equals', 'eq', 'include', 'includes',
  'contain', 'contains', 'members', 'keys', 'key', 'property', 'match', 'matches',
];

const parts = (value) => {
  const found = [];
  if (isMap(value)) apply(eachOf.map, value, [(one, key) => { found.push(key, one); }]);
  if (isSet(value)) apply(eachOf.set, value, [(one) => { found.push(one); }]);
  for (const name of keysOf(value)) {
    const held = descriptorOf(value, name);
    if (held && 'value' in held) found.push(held.value);
    else if (held?.get) found.push(apply(held.get, value, []));
  }
  return found;
};

// '' when there is nothing to say against a value as one that is compared
export const suspicion = (value) => {
  const seen = new Set();
  const open = [value];
  while (open.length > 0 && seen.size < MOST) {
    const one = open.pop();
    if ((typeof one !== 'object' && typeof one !== 'function') || one === null) continue;
    if (isProxy(one)) return 'a proxy, whose answers are its own';
    if (seen.has(one)) continue;
    seen.add(one);
    for (let at = one; at !== null; at = prototypeOf(at)) {
      if (isProxy(at) || NAMES.some((name) => descriptorOf(at, name))) return JUDGES;
    }
    if (HELD.has(one.constructor) && prototypeOf(one) !== HELD.get(one.constructor)) return JUDGES;
    if (typeof one === 'object') open.push(...parts(one));
    if (isArray(one) && descriptorOf(one, 'constructor')) return JUDGES;
  }
  return '';
};

const guard = (prototype, name, flag, refuse) => {
  const was = descriptorOf(prototype, name);
  if (typeof was?.value !== 'function') return;
  const original = was.value;
  define(prototype, name, {
    ...was,
    value: function asked(...given) {
      const actual = flag(this, 'object');
      if (name === 'toMatch' && typeof actual !== 'string') {
        throw new TypeError('toMatch needs a string on the side of the code');
      }
      const against = suspicion(actual);
      if (against) refuse(against);
      return apply(original, this, given);
    },
  });
};

const MATCHERS = Symbol.for('$$jest-matchers-object');
const KEPT = ['matchers-object', 'asymmetric-matchers-object', 'expect-global', '$$jest-matchers-object'];

export const guardMatchers = ({ chai, expect, vi }, settings, emit) => {
  const refuse = (against) => {
    emit('tampered', { what: `an assertion compared ${against}` });
    throw new Error(`an assertion compared ${against}; compare plain data`);
  };
  const { prototype } = chai.Assertion;
  for (const name of ASKED) guard(prototype, name, chai.util.flag, refuse);
  const deepEqual = chai.assert.deepEqual;
  define(chai.assert, 'deepEqual', {
    value: (actual, ...rest) => {
      const against = suspicion(actual);
      return against ? refuse(against) : deepEqual(actual, ...rest);
    },
  });
  // each new `expect` adds these once more; what was there first stays
  for (const name of Object.keys(customMatchers)) {
    const kept = prototype[name];
    define(prototype, name, { get: () => kept, set() {}, enumerable: true, configurable: false });
  }
  for (const owner of [prototype, chai.Assertion, chai.assert, chai.util, chai, expect, vi]) {
    lock(owner);
  }
  if (!settings.testers) Object.freeze(globalThis[MATCHERS].customEqualityTesters);
  for (const name of KEPT) {
    const was = descriptorOf(globalThis, Symbol.for(name));
    const fixed = was && 'value' in was ? { writable: false } : {};
    if (was?.configurable) define(globalThis, Symbol.for(name), { ...was, ...fixed, configurable: false });
  }
};
