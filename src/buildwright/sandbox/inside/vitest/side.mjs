// Our side of a vitest process: one locked test file, judged from inside a scope that foreign code
// has no name for.
//
// This file and vitest are made into one program, so that nothing can import the parts of it that
// decide. Test and source files come as text and are linked before any of them runs. What a test
// function did is noted here, by the call that ran it; what tasks and hooks say can only make it
// worse. Matchers and the language are locked before foreign code is loaded.

import assert from 'node:assert';
import { syncBuiltinESMExports } from 'node:module';
import * as nodeTest from 'node:test';
import { pathToFileURL } from 'node:url';
import v8 from 'node:v8';
import vm from 'node:vm';
import { getFn, startTests } from '@vitest/runner';
import { NodeSnapshotEnvironment } from '@vitest/snapshot/environment';
import * as vitest from 'vitest';
import { closeInsights, lock, lockLanguage } from '../lockdown.mjs';
import { kindOf, messageOf, stackOf, takeSettings } from '../signing.mjs';
import { guardMatchers } from './matchers.mjs';

const { settings, emit } = takeSettings();
const { expect, test, TestRunner } = vitest;
const apply = Reflect.apply;
const define = Object.defineProperty;
const leave = process.exit.bind(process);
const write = process.stdout.write.bind(process.stdout);
const records = new WeakMap();
const sealed = [];
const fileTests = (suite) => suite.tasks.flatMap((one) => (one.type === 'suite' ? fileTests(one) : [one]));
const pathOf = (task) => (task.suite && task.suite !== task.file
  ? [...pathOf(task.suite), task.name] : [task.name]);

class Snapshots extends NodeSnapshotEnvironment {
  async readSnapshotFile(file) {
    return settings.snapshots.includes(file) ? super.readSnapshotFile(file) : null;
  }

  async saveSnapshotFile() { return undefined; }

  async removeSnapshotFile() { return undefined; }
}

const config = {
  root: settings.tree, name: '', testTimeout: 5000, hookTimeout: 10000, retry: 0,
  maxConcurrency: 5, passWithNoTests: true, allowOnly: true, setupFiles: [], tags: [],
  strictTags: false, chaiConfig: undefined, diffOptions: undefined, expect: {}, fakeTimers: {},
  sequence: { hooks: 'stack', setupFiles: 'parallel', shuffle: false, concurrent: false, seed: 1 },
  experimental: { viteModuleRunner: false, importDurations: { limit: 0 } },
  snapshotOptions: {
    updateSnapshot: 'none', expand: false, snapshotEnvironment: new Snapshots(),
    snapshotFormat: { printBasicPrototype: false, escapeString: false },
  },
};
const state = {
  config, filepath: settings.file, environment: { name: 'node' }, ctx: { pool: 'forks' },
  providedContext: {}, metaEnv: process.env, onCleanup() {},
  rpc: { snapshotSaved() {}, onAsyncLeaks() {} },
  evaluatedModules: { idToModuleMap: new Map(), getModuleById() {} }, resolvingModules: new Set(),
};
define(globalThis, '__vitest_worker__', { value: state });
process.env.VITEST = 'true';
process.env.NODE_ENV ??= 'test';

// what the test's own function did, told by the call that ran it
class Judge extends TestRunner {
  trace = (name, fields, work) => (work ?? fields)();

  importFile() { return loadTests(); }

  onCollectStart() {}

  onCleanupWorkerContext() {}

  async onBeforeRunTask() {}

  async onBeforeRunSuite(suite) {
    if (suite.mode === 'skip' || !('filepath' in suite)) return;
    await this.snapshotClient.setup(suite.file.filepath, config.snapshotOptions);
    const kept = this.snapshotClient.getSnapshotState(suite.file.filepath);
    const same = () => true;
    const shown = { ...kept._snapshotData };
    const fixed = new Proxy(shown, { set: same, deleteProperty: same, defineProperty: same });
    for (const [name, value] of [['_snapshotData', fixed], ['_updateSnapshot', 'none']]) {
      define(kept, name, { value, writable: false, configurable: false });
    }
    Object.preventExtensions(kept);
  }

  async onAfterRunSuite(suite) {
    if (suite.mode !== 'skip' && 'filepath' in suite) {
      await this.snapshotClient.finish(suite.file.filepath);
    }
  }

  onCollected(files) {
    for (const one of files.flatMap(fileTests)) {
      if (!settings.retries) one.retry = 0;
      sealed.push(one);
      records.set(one, {
        fn: getFn(one), id: pathOf(one).join(' > '), fails: one.fails === true, mode: one.mode,
        retries: settings.retries, tries: new Map(), bad: false, error: undefined, told: false,
      });
    }
  }

  onBeforeTryTask(task, { repeats }) {
    const record = records.get(task);
    if (record.tries.size === 0) {
      emit('start', { id: record.id });
      latch(task, record);
    }
    record.tries.set(repeats, false);
    record.repeat = repeats;
    super.onBeforeTryTask(task);
  }

  async runTask(task) {
    const record = records.get(task);
    try {
      await apply(record.fn, undefined, []);
      record.tries.set(record.repeat, true);
    } catch (error) {
      record.error ??= error;
      throw error;
    }
  }

  async onAfterRunTask(task) { tell(task); }
}

// a failure that was noted on the task stays: soft assertions and hooks tell of it only there
const latch = (task, record) => {
  let { result } = task;
  let now = result.state;
  define(result, 'state', {
    enumerable: true,
    get() { return now; },
    set(value) {
      if (value === 'run' && record.retries) record.bad = false;
      if (value === 'fail') record.bad = true;
      now = value;
    },
  });
  define(task, 'result', {
    enumerable: true,
    get() { return result; },
    set(value) { if (value?.state === 'skip') result = value; },
  });
};

const tell = (task) => {
  const record = records.get(task);
  if (record.told) return;
  record.told = true;
  const ran = record.tries.size > 0;
  const good = ran && [...record.tries.values()].every(Boolean) && !record.bad;
  const skipped = !ran && record.mode !== 'run' && record.mode !== 'queued';
  const skippedItself = task.result?.state === 'skip' && !record.bad;
  const threw = [...record.tries.values()].includes(false) && task.result?.state === 'pass';
  let outcome = (record.fails ? threw : good) ? 'passed' : 'failed';
  if (skipped || skippedItself) outcome = 'skipped';
  const first = record.error ?? task.result?.errors?.[0] ?? new Error('the test did not pass');
  const failed = outcome === 'failed';
  emit('done', {
    id: record.id, suite: false, outcome,
    kind: failed ? kindOf(first) : '', message: failed ? messageOf(first) : '',
    seconds: (task.result?.duration ?? 0) / 1000,
  });
  if (failed && task.name !== settings.decoy) write(`=== ${record.id} ===\n${stackOf(first)}\n`);
};

// each of these must throw; the decoy that holds them passes as soon as one does not
const WRONG = [
  () => { expect(1).toBe(2); }, () => { expect({ a: [1] }).toEqual({ a: [2] }); },
  () => { expect('a').toStrictEqual('b'); }, () => { expect([1]).toContain(2); },
  () => { expect(() => 1).toThrow(); }, () => { expect(0).toBeTruthy(); },
  () => { expect(1).to.equal(2); }, () => { vitest.assert.deepEqual([1], [2]); },
  () => { assert.strictEqual(1, 2); }, () => { assert.ok(false); },
];
const decoy = () => {
  for (const one of WRONG) {
    let held = false;
    try {
      one();
    } catch {
      held = true;
    }
    if (!held) return;
  }
  throw new Error(settings.decoy);
};

const cache = new Map();
const foreign = (name) => {
  if (!cache.has(name)) {
    cache.set(name, (async () => {
      const found = name === 'vitest' ? PUBLIC : await import(name);
      return new vm.SyntheticModule(Object.keys(found), function fill() {
        for (const part of Object.keys(found)) this.setExport(part, found[part]);
      }, { identifier: name });
    })());
  }
  return cache.get(name);
};
const { TestRunner: _runner, BenchmarkRunner: _bench, Snapshots: _snapshots, ...PUBLIC } = vitest;

const loadTests = async () => {
  test(settings.decoy, decoy);
  try {
    if (settings.error) throw new Error(settings.error);
    const modules = new Map(settings.modules.map((one) => [one.name, one]));
    const made = new Map();
    const linked = (name, from) => {
      const inside = name.startsWith('.') ? new URL(name, `file:///${from}`).pathname.slice(1) : name;
      return modules.has(inside) ? make(inside) : foreign(name);
    };
    const whole = async (name, from) => {
      const found = await linked(name, from);
      if (found.status === 'unlinked') await found.link((wanted, by) => linked(wanted, names.get(by)));
      if (found.status !== 'evaluated') await found.evaluate();
      return found;
    };
    const names = new WeakMap();
    const make = (name) => {
      if (!made.has(name)) {
        const { code, path } = modules.get(name);
        const url = path ? pathToFileURL(path).href : pathToFileURL(name).href;
        const one = new vm.SourceTextModule(code, {
          identifier: path || name,
          initializeImportMeta(meta) {
            meta.url = url;
            meta.filename = path;
            meta.dirname = path.slice(0, path.lastIndexOf('/'));
            meta.env = { MODE: 'test', DEV: true, PROD: false, SSR: true };
          },
          importModuleDynamically: (wanted) => whole(wanted, name),
        });
        made.set(name, one);
        names.set(one, name);
      }
      return made.get(name);
    };
    const entry = settings.modules.find((one) => one.entry);
    await whole(`./${entry.name}`, '');
  } catch (error) {
    emit('collect', { message: messageOf(error) });
    write(`${stackOf(error)}\n`);
    throw error;
  }
};

guardMatchers(vitest, settings, emit);
for (const name of ['test', 'it', 'describe', 'suite', 'expect', 'assert', 'vi', 'vitest',
  'beforeAll', 'afterAll', 'beforeEach', 'afterEach', 'onTestFinished', 'onTestFailed']) {
  if (settings.globals) define(globalThis, name, { value: vitest[name], enumerable: true });
  if (typeof vitest[name] === 'function') lock(vitest[name]);
}
for (const owner of [assert, assert.strict, assert.AssertionError.prototype, nodeTest.default]) {
  lock(owner, ['mock']);
}
closeInsights(v8);
syncBuiltinESMExports();
lockLanguage();
emit('begin', {});

await startTests([settings.file], new Judge(config));
for (const one of sealed) tell(one);
emit('end', {});
leave(0);
