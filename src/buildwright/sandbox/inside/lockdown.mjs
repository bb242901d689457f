// Fixes what decides a test, so that code loaded later can neither replace it nor put it back.
//
// A lock cannot be undone from within the language. Data properties become read-only; those that
// objects commonly shadow by assignment become accessors that define the shadow on the object.

const define = Reflect.defineProperty;
const descriptorOf = Reflect.getOwnPropertyDescriptor;
const ownKeys = Reflect.ownKeys;
const SHADOWED = new Set([
  'constructor', 'toString', 'toLocaleString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf',
  'propertyIsEnumerable', 'call', 'apply', 'bind',
]);

const readOnly = (owner, name, was) => {
  define(owner, name, { ...was, writable: false, configurable: false });
};

const shadowable = (owner, name, was) => {
  const { value, enumerable } = was;
  define(owner, name, {
    enumerable,
    configurable: false,
    get() { return value; },
    set(given) {
      if (this === owner) throw new TypeError(`${String(name)} is locked during a test run`);
      const made = { value: given, writable: true, enumerable: true, configurable: true };
      if (!define(this, name, made)) throw new TypeError(`cannot assign ${String(name)}`);
    },
  });
};

export const lock = (owner, except = []) => {
  for (const name of ownKeys(owner)) {
    const was = descriptorOf(owner, name);
    if (!was.configurable || except.includes(name)) continue;
    if (was.get || was.set) define(owner, name, { ...was, configurable: false });
    else if (SHADOWED.has(name)) shadowable(owner, name, was);
    else readOnly(owner, name, was);
  }
};

const IntrinsicIterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
const CONSTRUCTORS = [
  'Object', 'Function', 'Array', 'Promise', 'Map', 'Set', 'WeakMap', 'WeakSet', 'Symbol', 'String',
  'Number', 'Boolean', 'BigInt', 'RegExp', 'Proxy', 'Error', 'TypeError', 'RangeError',
  'AggregateError', 'ArrayBuffer', 'DataView', 'Uint8Array', 'Buffer', 'URL',
];
const GLOBALS = [...CONSTRUCTORS, 'Reflect', 'globalThis', 'isNaN', 'isFinite', 'structuredClone'];
// what errors are called and say is assigned to by every class of errors
const OPEN = {
  Error: ['name', 'message', 'stackTraceLimit', 'prepareStackTrace', 'captureStackTrace'],
  TypeError: ['name', 'message'], RangeError: ['name', 'message'],
  AggregateError: ['name', 'message'], Buffer: ['poolSize'],
};

// each of these shows or changes what is kept from the code
const INSIGHTS = ['getHeapSnapshot', 'writeHeapSnapshot', 'setFlagsFromString', 'queryObjects',
  'setHeapSnapshotNearHeapLimit'];

export const closeInsights = (v8) => {
  for (const name of INSIGHTS) {
    if (!v8[name]) continue;
    v8[name] = () => { throw new Error(`v8.${name} is closed during a test run`); };
  }
  lock(v8);
};

export const lockLanguage = () => {
  for (const name of CONSTRUCTORS) {
    const made = globalThis[name];
    lock(made, OPEN[name] ?? []);
    if (made.prototype) lock(made.prototype, OPEN[name] ?? []);
  }
  lock(Reflect);
  lock(IntrinsicIterator);
  for (const empty of [[], new Map(), new Set(), '']) {
    lock(Object.getPrototypeOf(empty[Symbol.iterator]()));
  }
  lock(Object.getPrototypeOf(Uint8Array));
  lock(Object.getPrototypeOf(Uint8Array).prototype);
  for (const sample of [function* () {}, async () => {}, async function* () {}]) {
    const prototype = Object.getPrototypeOf(sample);
    lock(prototype);
    if (prototype.prototype) lock(prototype.prototype);
  }
  // an inherited property of this kind would let any object say what it equals
  Object.preventExtensions(Object.prototype);
  for (const name of GLOBALS) {
    define(globalThis, name, {
      value: globalThis[name], writable: false, enumerable: false, configurable: false,
    });
  }
};
